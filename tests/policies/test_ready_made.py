"""The ready-made policies: sound, dated, reasoned; each trusts what its provider sends, and refuses what is alike."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from policyjwt import Context, Engine, Verdict
from policyjwt.checker.check import Checked, check
from policyjwt.language.load import load_paths
from policyjwt.replay import MemoryReplayStore
from policyjwt.tokens import KeySet
from tests.issuer import NOW, Issuer
from tests.policies.providers import PROVIDERS, Provider, Refused
from tests.shared import ROOT

FOLDER = ROOT / "policies"
FILES = sorted(FOLDER.glob("*.policy"))
WRITTEN = re.compile(r"^# Written (\d{4}-\d{2}-\d{2}) from https://", re.MULTILINE)
REVIEW = re.compile(r"^  review by (\d{4}-\d{2}-\d{2})$", re.MULTILINE)
DEMANDS = re.compile(
    r" *(issuer|audience|type|waive|algorithms|keys|freshness|replay|revocation|provides|require|forbid)\b"
)


def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def written(file: Path) -> date:
    found = WRITTEN.search(text_of(file))
    assert found
    return date.fromisoformat(found[1])


@cache
def checked() -> Checked:
    """All of them, as of the day after the last of them was written: how sound they are does not depend on today."""
    last = max(map(written, FILES))
    return check(load_paths([FOLDER]), now=(last - date(1970, 1, 1)).total_seconds() + 86400)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nothing_is_found_in_it(file: Path) -> None:
    """No error, no warning and no note, and nothing silenced."""
    assert [(d.span.line, d.code) for d in checked().diagnostics if Path(d.span.file) == file] == []
    assert "allow " not in text_of(file)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_is_named_as_its_file(file: Path) -> None:
    (policy,) = [policy for policy in checked().policies if policy.name == file.stem]
    assert policy.block.about
    assert policy.block.owner


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_is_dated(file: Path) -> None:
    """It says when and from what it was written, and is to be read again within a year."""
    review = REVIEW.search(text_of(file))
    assert review
    assert 0 < (date.fromisoformat(review[1]) - written(file)).days <= 366


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_demand_has_its_reason(file: Path) -> None:
    """A comment on the line above, or `because`: in the line or below it."""
    lines = text_of(file).splitlines()
    bare = [
        line
        for above, line, below in zip(["", *lines], lines, [*lines[1:], ""], strict=False)
        if DEMANDS.match(line)
        and not above.lstrip().startswith("#")
        and " because " not in line
        and not below.lstrip().startswith("because ")
    ]
    assert bare == []


def test_each_has_tokens() -> None:
    assert sorted(provider.policy for provider in PROVIDERS) == [file.stem for file in FILES]


@cache
def signer(alg: str) -> Issuer:
    return Issuer(alg, kid="2026-11")


@cache
def other_key() -> Issuer:
    return Issuer("RS256", kid="other")


def judge(provider: Provider, case: Refused) -> Verdict:
    """What the provider's policy says of the token that differs by `case` from the one that it documents."""
    issuer = signer(provider.alg)
    jwks = {"keys": [{**issuer.jwk(), **provider.key}, *({**other_key().jwk(), **more} for more in provider.more_keys)]}
    engine = Engine.load(
        FOLDER / f"{provider.policy}.policy",
        policies=[provider.policy],
        keys={f"url:{provider.keys}": KeySet.from_jwks(jwks)},
        replay=MemoryReplayStore(10, single_process=True),
        clock=lambda: NOW,
    )
    claims = {name: value for name, value in {**provider.claims, **case.claims}.items() if value is not ...}
    token = issuer.token(claims, {**provider.header, **case.header})
    return engine.evaluate(token, Context(nonce=case.nonce or provider.nonce))


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.policy)
def test_the_token_that_is_documented_is_trusted(provider: Provider) -> None:
    verdict = judge(provider, Refused(what="nothing", codes=()))
    assert verdict.trusted, str(verdict)
    (policy,) = [policy for policy in checked().policies if policy.name == provider.policy]
    assert {provided.claim for provided in policy.block.provides if not provided.if_present} <= set(verdict.claims)


@pytest.mark.parametrize(
    ("provider", "case"),
    [pytest.param(p, case, id=f"{p.policy}: {case.what}") for p in PROVIDERS for case in p.refused],
)
def test_what_is_only_alike_is_refused(provider: Provider, case: Refused) -> None:
    verdict = judge(provider, case)
    assert not verdict.trusted
    assert tuple(finding.code for finding in verdict.failing) == case.codes


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.policy)
def test_a_key_of_somebody_else_is_refused(provider: Provider) -> None:
    """The same claims, signed with a key that has the same `kid`."""
    token = Issuer(provider.alg, kid="2026-11").token(dict(provider.claims), dict(provider.header))
    engine = Engine.load(
        FOLDER / f"{provider.policy}.policy",
        policies=[provider.policy],
        keys={f"url:{provider.keys}": signer(provider.alg).keys()},
        replay=MemoryReplayStore(10, single_process=True),
        clock=lambda: NOW,
    )
    verdict = engine.evaluate(token, Context(nonce=provider.nonce))
    assert [finding.code for finding in verdict.failing] == ["signature.invalid"]


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.policy)
def test_no_rule_is_there_in_vain(provider: Provider) -> None:
    """Each rule refuses a token of the table. Whoever adds a rule adds what it is for."""
    verdicts = [judge(provider, case) for case in provider.refused]
    refusing = {finding.location.line for verdict in verdicts for finding in verdict.failing if finding.location}
    (policy,) = [policy for policy in checked().policies if policy.name == provider.policy]
    assert {rule.place.span.line for rule in policy.block.rules} <= refusing
