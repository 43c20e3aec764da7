"""Checks of secrets and private keys, for those who deploy.

Input: merged policies and roots. Output: diagnostics.

Reads the environment and secret files, as loading does; only `validate --resolve` asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from policyjwt.checker import key_messages as messages
from policyjwt.checker.key_files import file_keys
from policyjwt.checker.key_parties import Use, issuer_text, party_names, shared_keys
from policyjwt.checker.keys import secret_reference
from policyjwt.diagnostics import Diagnostic
from policyjwt.errors import KeyRefused
from policyjwt.keys.files import read_bounded
from policyjwt.keys.secrets import decode, file_notes, from_environment, from_file
from policyjwt.language.model import Block, JwksFile, PemFile, Secret
from policyjwt.language.suggest import quoted
from policyjwt.tokens import jwk, strict_json
from policyjwt.tokens.key import Key, from_public_key, from_secret
from policyjwt.tokens.limits import MAX_SECRET_BYTES

_PUBLIC_MEMBERS = frozenset({"kty", "crv", "x", "y", "n", "e", "k"})
"""What makes a key the key that it is; what it may be used for is not asked here."""


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
    """A key that was looked at: what it is for and where it stands."""

    key: Key | None
    role: str
    reference: str
    item: Secret | JwksFile | PemFile


def _placed(seen: _Seen, *, party: str, issuer: str) -> Use:
    assert seen.key is not None
    return Use(
        material=seen.key.material_id,
        role="decryption" if seen.role == "decryption" else "secret" if seen.key.symmetric else "public",
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
                yield _Seen(key, "secret", quoted(secret_reference(secret)), secret)
        if isinstance(signature.keys, (JwksFile, PemFile)):
            source = signature.keys
            for public in file_keys(source, root).keys or ():  # its faults are found without `--resolve`
                yield _Seen(public, "public", f"a key of {quoted(source.path.value)}", source)
    for secret in block.encryption.keys if block.encryption is not None else ():
        key = _decryption_key(secret, root, faults)
        if key is not None:
            yield _Seen(key, "decryption", quoted(secret_reference(secret)), secret)


def _secret_key(secret: Secret, root: str, names: tuple[str, ...], faults: list[Diagnostic]) -> Key | None:
    span, reference = secret.place.span, quoted(secret_reference(secret))
    assert secret.encoding is not None
    if secret.origin == "keyring":
        faults.append(messages.not_resolved(span, reference=reference))
        return None
    try:
        if secret.origin == "env":
            material = from_environment(secret.parts[0].value, secret.encoding.value)
        else:
            path = Path(root) / secret.parts[0].value
            notes = file_notes(path)
            material = from_file(path, secret.encoding.value)
            faults.extend(messages.resolved_note(span, reference=reference, fault=note) for _, note in notes)
        key = from_secret(material)
    except KeyRefused as refused:
        faults.append(messages.unresolved(span, reference=reference, fault=refused.message, help=refused.help))
        return None
    short = [name for name in names if name.startswith("HS") and name not in key.algorithms]
    faults.extend(messages.secret_does_not_fit(span, reference=reference, algorithm=name) for name in short)
    return key


def _decryption_key(secret: Secret, root: str, faults: list[Diagnostic]) -> Key | None:
    """The public half of a decryption key, as a key that could verify. None for kinds that never verify."""
    span, reference = secret.place.span, quoted(secret_reference(secret))
    assert secret.encoding is not None
    if secret.origin == "keyring":
        faults.append(messages.not_resolved(span, reference=reference))
        return None
    try:
        if secret.encoding.value == "base64url":
            return from_secret(_raw(secret, root, "base64url"))
        data = _raw(secret, root, "utf8")
        return _public_half(data, pem=secret.encoding.value == "pem")
    except KeyRefused as refused:
        faults.append(messages.unresolved(span, reference=reference, fault=refused.message, help=refused.help))
        return None


def _raw(secret: Secret, root: str, encoding: str) -> bytes:
    name = secret.parts[0].value
    if secret.origin == "env":
        return from_environment(name, encoding)
    path = Path(root) / name
    if encoding == "base64url":
        return from_file(path, encoding)
    for level, fault in file_notes(path):
        if level == "error":
            raise KeyRefused("key.file_mode", fault, help="chown it to the user of the service, and chmod 0400")
    return decode(read_bounded(path, limit=MAX_SECRET_BYTES), encoding)


def _public_half(data: bytes, *, pem: bool) -> Key | None:
    if not pem:
        return _of_jwk(data)
    try:
        private = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyRefused("key.malformed", "no private key in PEM that can be read without a password") from None
    return _verifying(private.public_key())


def _verifying(public: object) -> Key | None:
    try:
        return from_public_key(public)
    except KeyRefused as refused:
        if refused.code == "key.usage":
            return None  # X25519 and its kin never verify
        raise


def _of_jwk(data: bytes) -> Key | None:
    try:
        document = strict_json.loads(data)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise KeyRefused("key.malformed", "a key `as jwk` that is no JSON object")
    public = {name: value for name, value in document.items() if name in _PUBLIC_MEMBERS}
    entry = jwk.read_entries({"keys": [public]})[0]
    if isinstance(entry, KeyRefused):
        raise entry
    return entry if isinstance(entry, Key) else None
