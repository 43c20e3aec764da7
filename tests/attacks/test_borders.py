"""The borders of the engine: what a hostile token, policy, file or call makes escape, hang, or show.

Views never raise; a policy is loaded or diagnosed; a bad call raises TypeError or ValueError; nothing outside the root
is believed; work grows with the text, never with its square.
"""

from __future__ import annotations

import enum
import json
import os
import subprocess
import sys
from collections.abc import Callable
from http import HTTPMethod
from pathlib import Path
from typing import Any

import pytest

from policyjwt import Context, Engine, PolicyError
from policyjwt.checker import check as check_module
from policyjwt.checker.check import Checked, check
from policyjwt.errors import PolicyJwtError
from policyjwt.language.load import Loaded, load_text
from tests.attacks.flow import ISSUER, REUSABLE, SUB, codes, engine, everything_shown, rules
from tests.issuer import NOW, URL, Issuer, claims, policy

# ------------------------------------------------------------------------------------------------ views never raise

EXPIRES = {"freshness": "freshness { expires within 1h  skew at most 0s }"}


@pytest.mark.parametrize(
    ("changes", "times", "code"),
    [
        ({}, {"exp": 1.7e308, "iat": -1.7e308}, "freshness.lifetime_too_long"),
        ({}, {"exp": -1.7e308, "iat": 1.7e308}, "freshness.incoherent"),
        (EXPIRES, {"exp": 1.7e308}, "freshness.expires_too_late"),
        ({}, {"nbf": 1.7e308}, "freshness.not_yet_valid"),
        ({}, {"exp": 10**127}, "freshness.lifetime_too_long"),
    ],
)
def test_f06_f15_times_at_the_ends_of_all_numbers_are_told(
    changes: dict[str, str], times: dict[str, Any], code: str
) -> None:
    verdict = engine(policy(**changes)).evaluate(ISSUER.token(claims(**times)))
    assert code in codes(verdict)
    everything_shown(verdict)


def test_a_moment_at_the_ends_of_all_numbers_is_told() -> None:
    everything_shown(engine().evaluate(ISSUER.token(claims(exp=1.7e308)), now=-1.7e308))


@pytest.mark.parametrize("now", [10**400, -(10**400)])
def test_a_moment_that_is_no_float_is_a_bad_call_or_refused(now: int) -> None:
    try:
        verdict = engine().evaluate(ISSUER.token(claims()), now=now)
    except (TypeError, ValueError):
        return
    assert not verdict


@pytest.mark.parametrize("name", ["a{0}b", "{", "}", "{name.__class__}", "{name!r:>999}", "%s"])
def test_l10_l11_the_name_of_a_policy_is_no_template(name: str) -> None:
    verdict = engine(policy(name=name)).evaluate(ISSUER.token(claims()))
    with pytest.raises(KeyError) as caught:
        verdict.claims["role"]
    assert f"`{name}` does not provide `role`" in str(caught.value)
    with pytest.raises(KeyError, match="rest"):
        verdict.unjudged["rest"]


@pytest.mark.parametrize("escape", ["\\n", "\\r", "\\u001b[31m", "\\u202e", "\\u0000", "\\u2028"])
def test_no_text_of_a_policy_forges_a_line_of_a_log(escape: str) -> None:
    """A policy is reviewed as it is written; what an escape hides must not come out in a terminal or a log."""
    text = policy(
        name=f"p{escape}TRUSTED", replay=REUSABLE, rest=f'{SUB}\n  require a == 1 as a because "x{escape}TRUSTED"'
    )
    shown = str(engine(text).evaluate(ISSUER.token(claims())))
    assert not any(line.startswith("TRUSTED") for line in shown.splitlines())
    assert escape == "\\n" or json.loads(f'"{escape}"')[0] not in shown


# ------------------------------------------------------------------------------------------------ what a caller says


class Tier(str, enum.Enum):  # noqa: UP042 - the kind that services still have, whose str() is its name
    GOLD = "gold"
    BANNED = "banned"


def test_a_context_value_is_its_text_and_not_the_name_of_an_enum() -> None:
    judge = engine(rules('require context.values.tier != "banned" as tier'))
    assert not judge.evaluate(ISSUER.token(claims()), Context(values={"tier": Tier.BANNED}))
    assert judge.evaluate(ISSUER.token(claims()), Context(values={"tier": Tier.GOLD}))
    listed = engine(rules('require not (context.values.tiers contains "banned") as tiers'))
    assert not listed.evaluate(ISSUER.token(claims()), Context(values={"tiers": [Tier.BANNED]}))


def test_the_method_may_be_one_of_the_standard_library() -> None:
    judge = engine(rules('require context.method == "GET" as method'))
    assert judge.evaluate(ISSUER.token(claims()), Context(method="GET"))
    assert judge.evaluate(ISSUER.token(claims()), Context(method=HTTPMethod.GET))
    assert not judge.evaluate(ISSUER.token(claims()), Context(method=HTTPMethod.POST))


@pytest.mark.parametrize("text", [None, b"policyjwt 1\n", 5, ["policyjwt 1"]])
def test_a_policy_that_is_no_text_is_a_bad_call(text: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        Engine.from_text(text)


# ------------------------------------------------------------------------------------------------ L09: hostile policies


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("and", rules("require " + " and ".join(f"a{n} == 1" for n in range(1_500)) + " as a")),
        ("or", rules("require " + " or ".join(f"a{n} == 1" for n in range(1_500)) + " as a")),
        ("forbid", rules(*['forbid a == "x"'] * 1_500)),
        ("rules", rules(*(f'require a{n} == "x"' for n in range(1_500)))),
    ],
)
def test_l09_a_wide_policy_is_loaded_or_diagnosed(name: str, text: str) -> None:
    try:
        judge = engine(text)
    except PolicyError:
        return
    everything_shown(judge.evaluate(ISSUER.token(claims())))


def calls(text: str) -> int:
    """How many functions are called until a text is checked: work, whatever the machine."""
    count = 0

    def heard(*_: object) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(heard)
    try:
        check(load_text(text, "t.policy", None), now=float(NOW))
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("two policies of one name", lambda n: "policyjwt 1\n" + 'policy "p" {\n}\n' * n),
        ("policies", lambda n: "policyjwt 1\n" + "".join(f'policy "p{i}" {{\n}}\n' for i in range(n))),
        ("baselines of one name", lambda n: "policyjwt 1\n" + 'baseline "p" {\n}\n' * n),
        ("one rule many times", lambda n: rules(*["require a == 1"] * n)),
        ("many rules", lambda n: rules(*(f"require a{i} == 1" for i in range(n)))),
        ("many names in a list", lambda n: rules(f"require a in [{', '.join(map(str, range(n)))}]")),
    ],
)
def test_l09_work_grows_with_the_text_and_not_with_its_square(name: str, made: Callable[[int], str]) -> None:
    calls(made(10))  # what is built once
    small, large = calls(made(100)), calls(made(400))
    assert large < 6 * small, f"{large / small:.1f} times the work for 4 times the text"


@pytest.mark.parametrize("unit", ["/[", "/\\", '"\\', "`", "([{", "“"])
def test_l09_the_search_for_secrets_grows_with_the_text(unit: str) -> None:
    """A square would take hours for this text; the guard is a hundred times what it should take."""
    code = f"from policyjwt.language.hide import hide_secrets; hide_secrets({unit!r} * 100_000)"
    done = subprocess.run([sys.executable, "-c", code], timeout=30, check=False, capture_output=True)
    assert done.returncode == 0


# ------------------------------------------------------------------------------------------------ L19: written secrets

SECRET = "zqxjzqxjhunter2hunter2hunter2hunter2"


@pytest.mark.parametrize(
    "written",
    [
        f'secret "{SECRET}" as utf8',
        f'secret = "{SECRET}"',
        f"secret '{SECRET}'",
        f'secret: "{SECRET}"',
        f'secret (\n"{SECRET}")',
        f'secret ["{SECRET}"]',
        f'secret env "A" as utf8 kid "1" "{SECRET}"',
        f'secret env "A" "{SECRET}" as utf8',
        f'secrets "{SECRET}"',
        f'Secret "{SECRET}"',
        f'SECRET "{SECRET}"',
        f'secret "abc\n{SECRET}" as utf8',
        f'secret "{SECRET}\n  as utf8',
    ],
)
def test_l19_a_secret_written_into_a_policy_is_shown_nowhere(written: str, tmp_path: Path) -> None:
    text = policy(algorithms="HS256", keys=written, revocation='revocation { by redeployment because "a test" }')
    (tmp_path / "p.policy").write_text(text)
    with pytest.raises(PolicyError) as caught:
        engine(text, keys={})
    assert "zqxj" not in f"{caught.value}{caught.value.diagnostics}"
    command = [sys.executable, "-m", "policyjwt", "validate", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "zqxj" not in done.stdout + done.stderr


# ---------------------------------------------------------------------------------- L16, L17: files that change

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["x"],
    "properties": {"x": {"const": 1}},
}


def root_with(folder: Path, **changes: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "policyjwt.toml").touch()
    (folder / "p.policy").write_text(policy(replay=REUSABLE, **changes))
    return folder


def load(folder: Path, **settings: Any) -> Engine:
    return Engine.load(folder, clock=lambda: float(NOW), **settings)


def after_check(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Let something change between the check of the policies and the reading of what they name."""

    def changing(loaded: Loaded, *, now: float) -> Checked:
        checked = check_module.check(loaded, now=now)
        change()
        return checked

    monkeypatch.setattr("policyjwt.in_force.check", changing)


@pytest.mark.parametrize("content", [b"{", b"\xff", b"\xef\xbb\xbf{}", b"[]", None])
def test_l17_a_schema_that_breaks_while_it_is_loaded_is_diagnosed(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = root_with(tmp_path / "root", rest=f'{SUB}\n  schema "s.json"')
    schema = root / "s.json"
    schema.write_text(json.dumps(SCHEMA))
    after_check(monkeypatch, schema.unlink if content is None else lambda: schema.write_bytes(content))
    try:
        judge = load(root, keys={f"url:{URL}": ISSUER.keys()})
    except PolicyError:
        return
    assert not judge.evaluate(ISSUER.token(claims(x=2))), "what was checked is what judges"


def test_l16_a_schema_that_was_not_checked_judges_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = root_with(tmp_path / "root", rest=f'{SUB}\n  schema "s.json"')
    (root / "s.json").write_text(json.dumps(SCHEMA))
    outside = tmp_path / "lax.json"
    outside.write_text(json.dumps(SCHEMA | {"required": [], "properties": {}}))

    def swap() -> None:
        (root / "s.json").unlink()
        (root / "s.json").symlink_to(outside)

    after_check(monkeypatch, swap)
    try:
        judge = load(root, keys={f"url:{URL}": ISSUER.keys()})
    except PolicyJwtError:
        return
    assert not judge.evaluate(ISSUER.token(claims(x=2)))


def test_l16_another_schema_is_another_digest(tmp_path: Path) -> None:
    root = root_with(tmp_path / "root", rest=f'{SUB}\n  schema "s.json"')
    digests = set()
    for constant in (1, 2):
        (root / "s.json").write_text(json.dumps(SCHEMA | {"properties": {"x": {"const": constant}}}))
        verdict = load(root, keys={f"url:{URL}": ISSUER.keys()}).evaluate(ISSUER.token(claims(x=1)))
        assert bool(verdict) is (constant == 1)
        digests.add(verdict.policy_digest)
    assert len(digests) == 2


def test_k25_keys_that_were_swapped_for_others_outside_the_root_are_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = Issuer()
    by_file = {
        "keys": 'keys jwks file "k.json"',
        "revocation": 'revocation { by redeployment because "a test" }',
    }
    root = root_with(tmp_path / "root", **by_file)
    keys, outside = root / "k.json", tmp_path / "evil.json"
    keys.write_text(json.dumps({"keys": [ISSUER.jwk()]}))
    outside.write_text(json.dumps({"keys": [evil.jwk()]}))

    def swap() -> None:
        keys.unlink()
        keys.symlink_to(outside)

    after_check(monkeypatch, swap)
    try:
        judge = load(root)
    except PolicyJwtError:
        return
    assert not judge.evaluate(evil.token(claims()))


def test_a_secret_file_outside_the_root_is_not_read(tmp_path: Path) -> None:
    """Nothing is read outside the root, by a link or otherwise."""
    by_file = {
        "algorithms": "HS256",
        "keys": 'secret file "s" as hex',
        "revocation": 'revocation { by redeployment because "a test" }',
    }
    root = root_with(tmp_path / "root", **by_file)
    outside = tmp_path / "secret"
    outside.write_text(bytes(range(60, 124)).hex())
    outside.chmod(0o600)
    (root / "s").symlink_to(outside)
    with pytest.raises(PolicyError):
        load(root)


def test_l02_links_pipes_and_folders_for_policies_are_diagnosed(tmp_path: Path) -> None:
    root = root_with(tmp_path / "root")
    given = {"keys": {f"url:{URL}": ISSUER.keys()}}
    for name, make in (
        ("out.policy", lambda path: path.symlink_to("/etc/passwd")),
        ("pipe.policy", os.mkfifo),
        ("loop.policy", lambda path: path.symlink_to(path)),
        ("gone.policy", lambda path: path.symlink_to(root / "nothing")),
        ("bytes.policy", lambda path: path.write_bytes(b"\xff\xfe\x00")),
        ("empty.policy", lambda path: path.write_bytes(b"")),
    ):
        path = root / name
        make(path)
        with pytest.raises(PolicyJwtError) as caught:
            load(root, **given)
        assert "root:" not in str(caught.value), "a file that is no policy is never quoted"
        path.unlink()
    assert load(root, **given).evaluate(ISSUER.token(claims()))
