"""Records: what a verdict was made of, to be judged again years later. Input: parts of an evaluation. Output: JSON.

A record holds the token, what the caller said of the request, the text of the policy and every public file and key that
it was judged by. It holds personal data. Secrets are never in it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policyjwt.checker.named_files import public_files
from policyjwt.language.files import FileFault, read_file
from policyjwt.language.load import Loaded
from policyjwt.language.model import CheckedPolicy, Document
from policyjwt.request import Context
from policyjwt.tokens import KeySet
from policyjwt.tokens.key import Key

RECORD_VERSION = "1"
NOTICE = "this record holds the token and its claims: personal data, to be kept like the token itself"
_MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class PolicySource:
    """The text that a policy was made from. `main` is its own file (a path below the root, or the name of a text)."""

    main: str
    is_file: bool
    files: Mapping[str, bytes]


def source_of(policy: CheckedPolicy, loaded: Loaded) -> PolicySource:
    """The files of a policy: its own, what that imports, and what all these name. Read when the policy is loaded."""
    documents = {document.file: document for document in loaded.documents}
    own = policy.block.place.span.file
    root = Path(policy.root) if policy.root else None
    main, is_file = _below(own, root)
    files: dict[str, bytes] = {}
    for document in _reached(documents, own, root):
        name, _ = _below(document.file, root)
        files[name] = loaded.sources[document.file].text.encode()
        for path in (*(path for path, _ in document.used), *_named(document)):
            if root is not None and path not in files:
                files[path] = _content(root, path)
    return PolicySource(main, is_file, files)


def _reached(documents: Mapping[str, Document], own: str, root: Path | None) -> Iterator[Document]:
    """The document and all that it imports, at whatever distance."""
    by_path = {_below(file, root)[0]: document for file, document in documents.items()}
    waiting, seen = [documents[own]], set()
    while waiting:
        document = waiting.pop()
        if document.file in seen:
            continue
        seen.add(document.file)
        yield document
        waiting += [by_path[item.path.value] for item in document.imports if item.path.value in by_path]


def _named(document: Document) -> Iterator[str]:
    for block in document.blocks:
        yield from (named.value for named in public_files(block))


def _below(file: str, root: Path | None) -> tuple[str, bool]:
    """The path of a file below its root, and whether it is one; a text that is no file keeps its name."""
    if root is None:
        return file, False
    try:
        return Path(file).resolve().relative_to(root.resolve()).as_posix(), Path(file).is_file()
    except (OSError, ValueError):
        return file, False


def _content(root: Path, path: str) -> bytes:
    """What stands in a file that was read a moment ago; one that is gone since then is left out of records."""
    try:
        return read_file(root, path, limit=_MOST_BYTES)
    except FileFault:
        return b""


# ------------------------------------------------------------------------------------------------ as JSON


def record(
    *,
    verdict: Mapping[str, Any],
    token: str | None,
    context: Context,
    source: PolicySource | None,
    keys: KeySet | None,
    loaded_at: float | None,
    evaluated_at: float,
    shared_key: bool,
    store: tuple[str, str | None] | None,
    nonce: tuple[str, str | None] | None,
) -> dict[str, Any]:
    """The record, ready for JSON (`record.schema.json`).

    `store` is the reach of the replay store, and its caller's word. `verdict` is as `Verdict.to_dict(values=True)`
    gives it. `source` is None where no policy judged. `nonce` is what the store answered, as a result and in words;
    None where it was not asked.
    """
    return {
        "record_version": RECORD_VERSION,
        "notice": NOTICE,
        "verdict": dict(verdict),
        "token": token,
        "context": _of_context(context),
        "policy": None if source is None else _of_source(source),
        "keys": None if keys is None else [_of_key(key) for key in keys.keys],
        "keys_loaded_at": loaded_at,
        "evaluated_at": evaluated_at,
        "key_of_two_issuers": shared_key,
        "store": None if store is None else {"reach": store[0], "word": store[1]},
        "nonce": None if nonce is None else {"result": nonce[0], "said": nonce[1]},
    }


def _of_source(source: PolicySource) -> dict[str, Any]:
    files = {path: _encoded(content) for path, content in sorted(source.files.items())}
    return {"main": source.main, "is_file": source.is_file, "files": files}


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _of_key(key: Key) -> dict[str, Any]:
    """A public key with its numbers; a secret by its reference alone."""
    return {
        "kid": key.kid,
        "reference": key.reference,
        "algorithms": sorted(key.algorithms),
        "jwk": None if key.jwk is None else dict(key.jwk),
    }


def _of_context(context: Context) -> dict[str, Any]:
    certificate = context.client_certificate
    return {
        "method": context.method,
        "path": context.path,
        "uri": context.uri,
        "scheme": context.scheme,
        "headers": [list(pair) for pair in context.headers],
        "dpop": list(context.dpop),
        "staples": [_encoded(staple) for staple in context.staples],
        "status_lists": list(context.status_lists),
        "client_certificate": None if certificate is None else _encoded(certificate),
        "from_trusted_proxy": context.from_trusted_proxy,
        "nonce": context.nonce,
        "values": {name: list(v) if isinstance(v, (list, tuple)) else v for name, v in context.values.items()},
    }
