"""A policy that is ready to judge: compiled, with its keys and all that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from policyjwt.assurance import Standing
from policyjwt.compiler.validator import Validator
from policyjwt.evidence_sources import OtherLeaf
from policyjwt.key_sources import Source, Sourced
from policyjwt.recipients import Recipient
from policyjwt.recording import PolicySource
from policyjwt.tokens import KeySet
from policyjwt.tokens.decryption_key import DecryptionKey
from policyjwt.tokens.key import Key
from policyjwt.tokens.key_roles import Roles

if TYPE_CHECKING:
    from policyjwt.holders import Holders
    from policyjwt.signers import Signers
    from policyjwt.statuses import Statuses
    from policyjwt.tokens.certificate_path import CertificatePath

Store: TypeAlias = tuple[str, str | None]
"""How far the replay store reaches, and its caller's word."""


@dataclass(frozen=True, slots=True, repr=False)
class Others:
    """What is known of the keys of other issuers: which material they have, and which certificates speak for them."""

    materials: frozenset[str]
    leaves: tuple[OtherLeaf, ...]

    def share(self, path: CertificatePath) -> bool:
        """Whether the signer's key, as its certificate shows it, is another issuer's too."""
        if self.materials and path.key.material_id in self.materials:
            return True
        return any(leaf.speaks_for(path) for leaf in self.leaves)


NO_OTHERS = Others(frozenset(), ())
OF_THE_ISSUER = frozenset({"issuer-authentication", "non-repudiation"})
"""The assurances that a key of two issuers can't give."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Sources:
    """The keys of a policy by where they come from, so that one source can be renewed without reading the others."""

    signature: tuple[Sourced[Key], ...] = ()
    status: tuple[Sourced[Key], ...] = ()
    decryption: tuple[Sourced[DecryptionKey], ...] = ()

    def all(self) -> Iterator[Source]:
        """Every source."""
        yield from (each.source for each in (*self.signature, *self.status))
        yield from (each.source for each in self.decryption)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Candidate:
    """A policy that is ready to judge, by the `keys` of its source or by `signers` that show certificates.

    `statuses` judges whether a token was withdrawn, `holders` who presents it, `recipient` opens what is encrypted;
    None where the policy does not ask. `sources` are its keys by where they come from. `distrusted` are thumbprints
    that `except key` names, `withdrawn` the material of keys that the issuer has taken out of its set. `loaded_at` is
    when the keys came, `stale_after` the instant past which they are no longer believed, None where they do not age.
    `standings` say what its mechanisms assure, as loaded; `source` is the text that it was made from, `store` what its
    nonces are remembered in. `shares_key` says that its key is another issuer's too; `others` is what would show that
    of a key that comes with a token, `decrypting` the material of keys that decrypt here: none of them may sign.
    `recorded_role_reuse` says of a record whose did, the signer's or its responder's.
    """

    validator: Validator
    keys: KeySet | None
    withdrawn: frozenset[str]
    signers: Signers | None
    statuses: Statuses | None
    holders: Holders | None
    recipient: Recipient | None
    sources: Sources
    algorithms: frozenset[str]
    distrusted: frozenset[str]
    loaded_at: float
    stale_after: float | None
    standings: tuple[Standing, ...]
    established: frozenset[str]
    source: PolicySource
    store: Store | None
    shares_key: bool = False
    others: Others = NO_OTHERS
    decrypting: frozenset[str] = field(default_factory=frozenset)
    recorded_role_reuse: str | None = None

    @property
    def name(self) -> str:
        """The policy's name."""
        return self.validator.policy.name

    def roles(self, whose: str) -> Roles:
        """Which keys may not vouch, as a signer or as a responder: those that decrypt here."""
        return Roles(decrypting=self.decrypting, reused=self.recorded_role_reuse == whose)

    @property
    def reads_json(self) -> bool:
        """Whether it judges tokens in the flattened JSON form: where evidence comes in the unprotected header."""
        return self.signers is not None and self.signers.staple is not None and self.signers.staple.carrier == "jades"


def without_issuer_authentication(candidate: Candidate) -> Candidate:
    """The candidate, its key being another issuer's too."""
    standings_ = standings_of_a_shared_key(candidate.standings)
    left = candidate.established - OF_THE_ISSUER
    return replace(candidate, standings=standings_, established=left, shares_key=True)


def standings_of_a_shared_key(given: Sequence[Standing]) -> tuple[Standing, ...]:
    """What is assured by a key that is another issuer's too."""
    return tuple(
        replace(standing, given=False, phrase="another issuer's policy has the same key")
        if standing.name in OF_THE_ISSUER and standing.given
        else standing
        for standing in given
    )
