"""The examples show the whole language: every form of every rule of the grammar stands in one, and all are sound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from policyjwt import Engine, PolicyError
from policyjwt.checker.check import check
from policyjwt.diagnostics import Level
from policyjwt.language.grammar import language
from policyjwt.language.load import load_paths
from policyjwt.language.parse import parse
from policyjwt.replay import InspectOnly, MemoryReplayStore
from policyjwt.source import Source
from tests.encryption.flow import nested, pem
from tests.issuer import NOW, URL, Issuer, claims, policy
from tests.shared import ROOT

FOLDER = ROOT / "policies" / "examples"
FILES = sorted(FOLDER.glob("*.policy"))
AS_OF = 1_795_478_400.0  # 2026-11-24: dates that pass later are no fault of the language

Form = tuple[str, str, tuple[str, ...]]
"""A rule, its other name if it has one, and the symbols of one of its alternatives, without what repeats."""


def form(rule: Any) -> Form:
    symbols = (symbol.name for symbol in rule.expansion)
    return rule.origin.name, rule.alias or "", tuple(name for name in symbols if not name.startswith("__"))


def no_example_can_show(form: Form) -> bool:
    """Forms that say nothing new, or that no sound policy has."""
    name, _, symbols = form
    return (
        name.startswith("__")  # what repeats
        or symbols[-2:] == ("LBRACE", "RBRACE")  # a block in which nothing stands
        or symbols == ("version",)  # a file in which nothing stands
        or symbols[:1] == ("allow",)  # the same before every item of every section; some examples have it
        or "literal_secret" in (name, *symbols)  # is parsed to be refused: no policy may hold a secret
        or (name in {"from_keyring", "from_env", "from_file"} and "encoding" not in symbols)  # refused: `as` is missing
        or (name == "literal" and symbols in {("DURATION",), ("DATE",)})  # refused: no operator asks for one there
    )


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> set[Form]:
    """The forms that the parser reduces by, from here on."""
    callbacks = language().lark.parse_interactive().parser_state.parse_conf.callbacks
    seen: set[Form] = set()

    def noting(rule: Any, callback: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
        def call(children: list[Any]) -> Any:
            seen.add(form(rule))
            return callback(children)

        return call

    for rule, callback in list(callbacks.items()):
        monkeypatch.setitem(callbacks, rule, noting(rule, callback))
    return seen


def test_every_form_of_the_grammar_stands_in_an_example(used: set[Form]) -> None:
    for file in FILES:
        tree, diagnostics = parse(Source(file.name, file.read_text(encoding="utf-8")))
        assert tree is not None, diagnostics
    callbacks = language().lark.parse_interactive().parser_state.parse_conf.callbacks
    forms = {form(rule) for rule in callbacks}
    assert forms, "the parser tells its rules"
    assert sorted(form for form in forms - used if not no_example_can_show(form)) == []
    assert {name for name, _, _ in used} >= {"allow"}


def test_all_examples_are_sound() -> None:
    """No error and no warning, but those that an example allows and says why."""
    diagnostics = check(load_paths([FOLDER]), now=AS_OF).diagnostics
    assert [(Path(d.span.file).name, d.span.line, d.code) for d in diagnostics if d.level is not Level.NOTE] == []


@pytest.mark.parametrize("name", ["payments", "github-deploy", "partner-hook"])
def test_a_whole_policy_stands_alone(name: str) -> None:
    """The first three are to be copied: each needs nothing but its own file and the files that it names."""
    loaded = load_paths([FOLDER / f"{name}.policy"])
    found = {policy.name for policy in check(loaded, now=AS_OF).policies}
    assert name in found
    assert "import " not in (FOLDER / f"{name}.policy").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["payments", "archive", "notary"])
def test_policies_with_certificates_load(name: str) -> None:
    (policy,) = [policy for policy in check(load_paths([FOLDER]), now=AS_OF).policies if policy.name == name]
    with Engine.load(FOLDER, use=policy.use, policies=[name], replay=InspectOnly()) as engine:
        assert engine.status()["policies"] == [name]


@pytest.mark.parametrize("name", ["wallet", "mesh", "fleet"])
def test_policies_with_holders_load(name: str) -> None:
    (policy,) = [policy for policy in check(load_paths([FOLDER]), now=AS_OF).policies if policy.name == name]
    keys = {"discovery:https://wallet.corp.example": Issuer("ES384").keys()} if name == "wallet" else {}
    with Engine.load(FOLDER, use=policy.use, policies=[name], keys=keys, replay=InspectOnly()) as engine:
        assert engine.status()["policies"] == [name]


def test_the_policy_with_encryption_judges_an_encrypted_token() -> None:
    """Two secrets side by side, one of them in use; what is confidential is in no view."""
    key, signer = rsa.generate_private_key(65537, 2048), Issuer("HS256", kid="2027-03")
    keys: dict[str, Any] = {
        "keyring:partner-hook/2026-09": Issuer("HS256").private,
        "keyring:partner-hook/2027-03": signer.private,
        "file:keys/hook-decryption.pem": pem(key),
    }
    told: dict[str, Any] = {"iss": "partner", "aud": "hooks", "event": "moved", "address": "1 Elm Street"}
    with Engine.load(
        FOLDER,
        use="hooks",
        policies=["partner-hook"],
        keys=keys,
        replay=MemoryReplayStore(10, single_process=True),
        clock=lambda: float(NOW),
    ) as engine:
        verdict = engine.evaluate(nested(signer, key, sub=..., **told))
        assert verdict, str(verdict)
        assert verdict.unjudged["address"] == "1 Elm Street"
        assert "Elm" not in str(verdict.to_dict(values=True))
        assert not engine.evaluate(signer.token(claims(**told)))


def test_what_is_not_enforced_is_not_loaded(tmp_path: Path) -> None:
    """Status lists under a certificate path: sound to `validate`, an error to a service."""
    (tmp_path / "ca.pem").write_bytes((FOLDER / "anchors" / "corp-ca.pem").read_bytes())
    source = 'keys x5c { anchors "ca.pem"  leaf san uri "https://s.example" }'
    status = f'status {{ list from caller  {source}  uri "https://s.example/1"  age at most 1h }}'
    text = policy(rest=f"provides sub is string\n  {status}")
    with pytest.raises(PolicyError) as refused:
        Engine.from_text(text, root=tmp_path, keys={f"url:{URL}": Issuer().keys()}, replay=InspectOnly())
    stopping = [each.code for each in refused.value.diagnostics if each.stops_loading]
    assert stopping == ["PJ452"]
