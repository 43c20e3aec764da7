"""Keys are apart: no key of two issuers goes unsaid, and none both signs and decrypts. Input: candidates with keys.

Compared by material over everything that is loaded, whatever form, name or file it came in; at load, and each time
that keys are renewed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from policyjwt import loading_messages as say
from policyjwt.candidate import OF_THE_ISSUER, Candidate, Others, without_issuer_authentication
from policyjwt.checker.key_parties import issuer_text, party_names
from policyjwt.checker.named_files import certificate_files
from policyjwt.diagnostics import Diagnostic
from policyjwt.errors import KeyRefused
from policyjwt.evidence_sources import OtherLeaf, leaf_of, read_certificates
from policyjwt.key_sources import (
    Source,
    Supply,
    decrypting_material,
    decryption_sources,
    public_file_keys,
    signature_sources,
    status_sources,
)
from policyjwt.language.files import FileFault
from policyjwt.language.model import CheckedPolicy
from policyjwt.tokens import DecryptionKeySet, KeySet
from policyjwt.tokens.decryption_key import DecryptionKey
from policyjwt.tokens.key import Key

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Assembly:
    """Candidates that were not compared yet, beside what is known of all the other policies of the root.

    `parties` say which issuers are one. Of policies that are no candidates, by name: `marks` of the keys of their
    signers, `beside` of those of their status lists and certificates; and `decrypting` of all. `leaves` are the
    certificates that speak for the issuer of a policy, by its name.
    """

    candidates: tuple[Candidate, ...]
    among: tuple[CheckedPolicy, ...]
    parties: Mapping[str, str]
    marks: Mapping[str, frozenset[str]]
    beside: Mapping[str, frozenset[str]]
    decrypting: frozenset[str]
    leaves: Mapping[str, OtherLeaf]


def assemble(candidates: Sequence[Candidate], among: Sequence[CheckedPolicy], supply: Supply) -> Assembly:
    """The candidates beside `among`, which are all policies: a key of an issuer that is trusted at another door counts.

    Of a policy that is no candidate only what is in memory already, or in a public file, is looked at.
    """
    ready = {candidate.name for candidate in candidates}
    others = [policy for policy in among if policy.name not in ready]
    leaves = {policy.name: leaf_of(policy, supply.files) for policy in among}
    return Assembly(
        candidates=tuple(candidates),
        among=tuple(among),
        parties=party_names(policy.block for policy in among),
        marks={policy.name: _unloaded_marks(policy, supply) for policy in others},
        beside={
            policy.name: _materials(status_sources(policy), supply) | _named_certificates(policy, supply)
            for policy in others
        },
        decrypting=frozenset(
            mark
            for policy in others
            for source in decryption_sources(policy)
            for mark in _decrypting_marks(_decryption_at_hand(source, supply))
        ),
        leaves={name: leaf for name, leaf in leaves.items() if leaf is not None},
    )


def compare(assembly: Assembly) -> tuple[tuple[Candidate, ...], tuple[Diagnostic, ...]]:
    """The candidates, each knowing whose else its keys are, and what keeps one from being a candidate."""
    faults = [*_one_role_each(assembly), *_one_key_a_kid(assembly)]
    kept, shared = _judge_sharing(assembly)
    decrypting = frozenset(mark for each in assembly.candidates for mark in _own_decrypting(each)) | assembly.decrypting
    return tuple(replace(each, decrypting=decrypting) for each in kept), (*faults, *shared)


# ------------------------------------------------------------------------------------ one key, one role


def _one_role_each(assembly: Assembly) -> Iterator[Diagnostic]:
    """RFC 8725, section 3.5, by material: what decrypts here verifies nothing, for whichever policy."""
    verifying: dict[str, str] = {}
    for candidate in assembly.candidates:
        verifying |= dict.fromkeys(_verifying_materials(candidate), candidate.name)
    for name in assembly.marks:
        verifying |= dict.fromkeys(assembly.marks[name] | assembly.beside[name], name)
    for candidate in assembly.candidates:
        for sourced in candidate.sources.decryption:
            used = [verifying[mark] for key in sourced.keys for mark in key.material_ids if mark in verifying]
            if used:  # check: K7
                yield say.signs_and_decrypts(sourced.source.place, policy=used[0])
        if not assembly.decrypting.isdisjoint(_verifying_materials(candidate)):
            yield say.signs_and_decrypts(candidate.validator.policy.signature.place, policy=candidate.name)


def listed_elsewhere(assembly: Assembly, name: str) -> dict[str, frozenset[str]]:
    """Of the keys of one source that decrypt, those that others list among theirs, by the source that was fetched.

    To list a key takes no private key. Whoever publishes ours among his own must not keep us from decrypting by it.
    """
    ours = frozenset(
        mark
        for candidate in assembly.candidates
        for sourced in candidate.sources.decryption
        if sourced.source.renewal == name
        for mark in _decrypting_marks(sourced.keys)
    )
    found: dict[str, frozenset[str]] = {}
    for candidate in assembly.candidates:
        for each in (*candidate.sources.signature, *candidate.sources.status):
            both = ours.intersection(key.material_id for key in each.believed)
            if both and each.source.remote:
                found[each.source.renewal] = found.get(each.source.renewal, frozenset()) | both
    return found


def _one_key_a_kid(assembly: Assembly) -> Iterator[Diagnostic]:
    """The key that a token is encrypted to is found by its `kid` among the sections of all candidates."""
    seen: dict[str, tuple[str, str]] = {}
    for candidate in assembly.candidates:
        for sourced in candidate.sources.decryption:
            for key in sourced.keys:
                if key.kid is None:
                    continue
                identity, name = seen.setdefault(key.kid, (key.identity, candidate.name))
                if identity != key.identity:  # check: K6
                    yield say.one_kid_two_keys(sourced.source.place, policy=name)


def _own_decrypting(candidate: Candidate) -> frozenset[str]:
    return frozenset(mark for each in candidate.sources.decryption for mark in _decrypting_marks(each.keys))


def _decrypting_marks(keys: Sequence[DecryptionKey]) -> frozenset[str]:
    return frozenset(mark for key in keys for mark in key.material_ids)


def _verifying_materials(candidate: Candidate) -> frozenset[str]:
    """The material of every key by which anything is verified for this policy, those of its certificates too."""
    sources = candidate.sources
    found = {key.material_id for each in (*sources.signature, *sources.status) for key in each.believed}
    return frozenset(found | _certified(_certificates(candidate)))


def _certificates(candidate: Candidate) -> Iterator[Certificate]:
    from policyjwt.holders import MtlsHolders

    signers, holders = candidate.signers, candidate.holders
    if signers is not None:
        yield from signers.path.anchors.certificates
        if signers.staple is not None:
            yield from signers.staple.demand.pinned
    if isinstance(holders, MtlsHolders) and holders.anchors is not None:
        yield from holders.anchors.certificates


def _certified(certificates: Iterable[Certificate]) -> set[str]:
    from policyjwt.tokens.certificate_facts import key_material

    return {material for material in map(key_material, certificates) if material is not None}


def _named_certificates(policy: CheckedPolicy, supply: Supply) -> set[str]:
    """The material of the certificates that a policy names in files, as far as they can be read."""
    found: list[Certificate] = []
    for named in certificate_files(policy.block):
        with suppress(KeyRefused, FileFault):
            found.extend(read_certificates(supply.files.read(policy.root, named.value)))
    return _certified(found)


# ------------------------------------------------------------------------------------ keys under two issuers


def _judge_sharing(assembly: Assembly) -> tuple[tuple[Candidate, ...], tuple[Diagnostic, ...]]:
    """One key under two issuers: an error for a secret; of a public key it takes issuer-authentication away."""
    marks = dict(assembly.marks)
    marks |= {candidate.name: _loaded_marks(candidate) for candidate in assembly.candidates}
    users: dict[str, set[str]] = {}
    for policy in assembly.among:
        for mark in marks[policy.name]:
            users.setdefault(mark, set()).add(assembly.parties[issuer_text(policy.block)])
    faults: list[Diagnostic] = []
    kept: list[Candidate] = []
    for candidate in assembly.candidates:
        policy = candidate.validator.policy
        if all(len(users[mark]) == 1 for mark in marks[policy.name]):
            kept.append(_beside(candidate, assembly, marks))
            continue
        if any(algorithm.startswith("HS") for algorithm in policy.algorithms):
            faults.append(say.secret_under_two_issuers(policy.signature.place))
            continue
        lost = [p for p in policy.block.assures if p.assurance in OF_THE_ISSUER]
        faults.extend(say.promise_lost(promise.place, promise.assurance) for promise in lost)
        if not lost:
            kept.append(without_issuer_authentication(candidate))
    return tuple(kept), tuple(faults)


def _beside(candidate: Candidate, assembly: Assembly, marks: Mapping[str, frozenset[str]]) -> Candidate:
    """With what is known of the other issuers, by which a certificate that comes with a token is judged."""
    if candidate.signers is None:
        return candidate
    parties = assembly.parties
    own = parties[issuer_text(candidate.validator.policy.block)]
    others = [each.name for each in assembly.among if parties[issuer_text(each.block)] != own]
    materials = frozenset(mark for name in others for mark in marks[name])
    leaves = tuple(assembly.leaves[name] for name in others if name in assembly.leaves)
    return replace(candidate, others=Others(materials, leaves))


def _loaded_marks(candidate: Candidate) -> frozenset[str]:
    """What two policies have in common if they have a key in common: its material, or where it comes from."""
    materials = {key.material_id for each in candidate.sources.signature for key in each.believed}
    return frozenset(materials.union(map(_mark, signature_sources(candidate.validator.policy))))


def _unloaded_marks(policy: CheckedPolicy, supply: Supply) -> frozenset[str]:
    own = tuple(signature_sources(policy))
    return frozenset(map(_mark, own)) | _materials(own, supply)


def _materials(sources: Iterable[Source], supply: Supply) -> frozenset[str]:
    return frozenset(key.material_id for source in sources for key in _at_hand(source, supply))


def _mark(source: Source) -> str:
    return f"{source.root} {source.reference}" if source.reference.startswith("file:") else source.reference


def _at_hand(source: Source, supply: Supply) -> tuple[Key, ...]:
    """The keys of a policy that is no candidate, as far as they are in memory already, or in a public file."""
    given = supply.given.get(source.reference)
    if isinstance(given, KeySet):
        return given.keys
    with suppress(KeyRefused):  # too weak, or not to be read: no candidate could use them either
        if isinstance(given, bytes):
            return KeySet.from_secret(given).keys
        if given is None:
            return public_file_keys(source, supply.files)
    return ()


def _decryption_at_hand(source: Source, supply: Supply) -> tuple[DecryptionKey, ...]:
    given = supply.given.get(source.reference)
    with suppress(KeyRefused):  # no candidate could use it either
        if isinstance(given, (DecryptionKeySet, bytes)):
            return decrypting_material(source, given)
    return ()
