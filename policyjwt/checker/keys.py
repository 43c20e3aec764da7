"""Checks of keys.

Input: merged policies and their roots. Output: diagnostics (PJ400 to PJ449), and what was not checked.

Static: reads files below the roots, and no socket, environment, keyring, secret or private key. See
`keys_resolve`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import normpath
from typing import TYPE_CHECKING
from typing import Literal as OneOf

from policyjwt.checker import key_messages as messages
from policyjwt.checker.key_files import (
    anchor_faults,
    ca_faults,
    certificate_faults,
    file_keys,
    leaf_faults,
    snapshot_faults,
)
from policyjwt.checker.key_parties import Use, issuer_text, party_names, shared_keys
from policyjwt.checker.key_urls import url_faults
from policyjwt.diagnostics import Diagnostic
from policyjwt.language.model import (
    Block,
    Discovery,
    JwksFile,
    JwksUrl,
    KeySource,
    PemFile,
    Secret,
    Signature,
    X5c,
)
from policyjwt.language.suggest import quoted
from policyjwt.source import Span
from policyjwt.tokens.algorithms import ALGORITHMS

if TYPE_CHECKING:
    from policyjwt.tokens.key import Key

SECRETS = "secrets"
PRIVATE_KEYS = "private keys"
FETCHED = "key sets fetched at run time"


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """What was found, and how many references of each kind nobody looked at."""

    diagnostics: tuple[Diagnostic, ...]
    unchecked: Mapping[str, int]


@dataclass(slots=True)
class _Found:
    faults: list[Diagnostic] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    unchecked: dict[str, set[str]] = field(default_factory=dict)

    def skip(self, kind: str, reference: str) -> None:
        self.unchecked.setdefault(kind, set()).add(reference)


def check_keys(blocks: Sequence[tuple[Block, str]], *, now: float) -> KeyCheck:
    """Judges the keys of `blocks`, each with the root folder of its file, alone and against each other.

    `now` is in seconds since the epoch.
    """
    found = _Found()
    parties = party_names(block for block, _ in blocks)
    for block, root in blocks:
        _check_block(block, root, parties, found, now=now)
    counts = {kind: len(references) for kind, references in found.unchecked.items()}
    return KeyCheck((*found.faults, *shared_keys(found.uses)), counts)


def _check_block(block: Block, root: str, parties: Mapping[str, str], found: _Found, *, now: float) -> None:
    signature = block.signature
    if signature is not None:
        _check_secrets(block, signature.secrets, root, parties, found)
        if "signature" not in block.broken:
            _check_kinds(signature, found)
        if signature.keys is not None:
            _check_source(block, signature.keys, root, found, now=now)
            _check_material(block, signature, root, parties, found)
    if block.encryption is not None:
        for key in block.encryption.keys:
            found.skip(PRIVATE_KEYS, secret_material(key, root))
            found.uses.append(_secret_use(block, parties, key, root, role="decryption"))
    if block.status is not None and block.status.keys is not None:
        _check_source(block, block.status.keys, root, found, now=now)
        if isinstance(block.status.keys, (JwksFile, PemFile)):
            found.faults.extend(file_keys(block.status.keys, root).faults)
    if block.holder is not None and block.holder.anchors is not None:
        found.faults.extend(anchor_faults(block.holder.anchors, root, now=now))
    found.faults.extend(_revocation_files(block, root, now=now))


# ------------------------------------------------------------------------------ secrets


def secret_reference(secret: Secret) -> str:
    """A secret as messages and callers name it: `env:NAME`, `keyring:service/user`, `file:path`."""
    if secret.origin == "keyring":
        return "keyring:" + "/".join(part.value.replace("/", "%2F") for part in secret.parts)
    return f"{secret.origin}:{secret.parts[0].value}"


def secret_material(secret: Secret, root: str) -> str:
    """Equal for references that lead to the same place: files of two roots are two files."""
    reference = secret_reference(secret)
    if secret.origin == "file":  # `./k` and `k` are one file
        return f"{root}\0file:{normpath(secret.parts[0].value)}"
    return reference


def _check_secrets(
    block: Block, secrets: tuple[Secret, ...], root: str, parties: Mapping[str, str], found: _Found
) -> None:
    seen: dict[str, Secret] = {}
    for secret in secrets:
        material = secret_material(secret, root)
        found.skip(SECRETS, material)
        if secret.encoding is not None and secret.encoding.value == "utf8":
            found.faults.append(messages.utf8_secret(secret.encoding.span))
        if material in seen:
            reference, first = quoted(secret_reference(secret)), seen[material].place.span
            found.faults.append(messages.secret_twice(secret.place.span, reference=reference, first=first))
            continue
        seen[material] = secret
        found.uses.append(_secret_use(block, parties, secret, root, role="secret"))


def _secret_use(
    block: Block,
    parties: Mapping[str, str],
    secret: Secret,
    root: str,
    *,
    role: OneOf["secret", "decryption"],
) -> Use:
    reference = quoted(secret_reference(secret))
    material = secret_material(secret, root)
    return _use(block, parties, role=role, material=material, reference=reference, span=secret.place.span)


def _use(
    block: Block,
    parties: Mapping[str, str],
    *,
    role: OneOf["secret", "public", "decryption"],
    material: str,
    reference: str,
    span: Span,
) -> Use:
    text = issuer_text(block)
    return Use(
        material=material,
        role=role,
        party=parties.get(text, text),
        issuer=text,
        reference=reference,
        span=span,
    )


# ------------------------------------------------------------------------------ public keys


def _check_kinds(signature: Signature, found: _Found) -> None:
    """A source that can't have a key for any of the algorithms. Mixed algorithms are another fault."""
    if signature.algorithms is None:
        return
    names = [name for name in signature.algorithms.values if name in ALGORITHMS]
    symmetric = [name for name in names if ALGORITHMS[name].symmetric]
    span, listed = signature.algorithms.place.span, ", ".join(names)
    if signature.keys is not None and names and len(symmetric) == len(names):
        advice = "an HMAC is verified with a `secret`; for public keys list algorithms such as ES256"
        found.faults.append(messages.wrong_source(span, algorithms=listed, source="a set of public keys", help=advice))
    elif signature.secrets and names and not symmetric:
        advice = "signatures are verified with public `keys`; for a secret list HS256, HS384 or HS512"
        found.faults.append(messages.wrong_source(span, algorithms=listed, source="a secret", help=advice))


def _check_source(block: Block, source: KeySource, root: str, found: _Found, *, now: float) -> None:
    """Everything about a source but the keys in a file."""
    if isinstance(source, (JwksUrl, Discovery)):
        found.faults.extend(url_faults(source, block))
        found.faults.extend(ca_faults(source.ca, root, now=now))
        found.skip(FETCHED, _remote_name(source))
    elif isinstance(source, X5c):
        if source.anchors is not None:
            found.faults.extend(anchor_faults(source.anchors, root, now=now))
        if source.leaf is not None:
            found.faults.extend(leaf_faults(source.leaf))


def _remote_name(source: JwksUrl | Discovery) -> str:
    return f"url:{source.url.value}" if isinstance(source, JwksUrl) else f"discovery:{source.issuer.value}"


def _check_material(block: Block, signature: Signature, root: str, parties: Mapping[str, str], found: _Found) -> None:
    """The keys of the source: what fits, what is left, and whose else they are."""
    source = signature.keys
    if isinstance(source, (JwksUrl, Discovery)):
        name = _remote_name(source)
        use = _use(block, parties, role="public", material=name, reference=quoted(name), span=source.place.span)
        found.uses.append(use)
    elif isinstance(source, X5c):
        found.uses.extend(_leaf_uses(block, source, root, parties))
    elif isinstance(source, (JwksFile, PemFile)):
        read = file_keys(source, root)
        found.faults.extend(read.faults)
        if read.keys:
            if "signature" not in block.broken:
                found.faults.extend(_fitting(signature, source, read.keys))
            found.uses.extend(
                _use(
                    block,
                    parties,
                    role="public",
                    material=key.material_id,
                    reference=f"a key of {quoted(source.path.value)}",
                    span=source.place.span,
                )
                for key in read.keys
            )


def _leaf_uses(block: Block, source: X5c, root: str, parties: Mapping[str, str]) -> Iterator[Use]:
    """A leaf that two policies name speaks for both their issuers: a pinned key, or a name under the same anchors."""
    if source.leaf is None or source.leaf.kind == "any":
        return
    anchors = "" if source.leaf.kind == "key sha256" or source.anchors is None else f"{root}\0{source.anchors.values}"
    for name in source.leaf.values:
        yield _use(
            block,
            parties,
            role="public",
            material=f"leaf {source.leaf.kind}\0{name.value}\0{anchors}",
            reference=f"the leaf {quoted(name.value)}",
            span=source.place.span,
        )


def _fitting(signature: Signature, source: JwksFile | PemFile, keys: tuple[Key, ...]) -> Iterator[Diagnostic]:
    path = source.path.value
    excepted = {name.value: name.span for item in signature.except_keys for name in item.thumbprints}
    there = {key.thumbprint for key in keys}
    for thumbprint, span in excepted.items():
        if thumbprint not in there:
            yield messages.excepted_nothing(span, path=path)
    left = [key for key in keys if key.thumbprint not in excepted]
    if not left:
        yield messages.all_excepted(source.place.span, path=path)
        return
    names = signature.algorithms.names if signature.algorithms is not None else ()
    asymmetric = [name for name in names if name.value in ALGORITHMS and not ALGORITHMS[name.value].symmetric]
    idle = [name for name in asymmetric if not any(name.value in key.algorithms for key in left)]
    if asymmetric and len(idle) == len(asymmetric):
        listed = ", ".join(name.value for name in asymmetric)
        yield messages.no_key_fits(source.place.span, path=path, algorithms=listed)
    else:
        for name in idle:
            yield messages.idle_algorithm(name.span, path=path, algorithm=name.value)


# ------------------------------------------------------------------------------ files of revocation


def _revocation_files(block: Block, root: str, *, now: float) -> Iterator[Diagnostic]:
    section = block.revocation
    if section is None:
        return
    if section.responder is not None:
        item = section.responder
        yield from certificate_faults(item.value, item.place.span, root, now=now, authority=False)
    if section.crl is not None:
        yield from snapshot_faults(section.crl, root)
