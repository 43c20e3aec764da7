"""The whole flow for evidence: an engine whose policy knows its signer by a certificate, and what came of a token."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from policyjwt import Context, Engine, Inspection, Verdict
from policyjwt.replay import MemoryReplayStore
from tests.der import inside
from tests.issuer import NOW, b64, claims, policy
from tests.pki import Party, as_json, pki, staple, token

X5C = 'keys x5c { anchors "ca.pem"  leaf san uri "https://issuer.example" }'
HEADER = 'revocation { staple ocsp from header "x5ocsp"  age at most 1h  cover leaf }'
CALLER = "revocation { staple ocsp from caller  age at most 1h  cover leaf }"
JADES = "revocation { staple ocsp from jades  age at most 1h  cover leaf }"
NONE = 'waive revocation because "a test"'
REUSABLE = 'replay { reusable because "a test" }'


def engine(root: Path, *, files: dict[str, bytes] | None = None, text: str | None = None, **changes: Any) -> Engine:
    """An engine for `policy(**changes)` whose root holds the shared root certificate, and these files."""
    settings = {name: changes.pop(name) for name in ("keys_given", "clock", "replay_store") if name in changes}
    for name, data in ({"ca.pem": pki().root.pem} | (files or {})).items():
        (root / name).write_bytes(data)
    given = {"keys": X5C, "revocation": HEADER, "replay": REUSABLE} | changes
    return Engine.from_text(
        text or policy(**given),
        root=root,
        keys=settings.get("keys_given"),
        clock=settings.get("clock", lambda: float(NOW)),
        replay=settings.get("replay_store", MemoryReplayStore(1000, single_process=True)),
    )


def signed(by: Party | None = None, *, given: dict[str, Any] | None = None, **header: Any) -> str:
    """A token of the shared leaf, or of another one, with its certificates."""
    members = {"x5c": pki().x5c} | header
    return token(given or claims(), by=by or pki().leaf, **members)


def stapled(*staples: bytes, **more: Any) -> str:
    """The same, with these staples in its header."""
    return signed(x5ocsp=[in_header(each) for each in staples], **more)


def good(**changes: Any) -> bytes:
    """A good staple of the delegated responder."""
    return staple(pki().leaf, **({"signer": pki().responder} | changes))


def in_header(der: bytes) -> str:
    """As it stands in `x5c` and `x5ocsp`: standard base64."""
    return base64.b64encode(der).decode()


def flattened(compact: str, **more: Any) -> str:
    """A token in the flattened JSON form (RFC 7515, section 7.2.2); `more` are further members."""
    protected, payload, signature = compact.split(".")
    return as_json({"protected": protected, "payload": payload, "signature": signature} | more)


def jades(*staples: bytes, **more: Any) -> dict[str, Any]:
    """The unprotected header with these staples as revocation values (ETSI TS 119 182-1, section 5.3)."""
    values = {"ocspVals": [{"val": in_header(each)} for each in staples]}
    return {"etsiU": [{"rVals": values}]} | more


def jades_encoded(*staples: bytes) -> dict[str, Any]:
    """The same, its items as base64url of their JSON."""
    return {"etsiU": [b64(as_json(item).encode()) for item in jades(*staples)["etsiU"]]}


def codes(told: Verdict | Inspection) -> set[str]:
    """The codes of the failing findings."""
    return {finding.code for finding in told.failing}


def outcome(judge: Engine, presented: str, **context: Any) -> set[str]:
    """The failing codes; empty for a token that is trusted."""
    verdict = judge.evaluate(presented, Context(**context))
    assert verdict.trusted is not bool(verdict.failing)
    return codes(verdict)


def spoilt(der: bytes) -> bytes:
    """A response whose signature does not fit."""
    *_, last = inside(der)
    at = der.rindex(last.content) + len(last.content) - 1
    return der[:at] + bytes([der[at] ^ 1]) + der[at + 1 :]
