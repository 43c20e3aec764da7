"""The page on holders is true: its sections are sound policies, and its code does what it says."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from policyjwt.nonces import RollingNonces
from policyjwt.request import credentials
from tests.docs.pages import blocks
from tests.holder import flow
from tests.issuer import policy
from tests.shared import ROOT

PAGE = ROOT / "docs" / "holder.md"
DPOP, SHOWN, MTLS, CERTIFIED = (block.text for block in blocks("text", PAGE))


def sections(text: str) -> dict[str, str]:
    """The sections as changes of the usual policy."""
    holder, _, replay = re.sub(r"^", "  ", text.strip(), flags=re.MULTILINE).rpartition("\n")
    return {"replay": replay.strip(), "rest": f"provides sub is string\n{holder}"}


def test_no_block_is_left_out() -> None:
    assert len(blocks(page=PAGE)) == 4


def run(text: str, **names: Any) -> dict[str, Any]:
    exec(compile(text, "holder.md", "exec"), names)
    return names


def test_dpop() -> None:
    clock, token = flow.Clock(), flow.token()
    engine = flow.Door(text=policy(**sections(DPOP)), clock=clock).engine
    nonces = RollingNonces(secrets.token_bytes(32), clock=clock)

    def sent(*, raw_path: str = "/pay", **more: Any) -> dict[str, Any]:
        proof = flow.proof_for(token, htu="https://api.example/pay", **more)
        headers = [("Authorization", f"DPoP {token}"), ("DPoP", proof)]
        request = SimpleNamespace(headers=headers, query={}, method="POST", raw_path=raw_path)
        return run(SHOWN, request=request, engine=engine, nonces=nonces)

    first = sent()
    assert not first["verdict"]
    fresh = first["headers"]["DPoP-Nonce"]
    second = sent(nonce=fresh)
    assert second["verdict"], str(second["verdict"])
    assert "headers" not in second
    again = sent(nonce=fresh)
    assert flow.codes(again["verdict"]) == ["replay.seen"]
    elsewhere = sent(raw_path="/pay%3Fadmin", nonce=fresh, jti="other")
    assert flow.codes(elsewhere["verdict"]) == ["holder.dpop_htu"]


@pytest.mark.parametrize("trusted", [True, False])
def test_mutual_tls(tmp_path: Path, *, trusted: bool) -> None:
    (tmp_path / "anchors").mkdir()
    (tmp_path / "anchors" / "clients-ca.pem").write_bytes(flow.clients().pem)
    door = flow.Door(text=policy(**sections(MTLS)), root=tmp_path)
    token = flow.token(cnf=flow.certified())
    headers = {"Authorization": f"Bearer {token}"}
    names: dict[str, Any] = {"found": credentials(headers), "engine": door.engine}
    for _ in range(2):  # its holder may use it again
        assert run(CERTIFIED, certificate=flow.client().der, **names)["verdict"]
    assert not run(CERTIFIED, certificate=flow.certificate("thief").der, **names)["verdict"]
    proxied = {**headers, "Client-Cert": "x"}
    context = names["found"].context(client_certificate=flow.client().pem, headers=proxied, from_trusted_proxy=trusted)
    assert door.engine.evaluate(token, context).trusted is trusted


def test_the_default_period() -> None:
    clock = flow.Clock(0)
    nonces = RollingNonces(secrets.token_bytes(32), clock=clock)
    nonce = nonces.issue()
    clock.now = 599
    assert nonces.accepts(nonce)
    clock.now = 600
    assert not nonces.accepts(nonce)
