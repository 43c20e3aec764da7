"""Records: what a verdict was made of, to be judged again years later. Input: parts of an evaluation. Output: JSON.

A record holds the token, what the caller said of the request, the text of the policy and every public file and key that
it was judged by. It holds personal data. Keys and secrets of the service are never in it, nor are headers that no rule
reads.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from posixpath import normpath
from typing import Any

from policyjwt.checker.named_files import public_files
from policyjwt.evidence.mtls import CERTIFICATE_HEADERS, came_by_header
from policyjwt.language.files import FileFault, Files
from policyjwt.language.load import Loaded
from policyjwt.language.model import CheckedPolicy, Document
from policyjwt.request import Context
from policyjwt.requirements.paths import paths_of
from policyjwt.tokens import KeySet
from policyjwt.tokens.key import Key

RECORD_VERSION = "1"
NOTICE = "this record holds the token and its claims: personal data, to be kept like the token itself"
_MOST_BYTES = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class PolicySource:
    """What a policy was made from. `name` is its file below the root, among `files`; or the name of a `text`."""

    name: str
    text: bytes | None
    files: Mapping[str, bytes]


def source_of(policy: CheckedPolicy, loaded: Loaded, files: Files) -> PolicySource:
    """The files of a policy: its own, what that imports, and what all these name, as they were read for this load."""
    own, root = policy.block.place.span.file, policy.root
    documents = {_below(document.file, root) or document.file: document for document in loaded.documents}
    name = _below(own, root)
    kept: dict[str, bytes] = {}
    for path, document in _reached(documents, name or own):
        if path != own or name is not None:
            kept[path] = loaded.sources[document.file].text.encode()
        for named in (*(path for path, _ in document.used), *_named(document)):
            with suppress(FileFault):  # of another policy in the same file: this one would not have been loaded
                kept[named] = files.read(root, named, limit=_MOST_BYTES)
    text = None if name is not None else loaded.sources[own].text.encode()
    return PolicySource(name or own, text, kept)


def _reached(documents: Mapping[str, Document], own: str) -> Iterator[tuple[str, Document]]:
    """The document and all that it imports, at whatever distance, each with its path."""
    waiting, seen = [own], set()
    while waiting:
        path = waiting.pop()
        if path in seen or path not in documents:
            continue
        seen.add(path)
        yield path, documents[path]
        waiting += [normpath(item.path.value) for item in documents[path].imports]


def _named(document: Document) -> Iterator[str]:
    for block in document.blocks:
        yield from (named.value for named in public_files(block))


def _below(file: str, root: str) -> str | None:
    """The path of a file below its root; None for a text that is no file."""
    if not root:
        return None
    try:
        path = Path(file).resolve(strict=True).relative_to(Path(root).resolve())
    except (OSError, ValueError, RuntimeError):
        return None
    return path.as_posix() if Path(file).is_file() else None


# ------------------------------------------------------------------------------------------------ as JSON


def record(
    *,
    verdict: Mapping[str, Any],
    token: str | None,
    context: Context,
    policy: CheckedPolicy | None,
    source: PolicySource | None,
    keys: KeySet | None,
    status_keys: Sequence[Key],
    verified_key: Key | None,
    loaded_at: float | None,
    status_loaded_at: float | None,
    evaluated_at: float,
    shared_key: bool,
    withdrawn: frozenset[str],
    status_withdrawn: frozenset[str],
    by_clock: bool,
    role_reuse: str | None,
    store: tuple[str, str | None] | None,
    nonce: tuple[str, str | None, str | None] | None,
) -> dict[str, Any]:
    """The record, ready for JSON (`record.schema.json`).

    `verdict` is as `Verdict.to_dict(values=True)` gives it. `policy` and `source` are None where no policy judged.
    `verified_key` is the key with which another library verified the token, None where `evaluate` was asked. `store` is
    the reach of the replay store, and its caller's word; `nonce` what it answered, as a result and in words, None where
    it was not asked.
    """
    return {
        "record_version": RECORD_VERSION,
        "notice": NOTICE,
        "verdict": dict(verdict),
        "token": token,
        "context": _of_context(context, _headers_read(policy)),
        "policy": None if source is None else _of_source(source),
        "keys": None if keys is None else [_of_key(key, withdrawn) for key in keys.keys],
        "status_keys": [_of_key(key, status_withdrawn) for key in status_keys] or None,
        "verified_key": None if verified_key is None else _of_key(verified_key, frozenset()),
        "keys_loaded_at": loaded_at,
        "status_keys_loaded_at": status_loaded_at,
        "evaluated_at": evaluated_at,
        "by_clock": by_clock,
        "key_of_two_issuers": shared_key,
        "key_of_two_roles": role_reuse,
        "store": None if store is None else {"reach": store[0], "word": store[1]},
        "nonce": None if nonce is None else dict(zip(("result", "said", "durability"), nonce, strict=True)),
    }


def _of_source(source: PolicySource) -> dict[str, Any]:
    files = {path: _encoded(content) for path, content in sorted(source.files.items())}
    return {"name": source.name, "text": None if source.text is None else _encoded(source.text), "files": files}


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _of_key(key: Key, withdrawn: frozenset[str]) -> dict[str, Any]:
    """A public key with its numbers; a secret by its reference alone."""
    return {
        "kid": key.kid,
        "reference": key.reference,
        "algorithms": sorted(key.algorithms),
        "jwk": None if key.jwk is None else dict(key.jwk),
        "withdrawn": key.material_id in withdrawn,
    }


def _headers_read(policy: CheckedPolicy | None) -> frozenset[str]:
    """The headers of the request that some rule reads; all others may hold what is nobody's business later."""
    if policy is None:
        return frozenset()
    paths = (path for rule in policy.block.rules for path in paths_of(rule) if path.root == "context")
    return frozenset(path.members[1] for path in paths if path.members[0] == "headers" and len(path.members) > 1)


def _headers(context: Context, read: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Those that rules read. That the client's certificate came in one, whichever, is told by an empty one."""
    kept = [pair for pair in context.header_pairs if pair[0] in read]
    yield from kept
    certificate = None if context.from_trusted_proxy else context.client_certificate
    unread = CERTIFICATE_HEADERS - read
    if unread and came_by_header(certificate, context.header_pairs) and not came_by_header(certificate, kept):
        yield min(unread), ""


def _of_context(context: Context, headers: frozenset[str]) -> dict[str, Any]:
    certificate = context.client_certificate
    return {
        "method": context.method,
        "path": context.path,
        "uri": context.uri,
        "scheme": context.scheme,
        "headers": [list(pair) for pair in _headers(context, headers)],
        "dpop": list(context.dpop),
        "staples": [_encoded(staple) for staple in context.staples],
        "status_lists": list(context.status_lists),
        "client_certificate": None if certificate is None else _encoded(certificate),
        "from_trusted_proxy": context.from_trusted_proxy,
        "nonce": context.nonce,
        "values": {name: list(v) if isinstance(v, (list, tuple)) else v for name, v in context.values.items()},
    }
