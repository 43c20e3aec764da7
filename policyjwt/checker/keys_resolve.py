"""Checks of secrets and private keys, for those who deploy.

Input: merged policies and roots. Output: diagnostics.

Reads the environment, secret files and the keyring, as loading does; only `validate --resolve` asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from policyjwt.checker import key_messages as messages
from policyjwt.checker.key_files import file_keys, read_below
from policyjwt.checker.key_parties import Use, issuer_text, party_names, shared_keys
from policyjwt.checker.keys import secret_reference
from policyjwt.checker.named_files import certificate_files
from policyjwt.diagnostics import Diagnostic
from policyjwt.errors import KeyRefused
from policyjwt.keys.secrets import file_notes, material, resolved_below
from policyjwt.language.model import Block, Encryption, JwksFile, KeySource, PemFile, Secret
from policyjwt.language.suggest import quoted
from policyjwt.source import Span
from policyjwt.tokens import decryption_key
from policyjwt.tokens.key import Key, from_secret


@dataclass(slots=True)
class _Resolved:
    faults: list[Diagnostic] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)


def resolve_keys(blocks: Sequence[tuple[Block, str]]) -> tuple[Diagnostic, ...]:
    """Looks at every secret, private key and file mode that `blocks` name, each with its root folder.

    One secret under two names, a key that verifies and decrypts, what is too short or open to others. Nothing of a
    secret is kept or told.
    """
    found = _Resolved()
    parties = party_names(block for block, _ in blocks)
    for block, root in blocks:
        text = issuer_text(block)
        for use in _uses(block, root, found.faults):
            found.uses.append(_placed(use, party=parties.get(text, text), issuer=text))
    known = set(found.faults)
    found.faults.extend(fault for fault in shared_keys(found.uses) if fault not in known)
    return tuple(dict.fromkeys(found.faults))


@dataclass(frozen=True, slots=True)
class _Seen:
    """A key that was looked at, by its material: what it is for and where it stands."""

    material: str
    role: Literal["secret", "public", "evidence", "decryption"]
    reference: str
    span: Span


def _placed(seen: _Seen, *, party: str, issuer: str) -> Use:
    return Use(
        material=seen.material,
        role=seen.role,
        party=party,
        issuer=issuer,
        reference=seen.reference,
        span=seen.span,
    )


def _uses(block: Block, root: str, faults: list[Diagnostic]) -> Iterator[_Seen]:
    signature = block.signature
    if signature is not None:
        names = signature.algorithms.values if signature.algorithms is not None else ()
        for secret in signature.secrets:
            key = _secret_key(secret, root, names, faults)
            if key is not None:
                yield _Seen(key.material_id, "secret", quoted(secret_reference(secret)), secret.place.span)
        yield from _of_file(signature.keys, root, "public")
    if block.status is not None:
        yield from _of_file(block.status.keys, root, "evidence")
    yield from _of_certificates(block, root)
    if block.encryption is not None:
        yield from _decrypting(block.encryption, root, faults)


def _of_file(source: KeySource | None, root: str, role: Literal["public", "evidence"]) -> Iterator[_Seen]:
    if isinstance(source, (JwksFile, PemFile)):
        for public in file_keys(source, root).keys or ():  # its faults are found without `--resolve`
            yield _Seen(public.material_id, role, f"a key of {quoted(source.path.value)}", source.place.span)


def _of_certificates(block: Block, root: str) -> Iterator[_Seen]:
    """The keys of anchors and pinned responders; what is wrong with the files is found without `--resolve`."""
    from cryptography.x509 import load_pem_x509_certificates

    from policyjwt.tokens.certificate_facts import key_material

    for named in certificate_files(block):
        data = read_below(root, named.value, named.span)
        certificates = []
        with suppress(ValueError, TypeError):
            certificates = load_pem_x509_certificates(data) if isinstance(data, bytes) else []
        for each in filter(None, map(key_material, certificates)):
            yield _Seen(each, "evidence", f"a key of {quoted(named.value)}", named.span)


def _decrypting(section: Encryption, root: str, faults: list[Diagnostic]) -> Iterator[_Seen]:
    keys = [(each, _decryption_key(each, root, faults)) for each in section.keys]
    for secret, key in keys:
        for each in key.material_ids if key is not None else ():
            yield _Seen(each, "decryption", quoted(secret_reference(secret)), secret.place.span)
    algorithms = section.algorithms.values if section.algorithms is not None else ()
    contents = section.content.values if section.content is not None else ()
    whole = [key for _, key in keys if key is not None]
    if len(whole) == len(keys) and not any(key.fits(a, c) for key in whole for a in algorithms for c in contents):
        listed = ", ".join(algorithms)
        faults.append(messages.no_key_decrypts(section.place.span, algorithms=listed))


def _secret_key(secret: Secret, root: str, names: tuple[str, ...], faults: list[Diagnostic]) -> Key | None:
    span, reference = secret.place.span, quoted(secret_reference(secret))
    assert secret.encoding is not None
    try:
        key = from_secret(_raw(secret, root, faults))
    except KeyRefused as refused:
        faults.append(messages.unresolved(span, reference=reference, fault=refused.message, help=refused.help))
        return None
    short = [name for name in names if name.startswith("HS") and name not in key.algorithms]
    faults.extend(messages.secret_does_not_fit(span, reference=reference, algorithm=name) for name in short)
    return key


def _decryption_key(secret: Secret, root: str, faults: list[Diagnostic]) -> decryption_key.DecryptionKey | None:
    assert secret.encoding is not None
    try:
        return decryption_key.from_material(_raw(secret, root, faults), secret.encoding.value)
    except KeyRefused as refused:
        reference = quoted(secret_reference(secret))
        span = secret.place.span
        faults.append(messages.unresolved(span, reference=reference, fault=refused.message, help=refused.help))
        return None


def _raw(secret: Secret, root: str, faults: list[Diagnostic]) -> bytes:
    """As loading reads it, with what the mode of its file gives to think."""
    assert secret.encoding is not None
    names = [part.value for part in secret.parts]
    found = material(secret.origin, names, secret.encoding.value, root=root)
    if secret.origin == "file":
        span, reference = secret.place.span, quoted(secret_reference(secret))
        notes = file_notes(resolved_below(root, names[0]))
        faults.extend(messages.resolved_note(span, reference=reference, fault=note) for _, note in notes)
    return found
