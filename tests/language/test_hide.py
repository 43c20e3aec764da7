"""What is blotted out of a policy: every secret that was written down, and nothing of a policy that is sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyjwt.checker.check import check
from policyjwt.language.hide import hide_secrets
from policyjwt.language.load import load_text
from tests.issuer import NOW, policy
from tests.shared import ROOT

SOUND = sorted((ROOT / "policies").rglob("*.policy"))


@pytest.mark.parametrize("path", SOUND, ids=lambda path: path.stem)
def test_nothing_of_a_sound_policy_is_blotted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert hide_secrets(text) == text


@pytest.mark.parametrize(
    "line",
    [
        'let key = "abc"\n',
        'let secret = "abc"\n',
        'select key "a", "b"',
        'require key == "a"',
        'require password in ["a", "b"]',
        'require keys contains any of ["a"]',
        'require every key in keys satisfies key starts with "a"',
        'audience from key "a"',
        'secret keyring "service" "user" as hex kid "1"',
        'except key sha256 "a", "b" because "c"',
    ],
)
def test_claims_and_lets_of_such_names_are_left_alone(line: str) -> None:
    assert hide_secrets(line) == line


@pytest.mark.parametrize(
    "line",
    [
        'secret "zq"',
        'secret = "zq"',
        'SECRETS "zq"',
        'password: "zq"',
        'key ("zq"',
        'secret env "A" "zq"',
        'secret env "A" as hex kid "1" "zq"',
        'secret keyring "a" "b" "zq"',
        'secret "zq\nzq" as utf8',
        "secret 'zq'",
        'x matches /abc secret "zq"',
    ],
)
def test_a_secret_is_blotted_length_for_length(line: str) -> None:
    hidden = hide_secrets(line)
    assert "zq" not in hidden
    assert len(hidden) == len(line)
    assert [len(part) for part in hidden.split("\n")] == [len(part) for part in line.split("\n")]


def test_a_text_that_was_blotted_never_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    # However the search may err: what it changed is no longer what the author wrote.
    text = policy(rest='provides sub is string\n  require tenant == "acme"')
    monkeypatch.setattr("policyjwt.language.gather.hide_secrets", lambda given: given.replace("acme", "****"))
    checked = check(load_text(text, "t.policy", None), now=float(NOW))
    assert [d.code for d in checked.diagnostics if d.stops_loading] == ["PJ204"]
    assert checked.policies == ()
