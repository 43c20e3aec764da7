"""L17: a policy that is cut short, or changed on its way, never loads as a laxer one.

Tokens of every kind stand against the whole policy and against each piece of it: what loads at all may trust no token
that the whole one refuses.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policyjwt import Engine, PolicyError
from policyjwt.errors import PolicyJwtError
from tests.attacks.flow import ISSUER, REUSABLE, engine
from tests.issuer import NOW, URL, claims

TEXT = f"""policyjwt 1

let tenants = ["acme", "école"]

baseline "org" {{
  freshness {{
    lifetime at most 1h
    skew     at most 0s
  }}
  require tenant in tenants
}}

policy "p" extends "org" {{
  about    "a test"
  use      "api"
  owner    "tests@corp.example"
  issuer   "https://issuer.example"
  audience "api"
  type     "JWT"
  signature {{
    algorithms ES256
    keys jwks url "{URL}"
  }}
  freshness {{ age at most 10m }}
  {REUSABLE}
  revocation {{ by key removal within 24h }}
  provides sub is string
  require role == "admin" or role == "root"
  require words(scope) contains "pay:write" and level > 3
    because "who pays, needs it"
  forbid azp == "legacy" when azp is present
  require amr contains any of ["hwk", "fido"] unless
    mode == "test"
}}
"""
GOOD: dict[str, Any] = {"tenant": "acme", "role": "admin", "scope": "pay:write", "level": 4, "amr": ["hwk"]}
CHANGES: list[dict[str, Any]] = [
    {},
    *({"tenant": value} for value in ("other", ..., "acm", "école")),
    *({"role": value} for value in ("user", ..., "root")),
    *({"scope": value} for value in ("pay", "pay:", ...)),
    *({"level": value} for value in (3, 0, ...)),
    {"azp": "legacy"},
    {"azp": "leg"},
    *({"amr": value} for value in ([], ["hw"], ...)),
    {"amr": [], "mode": "test"},
    {"aud": "ap"},
    {"aud": ...},
    {"sub": ...},
    {"iss": "https://issuer"},
    {"iat": NOW - 660, "nbf": ...},
    {"iat": NOW - 3000, "nbf": ..., "exp": NOW + 3000},
    {"exp": NOW},
]
TOKENS = [ISSUER.token(claims(**(GOOD | change))) for change in CHANGES]
TOKENS += [ISSUER.token(claims(**GOOD), {"typ": typ}) for typ in ("JW", "at+jwt", ...)]


def trusted(judge: Engine) -> frozenset[int]:
    """Which of the tokens are trusted."""
    return frozenset(at for at, token in enumerate(TOKENS) if judge.evaluate(token))


WHOLE = trusted(engine(TEXT))


def test_the_whole_policy_tells_the_tokens_apart() -> None:
    assert sorted(WHOLE) == [0, 4, 7, 15, 19]


def loads_no_laxer(text: str) -> bool:
    """Whether the text loads; if so, what it trusts is trusted by the whole policy too."""
    try:
        judge = engine(text)
    except (PolicyError, ValueError):  # ValueError: none of the policies is left
        return False
    assert trusted(judge) <= WHOLE, text
    return True


def test_cut_at_every_character() -> None:
    """Only the whole loads: a last line without its end, and a block without its bracket, are errors."""
    assert [at for at in range(len(TEXT)) if loads_no_laxer(TEXT[:at])] == []


def test_cut_at_every_byte_of_a_file(tmp_path: Path) -> None:
    """Bytes within a character; the end of a file that a writer did not finish."""
    (tmp_path / "policyjwt.toml").touch()
    file, content = tmp_path / "p.policy", TEXT.encode()
    middle = content.index("é".encode()) + 1
    for at in (0, 1, middle, len(content) - 1, len(content) - 2):
        file.write_bytes(content[:at])
        with pytest.raises(PolicyJwtError):
            Engine.load(tmp_path, keys={f"url:{URL}": ISSUER.keys()}, clock=lambda: float(NOW))


@pytest.mark.parametrize("piece", range(2))
def test_a_line_that_is_lost(piece: int) -> None:
    """One line or two are gone. A rule may be lost whole, which is another policy; what is left never changes sides."""
    lines = TEXT.splitlines(keepends=True)
    for at in range(len(lines)):
        rest = "".join(lines[:at] + lines[at + 1 + piece :])
        lost = "".join(lines[at : at + 1 + piece])
        if any(word in lost for word in ("require", "forbid", "provides", "at most")):
            continue  # a requirement that is gone is gone, and its line with it
        loads_no_laxer(rest)


def test_a_guard_never_outlives_its_rule() -> None:
    """The line of a rule is lost, and what guarded it stands below another."""
    text = TEXT.replace('require amr contains any of ["hwk", "fido"] unless\n', "").replace(
        'forbid azp == "legacy" when azp is present\n', 'forbid azp == "legacy"\n  when azp is present\n'
    )
    assert not loads_no_laxer(text)
    assert not loads_no_laxer(TEXT.replace('forbid azp == "legacy" when', "when"))
    assert not loads_no_laxer(TEXT.replace('require role == "admin" or', "or"))


@pytest.mark.parametrize(
    ("old", "new"),
    [("\n", "\r\n"), ("  ", "\t"), ("  ", " "), ("\n\n", "\n"), ("{ ", "{\n"), (" }", "\n}")],
)
def test_layout_is_no_meaning(old: str, new: str) -> None:
    assert trusted(engine(TEXT.replace(old, new))) == WHOLE


@pytest.mark.parametrize(
    "sign", ["\ufeff", "\r", "\u0085", "\u2028", "\u2029", "\u202e", "\u2066", "\x00", "\x0b", "\x0c"]
)
def test_signs_that_hide_a_line_break_or_turn_text_load_nowhere(sign: str) -> None:
    for at in (0, TEXT.index("let"), TEXT.index("acme"), TEXT.index("because") + 14, len(TEXT)):
        assert not loads_no_laxer(TEXT[:at] + sign + TEXT[at:])


def test_files_that_a_policy_names_are_whole_or_nothing(tmp_path: Path) -> None:
    """Imports, lists and key sets, each cut at every byte."""
    (tmp_path / "policyjwt.toml").touch()
    head, let, rest = "policyjwt 1\n", TEXT.index("let"), TEXT.index("baseline")
    policy_text = TEXT.index('policy "p"')
    files = {
        "common.policy": (head + 'let tenants from "tenants.json"\n' + TEXT[rest:policy_text]).encode(),
        "tenants.json": json.dumps(["acme", "école"], ensure_ascii=False).encode(),
        "keys.json": json.dumps({"keys": [ISSUER.jwk()]}).encode(),
    }
    main = head + 'import "common.policy"\n' + TEXT[policy_text:]
    main = main.replace(f'jwks url "{URL}"', 'jwks file "keys.json"')
    main = main.replace("by key removal within 24h", 'by redeployment because "a test"')
    (tmp_path / "p.policy").write_text(main)
    assert let < rest

    def load() -> Engine:
        return Engine.load(tmp_path, clock=lambda: float(NOW))

    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert trusted(load()) == WHOLE
    for name, content in files.items():
        for at in range(0, len(content), 1 if name != "common.policy" else 3):
            (tmp_path / name).write_bytes(content[:at])
            with pytest.raises(PolicyJwtError):
                load()
        (tmp_path / name).write_bytes(content)
