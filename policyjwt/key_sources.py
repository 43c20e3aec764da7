"""The keys of a policy. Input: a checked policy and what the caller handed in. Output: its key set, or diagnostics.

A key reference is how callers name a source: `url:https://…`, `file:keys/x.jwks.json`, `env:NAME`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from policyjwt import loading_messages as say
from policyjwt.diagnostics import Diagnostic
from policyjwt.errors import KeyRefused
from policyjwt.keys.files import parse_jwks, read_jwks, read_pem
from policyjwt.keys.secrets import from_environment, from_file
from policyjwt.language.files import FileFault, Files
from policyjwt.language.model import (
    CheckedPolicy,
    Discovery,
    JwksFile,
    JwksUrl,
    KeySource,
    PemFile,
    Secret,
    X5c,
)
from policyjwt.source import Place
from policyjwt.tokens import KeySet
from policyjwt.tokens.key import Key

Given: TypeAlias = KeySet | bytes | Path | Callable[[], KeySet | bytes]
"""What a caller may hand in for a key reference. A Path is read as the policy would read it."""


@dataclass(frozen=True, slots=True)
class Source:
    """One key reference of a policy, as callers name it."""

    reference: str
    place: Place
    item: JwksFile | JwksUrl | Discovery | PemFile | Secret


def references(policies: Iterable[CheckedPolicy]) -> frozenset[str]:
    """Every key reference that these policies write."""
    return frozenset(source.reference for policy in policies for source in (*sources(policy), *other_sources(policy)))


def sources(policy: CheckedPolicy) -> Iterator[Source]:
    """Where the keys for signatures come from."""
    if policy.signature.keys is not None:
        yield from _of_keys(policy.signature.keys)
    for secret in policy.signature.secrets:
        yield _of_secret(secret)


def other_sources(policy: CheckedPolicy) -> Iterator[Source]:
    """Where keys for other purposes come from: status lists, and encryption, which nothing here uses yet."""
    if policy.block.encryption is not None:
        yield from map(_of_secret, policy.block.encryption.keys)
    if policy.block.status is not None and policy.block.status.keys is not None:
        yield from _of_keys(policy.block.status.keys)


def _of_keys(source: KeySource) -> Iterator[Source]:
    if isinstance(source, JwksUrl):
        yield Source(f"url:{source.url.value}", source.place, source)
    elif isinstance(source, Discovery):
        yield Source(f"discovery:{source.issuer.value}", source.place, source)
    elif isinstance(source, (JwksFile, PemFile)):
        yield Source(f"file:{source.path.value}", source.place, source)


def _of_secret(secret: Secret) -> Source:
    parts = "/".join(part.value.replace("/", "%2F") for part in secret.parts)
    if secret.origin != "keyring":
        parts = secret.parts[0].value
    return Source(f"{secret.origin}:{parts}", secret.place, secret)


def key_set(policy: CheckedPolicy, keys: Mapping[str, Given], files: Files) -> tuple[KeySet | None, list[Diagnostic]]:
    """The keys of a policy, or why there are none. With x5c the key comes with the token."""
    if isinstance(policy.signature.keys, X5c):
        return None, []
    faults: list[Diagnostic] = []
    found: list[Key] = []
    for source in sources(policy):
        try:
            found.extend(_keys_of(source, policy.root, keys, files))
        except KeyRefused as refused:
            faults.append(say.key_refused(source.place, refused))
        except _NotGiven:
            faults.append(say.needs_keys(source.place, source.reference))
    if faults:
        return None, faults
    try:
        keyset = KeySet(tuple(found))
    except KeyRefused as refused:
        return None, [say.key_refused(policy.signature.place, refused)]
    if not any(key.algorithms.intersection(policy.algorithms) for key in keyset.keys):
        return None, [say.no_key_fits(policy.signature.place, policy.algorithms)]
    return keyset, []


def keys_of_source(
    item: KeySource, root: str, keys: Mapping[str, Given], files: Files
) -> tuple[KeySet | None, list[Diagnostic]]:
    """The keys of one source of a policy that is not its signers', or why there are none."""
    faults: list[Diagnostic] = []
    for source in _of_keys(item):
        try:
            return KeySet(_keys_of(source, root, keys, files)), []
        except KeyRefused as refused:
            faults.append(say.key_refused(source.place, refused))
        except _NotGiven:
            faults.append(say.needs_keys(source.place, source.reference))
    return None, faults


class _NotGiven(Exception):  # noqa: N818 - never leaves this module
    """The reference is fetched by nothing here and nobody handed its keys in."""


def _keys_of(source: Source, root: str, keys: Mapping[str, Given], files: Files) -> tuple[Key, ...]:
    given = keys.get(source.reference)
    if given is not None:
        return _given_keys(source, given)
    item = source.item
    if isinstance(item, (JwksFile, PemFile)):
        return public_file_keys(source, root, files)
    if isinstance(item, Secret) and item.origin != "keyring":
        assert item.encoding is not None
        if item.origin == "env":
            material = from_environment(item.parts[0].value, item.encoding.value)
        else:
            material = from_file(_resolved_below(root, item.parts[0].value), item.encoding.value)
        return _secret(source, item, material)
    raise _NotGiven


def public_file_keys(source: Source, root: str, files: Files) -> tuple[Key, ...]:
    """The keys of a `keys … file`; none where the source is another."""
    item = source.item
    if isinstance(item, JwksFile):
        return parse_jwks(_below(root, item.path.value, files), reference=source.reference).keys
    if isinstance(item, PemFile):
        return KeySet.from_pem(_below(root, item.path.value, files), reference=source.reference).keys
    return ()


def _below(root: str, path: str, files: Files) -> bytes:
    """A file of the policy, read as the checker reads it: below the root, whatever links say by now."""
    try:
        return files.read(root, path)
    except FileFault as fault:
        raise KeyRefused("key.not_found", f"the key file {fault.message}", help=fault.help) from None


def _resolved_below(root: str, path: str) -> Path:
    """Where a secret's file really is, if that is below the root."""
    try:
        base, real = Path(root).resolve(strict=True), (Path(root) / path).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise KeyRefused("key.not_found", "the file of the secret does not exist") from None
    if not real.is_relative_to(base):
        raise KeyRefused("key.not_found", "the file of the secret leads out of the root of the policy")
    return real


def _given_keys(source: Source, given: Given) -> tuple[Key, ...]:
    item = source.item
    if callable(given):
        given = _resolved(given)
    if isinstance(given, Path):
        if not isinstance(item, Secret):
            reader = read_pem if isinstance(item, PemFile) else read_jwks
            return reader(given, reference=source.reference).keys
        assert item.encoding is not None
        given = from_file(given, item.encoding.value)
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


def _resolved(resolver: Callable[[], KeySet | bytes]) -> KeySet | bytes:
    try:
        return resolver()
    except KeyRefused:
        raise
    except Exception:  # noqa: BLE001 - the border to a caller's resolver; its exception may quote the secret
        raise KeyRefused("key.not_found", "the resolver that was handed in failed") from None


def _secret(source: Source, item: Secret, material: bytes) -> tuple[Key, ...]:
    kid = item.kid.value if item.kid else None
    return KeySet.from_secret(material, kid=kid, reference=source.reference).keys
