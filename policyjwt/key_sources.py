"""The keys of a policy. Input: a checked policy and where its keys come from. Output: keys by source, or diagnostics.

A key reference is how callers name a source: `url:https://…`, `file:keys/x.jwks.json`, `env:NAME`. A source that is
renewed while the engine runs hands over what it obtained; every other one is read once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from policyjwt import loading_messages as say
from policyjwt.diagnostics import Diagnostic
from policyjwt.errors import KeyRefused
from policyjwt.keys.files import parse_jwks, read_jwks, read_pem
from policyjwt.keys.secrets import from_file, material, text_encoding
from policyjwt.language.files import FileFault, Files
from policyjwt.language.model import (
    CheckedPolicy,
    Discovery,
    JwksFile,
    JwksUrl,
    KeySource,
    PemFile,
    Secret,
)
from policyjwt.source import Place
from policyjwt.tokens import DecryptionKeySet, KeySet
from policyjwt.tokens.decryption_key import DecryptionKey, from_material
from policyjwt.tokens.key import Key

Material: TypeAlias = KeySet | DecryptionKeySet | bytes
"""What a source gives: keys, or the bytes of a secret."""

Given: TypeAlias = Material | Path | Callable[[], Material]
"""What a caller may hand in for a key reference. A Path is read as the policy would read it."""

K = TypeVar("K", Key, DecryptionKey)


@dataclass(frozen=True, slots=True)
class Source:
    """One key reference of a policy, as callers name it. `root` is the folder that its paths are relative to."""

    reference: str
    place: Place
    item: JwksFile | JwksUrl | Discovery | PemFile | Secret
    root: str

    @property
    def renewal(self) -> str:
        """Names what is obtained: one address under two authorities for TLS is asked twice, and believed apart.

        Files of one path below two roots are two files.
        """
        if isinstance(self.item, (JwksUrl, Discovery)) and self.item.ca is not None:
            return f"{self.reference} by {self.root}/{self.item.ca.value}"
        return f"{self.reference} of {self.root}" if self.reference.startswith("file:") else self.reference

    @property
    def remote(self) -> bool:
        """Whether its keys are fetched where nobody hands them in."""
        return isinstance(self.item, (JwksUrl, Discovery))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Listed:
    """The material of the keys that an issuer's last set names: whether sound or not, they are its keys.

    `gone` is that of those that stay withdrawn whatever it names; `born` is as in `Obtained`.
    """

    materials: frozenset[str]
    gone: frozenset[str] = frozenset()
    born: float

    def has(self, key: Key) -> bool:
        """Whether the issuer still has this key."""
        return key.material_id in self.materials and key.material_id not in self.gone


@dataclass(frozen=True, slots=True, repr=False)
class Obtained:
    """What a source gave that is renewed.

    `at` is as of when this is its word, in seconds since the epoch: when it was asked, or earlier, where a cache on the
    way had a copy. `born` is the same instant by a clock that is never set, to tell what is older than what.
    `withdrawn` is the material of keys that its issuer has taken out since, in a set that could not be used, and
    `heard` as of when it said so, by that clock.
    """

    material: Material
    at: float
    born: float
    withdrawn: frozenset[str] = frozenset()
    heard: float = -math.inf

    @property
    def listed(self) -> Listed | None:
        """The keys that its issuer has now; None for what is no set of public keys."""
        if not isinstance(self.material, KeySet):
            return None
        materials = frozenset(key.material_id for key in self.material.keys)
        return Listed(materials=materials, born=self.born)

    def but_for(self, listed: Listed) -> Obtained:
        """The same, where the issuer now lists these keys and no others."""
        keys = self.material.keys if isinstance(self.material, KeySet) else ()
        gone = frozenset(key.material_id for key in keys if not listed.has(key))
        return replace(self, withdrawn=gone, heard=listed.born)

    def deprived_of(self, materials: frozenset[str]) -> Listed:
        """What its issuer lists by now, where these are not believed to be its keys."""
        keys = self.material.keys if isinstance(self.material, KeySet) else ()
        left = frozenset(key.material_id for key in keys) - self.withdrawn - materials
        return Listed(materials=left, born=max(self.born, self.heard))

    def is_newer_than(self, news: Obtained | Listed) -> bool:
        """Whether `news` is an older copy, from a cache: it would bring back what was withdrawn since."""
        return news.born < max(self.born, self.heard)

    def is_all_of(self, news: Obtained | Listed) -> bool:
        """Whether `news` names these keys and no others: then it may be as old as it is."""
        listed = news if isinstance(news, Listed) else news.listed
        mine = None if self.listed is None else self.listed.materials - self.withdrawn
        return listed is not None and listed.materials == mine


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Supply:
    """Where keys come from in one load.

    `given` was handed in by the caller, `obtained` by sources that are renewed (by `Source.renewal`), or why there is
    nothing. `since` remembers when a KeySet was first handed in, by its reference: handing it in again makes it no
    younger.
    """

    given: Mapping[str, Given]
    obtained: Mapping[str, Obtained | KeyRefused]
    files: Files
    since: dict[str, float]
    now: float


@dataclass(frozen=True, slots=True, repr=False)
class Sourced(Generic[K]):
    """The keys of one source, when they came, and the material of those that are no longer the issuer's."""

    source: Source
    keys: tuple[K, ...]
    at: float
    withdrawn: frozenset[str] = frozenset()

    @property
    def believed(self) -> tuple[K, ...]:
        """The keys but for those that were withdrawn: whoever had one of these shares nothing with anybody."""
        return tuple(key for key in self.keys if not (isinstance(key, Key) and key.material_id in self.withdrawn))

    def but_for(self: Sourced[Key], listed: Listed) -> Sourced[Key]:
        """The same, where the issuer now lists these keys and no others."""
        return replace(self, withdrawn=frozenset(key.material_id for key in self.keys if not listed.has(key)))


# ------------------------------------------------------------------------------------------------ references


def references(policies: Iterable[CheckedPolicy]) -> frozenset[str]:
    """Every key reference that these policies write."""
    return frozenset(source.reference for policy in policies for source in all_sources(policy))


def all_sources(policy: CheckedPolicy) -> Iterator[Source]:
    """Every source of the policy, whatever its keys are for."""
    yield from signature_sources(policy)
    yield from decryption_sources(policy)
    yield from status_sources(policy)


def signature_sources(policy: CheckedPolicy) -> Iterator[Source]:
    """Where the keys for signatures come from."""
    if policy.signature.keys is not None:
        yield from _of_keys(policy.signature.keys, policy.root)
    for secret in policy.signature.secrets:
        yield _of_secret(secret, policy.root)


def decryption_sources(policy: CheckedPolicy) -> Iterator[Source]:
    """Where the keys come from that decrypt."""
    if policy.block.encryption is not None:
        for key in policy.block.encryption.keys:
            yield _of_secret(key, policy.root)


def status_sources(policy: CheckedPolicy) -> Iterator[Source]:
    """Where the keys of status lists come from."""
    if policy.block.status is not None and policy.block.status.keys is not None:
        yield from _of_keys(policy.block.status.keys, policy.root)


def _of_keys(source: KeySource, root: str) -> Iterator[Source]:
    if isinstance(source, JwksUrl):
        yield Source(f"url:{source.url.value}", source.place, source, root)
    elif isinstance(source, Discovery):
        yield Source(f"discovery:{source.issuer.value}", source.place, source, root)
    elif isinstance(source, (JwksFile, PemFile)):
        yield Source(f"file:{source.path.value}", source.place, source, root)


def _of_secret(secret: Secret, root: str) -> Source:
    parts = "/".join(part.value.replace("/", "%2F") for part in secret.parts)
    if secret.origin != "keyring":
        parts = secret.parts[0].value
    return Source(f"{secret.origin}:{parts}", secret.place, secret, root)


# ------------------------------------------------------------------------------------------------ keys


def verifying_keys(sources: Iterable[Source], supply: Supply) -> tuple[tuple[Sourced[Key], ...], list[Diagnostic]]:
    """The keys of each source, and why others have none."""
    return _each(sources, supply, _verifying)


def decrypting_keys(
    sources: Iterable[Source], supply: Supply
) -> tuple[tuple[Sourced[DecryptionKey], ...], list[Diagnostic]]:
    """The same, of keys that decrypt."""
    return _each(sources, supply, _decrypting)


def renewed(sourced: tuple[Sourced[Key], ...], renewal: str, obtained: Obtained) -> tuple[Sourced[Key], ...]:
    """The keys, those of one source being what it obtained now. KeyRefused."""
    return _renewed(sourced, renewal, obtained, _verifying_material)


def renewed_decryption(
    sourced: tuple[Sourced[DecryptionKey], ...], renewal: str, obtained: Obtained
) -> tuple[Sourced[DecryptionKey], ...]:
    """The same, of keys that decrypt."""
    return _renewed(sourced, renewal, obtained, decrypting_material)


def together(sourced: Sequence[Sourced[Key]]) -> KeySet:
    """One set of all these keys. KeyRefused where they don't go together."""
    return KeySet(tuple(key for each in sourced for key in each.keys))


def _each(
    sources: Iterable[Source], supply: Supply, read: Callable[[Source, Supply], tuple[K, ...]]
) -> tuple[tuple[Sourced[K], ...], list[Diagnostic]]:
    found: list[Sourced[K]] = []
    faults: list[Diagnostic] = []
    for source in sources:
        try:
            obtained = supply.obtained.get(source.renewal)
            keys, at = read(source, supply), _came_at(source, supply)
            if isinstance(obtained, Obtained):
                found.append(Sourced(source, keys, at, obtained.withdrawn))
            else:
                found.append(Sourced(source, keys, at))
        except KeyRefused as refused:
            if source.remote and source.reference not in supply.given:
                faults.append(say.needs_keys(source.place, source.reference, refused))
            else:
                faults.append(say.key_refused(source.place, refused))
    return tuple(found), faults


def _came_at(source: Source, supply: Supply) -> float:
    """When the keys came. A KeySet for what ages counts from when it was first handed in."""
    obtained = supply.obtained.get(source.renewal)
    if isinstance(obtained, Obtained):
        return obtained.at
    if isinstance(supply.given.get(source.reference), KeySet):
        return supply.since.setdefault(source.reference, supply.now)
    return supply.now


def _renewed(
    sourced: tuple[Sourced[K], ...],
    renewal: str,
    obtained: Obtained,
    read: Callable[[Source, Material], tuple[K, ...]],
) -> tuple[Sourced[K], ...]:
    return tuple(
        Sourced(each.source, read(each.source, obtained.material), obtained.at, obtained.withdrawn)
        if each.source.renewal == renewal
        else each
        for each in sourced
    )


def _at_hand(source: Source, supply: Supply) -> Material | Path | None:
    """What was obtained or handed in for the source; None where the policy itself says where to read."""
    obtained = supply.obtained.get(source.renewal)
    if isinstance(obtained, KeyRefused):
        raise obtained
    if obtained is not None:
        return obtained.material
    given = supply.given.get(source.reference)
    return resolved(given) if callable(given) else given


def resolved(resolver: Callable[[], Material]) -> Material:
    """What a caller's resolver gives. KeyRefused where it fails or gives no key: None never means to look elsewhere."""
    try:
        found: object = resolver()
    except Exception as failed:  # noqa: BLE001 - the border to a caller's resolver; its exception may quote the secret
        if type(failed) is KeyRefused and failed.message.isprintable():  # what our own constructors say of keys
            raise KeyRefused(failed.code, failed.message, help=failed.help) from None
        raise KeyRefused("key.not_found", "the resolver that was handed in failed") from None
    if not isinstance(found, (KeySet, DecryptionKeySet, bytes)):
        raise KeyRefused("key.not_found", "the resolver that was handed in gave neither keys nor bytes")
    return found


# ------------------------------------------------------------------------------------------------ keys that verify


def _verifying(source: Source, supply: Supply) -> tuple[Key, ...]:
    given, item = _at_hand(source, supply), source.item
    if given is not None and not isinstance(given, Path):
        return _verifying_material(source, given)
    if isinstance(item, Secret):
        return _secret(source, item, read_secret(item, source.root if given is None else given))
    if given is None:
        return public_file_keys(source, supply.files)
    reader = read_pem if isinstance(item, PemFile) else read_jwks
    return reader(given, reference=source.reference).keys


def _verifying_material(source: Source, given: Material) -> tuple[Key, ...]:
    item = source.item
    if isinstance(given, KeySet):
        wanted = item.kid.value if isinstance(item, Secret) and item.kid else None
        if isinstance(item, Secret) and any(key.kid != wanted for key in given.keys):
            message = "the `kid` of the key that was handed in is not the one that the policy gives to this secret"
            raise KeyRefused(
                "key.not_found", message, help="hand in the bytes of the secret: they take the policy's `kid`"
            )
        return given.keys
    if isinstance(given, bytes) and isinstance(item, Secret):
        return _secret(source, item, given)
    raise KeyRefused("key.not_found", f"what was handed in for `{source.reference}` is no key set")


def _secret(source: Source, item: Secret, material: bytes) -> tuple[Key, ...]:
    return KeySet.from_secret(material, kid=_kid(item), reference=source.reference).keys


def public_file_keys(source: Source, files: Files) -> tuple[Key, ...]:
    """The keys of a `keys … file`. KeyRefused for a source that is another: its keys come from elsewhere."""
    item = source.item
    if isinstance(item, JwksFile):
        return parse_jwks(_below(source.root, item.path.value, files), reference=source.reference).keys
    if isinstance(item, PemFile):
        return KeySet.from_pem(_below(source.root, item.path.value, files), reference=source.reference).keys
    raise KeyRefused("key.not_found", "these keys were not handed in, and nothing fetches them here")


# ------------------------------------------------------------------------------------------------ keys that decrypt


def _decrypting(source: Source, supply: Supply) -> tuple[DecryptionKey, ...]:
    assert isinstance(source.item, Secret)
    given = _at_hand(source, supply)
    if given is None or isinstance(given, Path):
        given = read_secret(source.item, source.root if given is None else given)
    return decrypting_material(source, given)


def decrypting_material(source: Source, given: Material) -> tuple[DecryptionKey, ...]:
    """What was handed in or obtained, as the keys that the policy takes it for. KeyRefused."""
    item = source.item
    assert isinstance(item, Secret)
    assert item.encoding is not None
    if isinstance(given, DecryptionKeySet):
        wanted = _kid(item)
        if wanted is not None and any(key.kid != wanted for key in given.keys):
            message = "the `kid` of the key that was handed in is not the one that the policy gives to this key"
            raise KeyRefused("key.not_found", message, help="make it with the policy's `kid`")
        return given.keys
    if not isinstance(given, bytes):
        raise KeyRefused("key.not_found", f"what was handed in for `{source.reference}` is no key that decrypts")
    return (from_material(given, item.encoding.value, kid=_kid(item), reference=source.reference),)


# ------------------------------------------------------------------------------------------------ reading


def read_secret(item: Secret, where: str | Path) -> bytes:
    """The bytes of a secret, or the text of a private key, as the policy says where and how; from `where` if a Path.

    A str is the root of the policy.
    """
    assert item.encoding is not None
    if isinstance(where, Path):
        return from_file(where, text_encoding(item.encoding.value))
    return material(item.origin, [part.value for part in item.parts], item.encoding.value, root=where)


def _kid(item: Secret) -> str | None:
    return item.kid.value if item.kid else None


def _below(root: str, path: str, files: Files) -> bytes:
    """A file of the policy, read as the checker reads it: below the root, whatever links say by now."""
    try:
        return files.read(root, path)
    except FileFault as fault:
        raise KeyRefused("key.not_found", f"the key file {fault.message}", help=fault.help) from None
