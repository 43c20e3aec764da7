"""Names of the language.

The fixed words of each item, and the parts of a dotted name. Input: words. Output: what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from policyjwt.language.model import FUNCTIONS, ROOTS, TYPE_NAMES

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""A name that needs no backquotes."""

RESERVED = frozenset({"not", "true", "false", "every", "some"})
"""Words that a bare claim can't be, since they begin something else."""

NULLS = frozenset({"null", "nil", "none", "None", "Null", "NULL", "undefined"})

TAKEN: Mapping[str, str] = {
    **dict.fromkeys(ROOTS, "a root"),
    **dict.fromkeys(FUNCTIONS, "a function"),
    **dict.fromkeys(RESERVED, "a word of the language"),
}
"""Names that no `let` and no variable may have, and what they are."""

ALGORITHMS = (
    *(f"{kind}{size}" for kind in ("HS", "RS", "PS", "ES") for size in (256, 384, 512)),
    "EdDSA",
    "Ed25519",
    "Ed448",
)
"""RFC 7518, section 3.1; RFC 8037, section 3.1; RFC 9864. `none` is not among them, and never will be."""

KEY_MANAGEMENT = (
    "RSA-OAEP",
    "RSA-OAEP-256",
    "ECDH-ES",
    "ECDH-ES+A128KW",
    "ECDH-ES+A192KW",
    "ECDH-ES+A256KW",
    "A128KW",
    "A192KW",
    "A256KW",
    "A128GCMKW",
    "A192GCMKW",
    "A256GCMKW",
    "dir",
)
"""RFC 7518, section 4.1, without RSA1_5 and PBES2."""

CONTENT = ("A128GCM", "A192GCM", "A256GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512")
"""RFC 7518, section 5.1."""

ASSURANCES = (
    "integrity",
    "issuer-authentication",
    "non-repudiation",
    "confidentiality",
    "freshness",
    "replay-protection",
    "revocation",
    "status",
    "holder-of-key",
    "intended-audience",
    "authorisation",
)

DECISIONS = ("use", "issuer", "audience", "type", "signature", "freshness", "replay", "revocation", "holder")
"""What a policy decides. Which of them may be waived, `check` says."""

NEEDS = ("exp", "nbf", "iat")
UNIQUE_WITHIN = ("issuer", "policy", "subject")
REACHES = ("process", "host", "nodes")
COVER = ("leaf", "chain")
CARRIERS = ("header", "jades", "caller")
HOLDERS = ("dpop", "mtls")
SECRET_ENCODINGS = ("base64url", "hex", "utf8")
KEY_ENCODINGS = ("pem", "jwk", "base64url")
KINDS = ("present", "absent", *TYPE_NAMES)

_CERTIFICATE = (
    "subject.cn",
    "subject.o",
    "subject.organization_id",
    "issuer.cn",
    "san.uri",
    "san.dns",
    "policies",
    "serial",
    "thumbprint",
)
MEMBERS: Mapping[str, tuple[str, ...]] = {
    "context": ("method", "path", "uri", "scheme", "nonce", "headers", "values"),
    "certificate": _CERTIFICATE,
    "client": _CERTIFICATE,
}
"""The members of the roots that have a fixed set of them."""

OPEN_MEMBERS = ("headers", "values")
"""Members of `context` below which stands one name that the caller chooses."""


@dataclass(frozen=True, slots=True)
class Part:
    """One name of a dotted name.

    `joint` is what stands before it: a dot, or a `-` or `+` that does not belong there.
    """

    name: str
    quoted: bool
    joint: str
    start: int
    end: int


_PART = re.compile(r"([.+-]?)(?:`([^`\r\n]+)`|([A-Za-z0-9_]+))")


def parts(token: str) -> tuple[Part, ...]:
    """The parts of a NAME token."""
    found = []
    for match in _PART.finditer(token):
        quoted = match.group(2) is not None
        name = match.group(2) if quoted else match.group(3)
        found.append(Part(name=name, quoted=quoted, joint=match.group(1), start=match.start(), end=match.end()))
    return tuple(found)


def in_backquotes(name: tuple[Part, ...]) -> str:
    """How a name with `-`, `+` or a leading digit has to be written: `` claim.`user-id` ``."""
    runs: list[list[Part]] = []
    for part in name:
        if runs and part.joint in {"-", "+"}:
            runs[-1].append(part)
        else:
            runs.append([part])
    return ".".join(_run(run) for run in runs)


def _run(run: list[Part]) -> str:
    text = "".join((part.joint if at else "") + part.name for at, part in enumerate(run))
    plain = PLAIN.fullmatch(text) and not run[0].quoted
    return text if plain else f"`{text}`"
