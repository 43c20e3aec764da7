"""The pages on keys and encryption are true: their sections load, their code and commands do what they say."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from policyjwt import Engine, key_age
from policyjwt.keys import keyring, pace
from policyjwt.keys.http import TIMEOUT
from policyjwt.language.names import CONTENT, KEY_MANAGEMENT
from policyjwt.replay import InspectOnly
from policyjwt.tokens import DecryptionKeySet, decryption_key, limits
from tests.cli.conftest import Cli, cli
from tests.docs.pages import blocks
from tests.encryption.flow import codes, nested, pem, text
from tests.issuer import NOW, URL, Issuer, claims, policy
from tests.keys.https_server import KeyHost, answer, jwks, localhost, own_authority, sends, server_context, serving
from tests.shared import ROOT

__all__ = ["cli"]

KEYS, ENCRYPTION = ROOT / "docs" / "keys.md", ROOT / "docs" / "encryption.md"
FETCHED, STATUS, COMMANDS, VAULT = (block.text for block in blocks("text", KEYS))
SECTION, TWO_KEYS = (block.text for block in blocks("text", ENCRYPTION))
SIGNER = Issuer()
KEY = rsa.generate_private_key(65537, 2048)
HOST = "https://idp.corp.example/jwks.json"


def test_no_block_is_left_out() -> None:
    assert (len(blocks(page=KEYS)), len(blocks(page=ENCRYPTION))) == (4, 2)


def words(page: Path) -> str:
    return " ".join(page.read_text("utf-8").split())


def run(code: str, **names: Any) -> dict[str, Any]:
    exec(compile(code, "keys.md", "exec"), names)
    return names


@pytest.fixture
def host() -> Iterator[KeyHost]:
    with serving(sends(answer(jwks(SIGNER))), tls=server_context(localhost())) as found:
        yield found


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


# ------------------------------------------------------------------------------------------------ keys


def test_keys_over_https_and_their_status(host: KeyHost, tmp_path: Path) -> None:
    (tmp_path / "anchors").mkdir()
    (tmp_path / "anchors" / "corp-ca.pem").write_bytes(own_authority().pem)
    section = FETCHED.strip().replace(HOST, host.url)
    with Engine.from_text(
        policy(keys=section), root=tmp_path, replay=InspectOnly(), clock=lambda: float(NOW)
    ) as engine:
        assert engine.inspect(SIGNER.token(claims())).would_trust
        log, kept = logging.getLogger("keys"), Lines()
        log.addHandler(kept)
        run(STATUS, engine=engine, log=log)
        assert kept.lines == []
        host.reply = sends(answer(status="500 Oops"))
        engine._loaded.renewal._feeds.refresh(timeout=20)
        run(STATUS, engine=engine, log=log)
        (line,) = kept.lines
        assert line.startswith(f"url:{host.url}: key.fetch_failed: ")
        assert line.endswith("; the keys are 0s old")


def test_the_figures_of_the_page_are_those_of_the_code() -> None:
    said = words(KEYS)
    assert (pace.REGULAR, pace.SOONEST, pace.LATEST) == (300, 60, 3600)
    assert "every 5 minutes, or as `Cache-Control: max-age` says, from 1 minute to 1 hour" in said
    assert (pace.COOL_DOWN, pace.KIDS_FOR) == (30, 300)
    assert "at most one in 30 seconds, and a `kid` that stayed unknown asks no more for 5 minutes" in said
    assert (pace.FIRST_PAUSE, pace.LONGEST_PAUSE) == (30, 300)
    assert "tries again after 30 seconds, then 1 minute, and so on up to 5" in said
    assert (TIMEOUT, limits.MAX_KEY_SET_BYTES) == (5, 512 * 1024)
    assert "is whole within 5 seconds and not larger than 512 KiB" in said
    assert key_age.CLOCK_TOLERANCE == 600
    assert "the clock goes back to more than 10 minutes before they came" in said
    assert keyring.ANSWER_SECONDS == 10
    assert "for 10 seconds at most" in said


def test_the_commands(host: KeyHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    monkeypatch.chdir(tmp_path)
    Path("keys").mkdir()
    Path("ca.pem").write_bytes(own_authority().pem)
    pin, check, show = COMMANDS.splitlines()
    asked = [line.replace(HOST, f"{host.url} --ca ca.pem") for line in (pin, check)]

    def call(line: str) -> Any:
        program, *arguments = shlex.split(line)
        assert program == "policyjwt"
        return cli(*arguments)

    pinned = call(asked[0])
    assert pinned.status == 0
    assert 'keys jwks file "keys/idp.jwks.json"' in pinned.out
    assert call(asked[1]).status == 0
    assert call(show).status == 0
    host.publish(Issuer(kid="new"))
    assert call(asked[1]).status == 1


def test_a_vault() -> None:
    signer = Issuer("HS256", kid=None)
    read: list[str] = []

    class Vault:
        def read(self, name: str) -> bytes:
            read.append(name)
            return bytes(signer.private)

    policy_text = policy(
        algorithms="HS256",
        keys='secret env "HOOK_SECRET_2027" as base64url',
        revocation='revocation { by redeployment because "a test" }',
    ).replace('use      "api"', 'use      "hooks"')

    class Loading:
        """`Engine`, for this policy in place of a folder."""

        @staticmethod
        def load(_: str, **settings: Any) -> Engine:
            return Engine.from_text(policy_text, replay=InspectOnly(), clock=lambda: float(NOW), **settings)

    with run(VAULT, vault=Vault(), Engine=Loading)["engine"] as engine:
        assert engine.inspect(signer.token(claims())).would_trust
    assert read == ["partner-hook/2027-03"]


# ------------------------------------------------------------------------------------------------ encryption


def engine(policy_text: str, **settings: Any) -> Engine:
    keys = {f"url:{URL}": SIGNER.keys(), **settings.pop("keys", {})}
    return Engine.from_text(policy_text, keys=keys, clock=lambda: float(NOW), **settings)


def test_the_section_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    file = tmp_path / "keys" / "hook-decryption.pem"
    file.write_bytes(pem(KEY))
    file.chmod(0o400)
    judge = engine(text(SECTION), root=tmp_path)
    assert judge.evaluate(nested(SIGNER, KEY, phone="1"))
    assert codes(judge.evaluate(SIGNER.token(claims(phone="1")))) == {
        "policy.encryption_required",
        "confidential.exposed",
    }


def test_two_keys() -> None:
    old, new = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    judge = engine(text(TWO_KEYS), keys={"env:HOOK_KEY_2026": pem(old), "env:HOOK_KEY_2027": pem(new)})
    for key, kid in ((old, "2026"), (new, "2027")):
        assert judge.evaluate(nested(SIGNER, key, alg="ECDH-ES+A256KW", header={"kid": kid}))


def test_a_private_key_of_a_module() -> None:
    """The page's words: anything with the interface of `cryptography`."""
    key = DecryptionKeySet((decryption_key.from_private_key(KEY),))
    judge = engine(text(), keys={"env:DECRYPTS": key})
    assert judge.evaluate(nested(SIGNER, KEY))


def test_the_tables_name_every_algorithm() -> None:
    said = words(ENCRYPTION)
    for name in (*KEY_MANAGEMENT, *CONTENT):
        assert f"`{name}`" in said or f"`{name.removeprefix('ECDH-ES')}`" in said, name
