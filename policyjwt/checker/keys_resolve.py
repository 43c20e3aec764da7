"""Checks of secrets and private keys, for those who deploy.

Input: merged policies and roots. Output: diagnostics.

Reads the environment, secret files and the keyring, as loading does; only `validate --resolve` asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from policyjwt.checker import key_messages as messages
from policyjwt.checker.key_files import file_keys
from policyjwt.checker.key_parties import Use, issuer_text, party_names, shared_keys
from policyjwt.checker.keys import secret_reference
from policyjwt.diagnostics import Diagnostic
from policyjwt.errors import KeyRefused
from policyjwt.keys.keyring import from_keyring
from policyjwt.keys.secrets import file_notes, from_environment, from_file
from policyjwt.language.model import Block, JwksFile, PemFile, Secret
from policyjwt.language.suggest import quoted
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
    role: Literal["secret", "public", "decryption"]
    reference: str
    item: Secret | JwksFile | PemFile


def _placed(seen: _Seen, *, party: str, issuer: str) -> Use:
    return Use(
        material=seen.material,
        role=seen.role,
        party=party,
        issuer=issuer,
        reference=seen.reference,
        span=seen.item.place.span,
    )


def _uses(block: Block, root: str, faults: list[Diagnostic]) -> Iterator[_Seen]:
    signature = block.signature
    if signature is not None:
        names = signature.algorithms.values if signature.algorithms is not None else ()
        for secret in signature.secrets:
            key = _secret_key(secret, root, names, faults)
            if key is not None:
                yield _Seen(key.material_id, "secret", quoted(secret_reference(secret)), secret)
        if isinstance(signature.keys, (JwksFile, PemFile)):
            source = signature.keys
            for public in file_keys(source, root).keys or ():  # its faults are found without `--resolve`
                yield _Seen(public.material_id, "public", f"a key of {quoted(source.path.value)}", source)
    for secret in block.encryption.keys if block.encryption is not None else ():
        for material in _decrypting_material(secret, root, faults):
            yield _Seen(material, "decryption", quoted(secret_reference(secret)), secret)


def _secret_key(secret: Secret, root: str, names: tuple[str, ...], faults: list[Diagnostic]) -> Key | None:
    span, reference = secret.place.span, quoted(secret_reference(secret))
    assert secret.encoding is not None
    try:
        key = from_secret(_raw(secret, root, secret.encoding.value, faults))
    except KeyRefused as refused:
        faults.append(messages.unresolved(span, reference=reference, fault=refused.message, help=refused.help))
        return None
    short = [name for name in names if name.startswith("HS") and name not in key.algorithms]
    faults.extend(messages.secret_does_not_fit(span, reference=reference, algorithm=name) for name in short)
    return key


def _decrypting_material(secret: Secret, root: str, faults: list[Diagnostic]) -> frozenset[str]:
    """By which material a key that decrypts would be known if it verified, too. None where it can't be had."""
    assert secret.encoding is not None
    try:
        if secret.encoding.value == "base64url":
            key = decryption_key.from_secret(_raw(secret, root, "base64url", faults))
        elif secret.encoding.value == "pem":
            key = decryption_key.from_pem(_raw(secret, root, "utf8", faults))
        else:
            key = decryption_key.from_jwk(_raw(secret, root, "utf8", faults))
    except KeyRefused as refused:
        reference = quoted(secret_reference(secret))
        span = secret.place.span
        faults.append(messages.unresolved(span, reference=reference, fault=refused.message, help=refused.help))
        return frozenset()
    return key.material_ids


def _raw(secret: Secret, root: str, encoding: str, faults: list[Diagnostic]) -> bytes:
    if secret.origin == "env":
        return from_environment(secret.parts[0].value, encoding)
    if secret.origin == "keyring":
        service, user = secret.parts
        return from_keyring(service.value, user.value, encoding)
    path = Path(root) / secret.parts[0].value
    notes = file_notes(path)
    material = from_file(path, encoding)
    span, reference = secret.place.span, quoted(secret_reference(secret))
    faults.extend(messages.resolved_note(span, reference=reference, fault=note) for _, note in notes)
    return material
