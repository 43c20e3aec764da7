"""The world in which what the pages show is run: the README's policy, the keys of a throw-away issuer, two tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import README, blocks
from tests.issuer import Issuer

NOW = "2026-11-23T17:40:00Z"
"""When the commands on the pages were run."""


@dataclass(frozen=True, slots=True)
class World:
    """A folder with `policies/payments.policy`, `jwks.json` and `token.jwt`, which has three faults."""

    folder: Path
    issuer: Issuer

    def claims(self, now: float) -> dict[str, Any]:
        """What a token says that is trusted at `now`."""
        return {
            "iss": "https://idp.corp.example",
            "aud": "payments-api",
            "sub": "alice",
            "tenant": "acme",
            "iat": now - 60,
            "exp": now + 300,
            "jti": "d1f3a7c9",
            "scope": "pay:read pay:write",
            "amr": ["pwd", "hwk"],
        }

    def token(self, claims: dict[str, Any]) -> str:
        return self.issuer.token(claims, {"typ": "at+jwt"})

    def faulty(self, now: float) -> str:
        """A token for another service, too old, and without the scope."""
        changes = {"aud": "ledger-api", "iat": now - 843, "exp": now + 30, "scope": "pay:read"}
        return self.token(self.claims(now) | changes)

    def jwks(self) -> str:
        return json.dumps({"keys": [self.issuer.jwk()]})


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, Issuer("ES256", kid="2026-11"))
    (tmp_path / "policies").mkdir()
    (policy,) = blocks("policyjwt", README)
    (tmp_path / "policies" / "payments.policy").write_text(policy.text, encoding="utf-8")
    (tmp_path / "jwks.json").write_text(made.jwks(), encoding="utf-8")
    (tmp_path / "token.jwt").write_text(made.faulty(datetime.fromisoformat(NOW).timestamp()), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return made
