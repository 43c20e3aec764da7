"""`holder mtls` through whole engines: each fault has its code and its line; the holder may come again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from policyjwt import Context, Engine, PolicyError, recheck
from policyjwt.replay import InspectOnly
from tests.attacks.flow import everything_told
from tests.evidence.proofs import bound
from tests.holder.flow import (
    BY_HOLDER,
    ISSUER,
    MTLS,
    WAYS,
    Clock,
    Door,
    assured,
    certificate,
    certified,
    client,
    clients,
    codes,
    door,
    mtls_door,
    text,
    token,
    told,
    unbound,
)
from tests.issuer import NOW, URL, b64
from tests.pki import DAY, authority

NONCE = "replay { nonce jti }"

both_ways = pytest.mark.parametrize("way", WAYS)


def over(der: bytes | None, **changes: Any) -> Context:
    """A request over a connection that the client opened with this certificate."""
    return Context(client_certificate=der, **changes)


def in_header(**changes: Any) -> Context:
    """A certificate that a proxy wrote into a header."""
    return over(client().der, headers=[("Client-Cert", ":AAAA:")], **changes)


def quoted(**changes: Any) -> Context:
    """The same in a header of no known name, by its value."""
    return over(client().der, headers=[("X-SSL-Cert", quote(client().pem.decode()))], **changes)


# --- every check of the table, through the engine -----------------------------------------------------------

EXPIRED = certificate(ends=NOW - 1)
EARLY = certificate(begins=NOW + 1)
STRANGER = certificate(above=authority("Clients"))
NOTHING = b"no certificate"

FAULTS: dict[str, tuple[Any, Context, str]] = {
    "M1 none": (certified(), over(None), "mtls_missing"),
    "M1 and a header alone": (certified(), Context(headers=[("Client-Cert", ":AAAA:")]), "mtls_missing"),
    "M2 by name": (certified(), in_header(), "mtls_untrusted_source"),
    "M2 by value": (certified(), quoted(), "mtls_untrusted_source"),
    "M3 empty": ({}, over(client().der), "missing"),
    "M3 no text": ({"x5t#S256": 5}, over(client().der), "missing"),
    "M4 of another client": (certified(), over(certificate("service b").der), "mismatch"),
    "M4 renewed": (certified(), over(certificate().der), "mismatch"),
    "M4 over the PEM": ({"x5t#S256": b64(client().pem)}, over(client().der), "mismatch"),
    "M4 padded": ({"x5t#S256": certified()["x5t#S256"] + "="}, over(client().der), "mismatch"),  # type: ignore[operator] # text
    "M5 expired": (certified(EXPIRED), over(EXPIRED.der), "mtls_cert_invalid"),
    "M5 not yet": (certified(EARLY), over(EARLY.der), "mtls_cert_invalid"),
    "M5 another anchor of that name": (certified(STRANGER), over(STRANGER.der), "mtls_cert_invalid"),
    "M5 the anchor itself": (certified(clients()), over(clients().der), "mtls_cert_invalid"),
    "M6 two members": (certified() | {"jkt": "x"}, over(client().der), "unsupported"),
    "M6 another member": (bound(), over(client().der), "unsupported"),
    "M6 an unknown member": ({"x5t#S512": "x"}, over(client().der), "unsupported"),
}


@both_ways
@pytest.mark.parametrize("replay", [BY_HOLDER, NONCE])
@pytest.mark.parametrize(("cnf", "given", "code"), FAULTS.values(), ids=FAULTS)
def test_a_fault_has_one_finding_and_consumes_nothing(
    *, cnf: Any, given: Context, code: str, replay: str, way: str, tmp_path: Path
) -> None:
    at = mtls_door(tmp_path, replay=replay)
    presented = token(cnf=cnf)
    verdict = at.judge(presented, given, way)
    assert told(verdict) == [(f"holder.{code}", at.line("holder mtls"))]
    assert not verdict.trusted
    assert verdict.good_until is None
    assert assured(verdict).isdisjoint({"holder-of-key", "replay-protection"})
    assert "replay.not_reached" in [each.code for each in verdict.findings]
    assert at.asked == 0


@pytest.mark.parametrize(("cnf", "given"), [case[:2] for case in FAULTS.values()], ids=FAULTS)
def test_a_refusal_tells_nothing_of_token_and_certificate(cnf: Any, given: Context, tmp_path: Path) -> None:
    presented = token(cnf=cnf, sub="zqxj-subject")
    told_all = everything_told(mtls_door(tmp_path).judge(presented, given))
    secrets = [*presented.split("."), str(certified()["x5t#S256"]), "zqxj-subject", "service a", "service b"]
    assert [each for each in secrets if each in told_all] == []


@both_ways
def test_m3_an_unbound_token(way: str, tmp_path: Path) -> None:
    at = mtls_door(tmp_path)
    for given in (over(client().der), over(None), Context(scheme="Bearer")):
        assert told(at.judge(unbound(), given, way)) == [("holder.missing", at.line("holder mtls"))]


@pytest.mark.parametrize("cnf", [[], None, "x", 1])
def test_a_confirmation_that_is_no_object(cnf: Any, tmp_path: Path) -> None:
    at = mtls_door(tmp_path)
    verdict = at.judge(token(cnf=cnf), over(client().der))
    assert ("holder.missing", at.line("holder mtls")) in told(verdict)
    assert {code.partition(".")[0] for code in codes(verdict)} == {"holder"}


@both_ways
@pytest.mark.parametrize("made", [in_header, quoted])
def test_m2_a_proxy_that_is_vouched_for(made: Callable[..., Context], way: str, tmp_path: Path) -> None:
    at = mtls_door(tmp_path)
    presented = token(cnf=certified())
    assert at.judge(presented, made(from_trusted_proxy=True), way).trusted
    assert codes(at.judge(presented, made(), way)) == ["holder.mtls_untrusted_source"]


# --- the right certificate, and `by holder` -----------------------------------------------------------------


@both_ways
@pytest.mark.parametrize("form", ["der", "pem"])
def test_the_holder_may_come_again_and_nobody_else(form: str, way: str, tmp_path: Path) -> None:
    at = mtls_door(tmp_path)
    presented = token(cnf=certified())
    for _ in range(3):
        verdict = at.judge(presented, over(getattr(client(), form)), way)
        assert verdict.trusted
        assert "holder-of-key" in assured(verdict)
        assert "replay-protection" not in assured(verdict), "its holder may use the token again"
        places = {each.code: each.location.line for each in verdict.findings if each.location}
        assert (places["holder.met"], places["replay.met"]) == (at.line("holder mtls"), at.line("replay"))
    assert codes(at.judge(presented, over(certificate("thief").der), way)) == ["holder.mismatch"]
    assert codes(at.judge(presented, over(None), way)) == ["holder.mtls_missing"]
    assert at.asked == 0, "nothing is consumed: no store is needed"


@pytest.mark.parametrize("store", [None, InspectOnly()])
def test_by_holder_needs_no_store(store: InspectOnly | None, tmp_path: Path) -> None:
    (tmp_path / "clients.pem").write_bytes(clients().pem)
    keys = {f"url:{URL}": ISSUER.keys()}
    engine = Engine.from_text(text(MTLS, replay=BY_HOLDER), root=tmp_path, keys=keys, replay=store, clock=Clock())
    assert engine.evaluate(token(cnf=certified()), over(client().der)).trusted
    assert codes(engine.evaluate(token(cnf=certified()), over(None))) == ["holder.mtls_missing"]


@both_ways
def test_a_nonce_beside_a_holder_is_consumed_once(way: str, tmp_path: Path) -> None:
    at = mtls_door(tmp_path, replay=NONCE)
    presented = token(cnf=certified())
    assert codes(at.judge(presented, over(certificate("thief").der), way)) == ["holder.mismatch"]
    assert at.asked == 0
    assert at.judge(presented, over(client().der), way).trusted
    assert told(at.judge(presented, over(client().der), way)) == [("replay.seen", at.line("replay"))]
    assert at.asked == 2


def test_without_anchors_the_thumbprint_alone_is_compared() -> None:
    at = door("holder mtls", replay=BY_HOLDER)
    own = certificate("self", above=authority("Nobody"))
    assert at.judge(token(cnf=certified(own)), over(own.der)).trusted
    assert codes(at.judge(token(cnf=certified(own)), over(client().der))) == ["holder.mismatch"]
    assert codes(at.judge(token(cnf=certified(EXPIRED)), over(EXPIRED.der))) == ["holder.mtls_cert_invalid"]


@pytest.mark.parametrize(("ends", "exp", "until"), [(30, 60, 30), (60, 30, 30), (DAY, 60, 60)])
def test_the_verdict_ends_with_the_certificate_or_the_token(ends: int, exp: int, until: int, tmp_path: Path) -> None:
    at = mtls_door(tmp_path)
    one = certificate(ends=NOW + ends)
    verdict = at.judge(token(cnf=certified(one), exp=NOW + exp), over(one.der))
    assert verdict.trusted
    assert verdict.good_until == NOW + until


@pytest.mark.parametrize(("passed", "code"), [(29, None), (30, None), (31, "holder.mtls_cert_invalid")])
def test_m5_the_boundary_of_its_time(passed: int, code: str | None, tmp_path: Path) -> None:
    clock = Clock()
    at = mtls_door(tmp_path, clock=clock)
    one = certificate(ends=NOW + 30)
    clock.now = NOW + passed
    assert codes(at.judge(token(cnf=certified(one)), over(one.der))) == ([] if code is None else [code])


# --- what rules may read of the certificate -----------------------------------------------------------------


@both_ways
def test_rules_read_the_clients_certificate(way: str, tmp_path: Path) -> None:
    serial = format(client().certificate.serial_number, "x")
    at = mtls_door(tmp_path, rules=[f'require client.serial == "{serial}"'])
    other = certificate("service b")
    assert at.judge(token(cnf=certified()), over(client().der), way).trusted
    assert codes(at.judge(token(cnf=certified(other)), over(other.der), way)) == ["claim.client-serial"]


def test_a_rule_reads_nothing_of_a_certificate_that_is_not_the_holders(tmp_path: Path) -> None:
    serial = format(client().certificate.serial_number, "x")
    at = mtls_door(tmp_path, rules=[f'require client.serial == "{serial}"'])
    verdict = at.judge(token(cnf=certified(certificate("service b"))), over(client().der))
    assert codes(verdict) == ["holder.mismatch", "claim.client-serial"]


# --- inspection, records, loading ---------------------------------------------------------------------------


def test_inspect_judges_the_holder_and_consumes_nothing(tmp_path: Path) -> None:
    at = mtls_door(tmp_path, replay=NONCE)
    presented = token(cnf=certified())
    assert at.engine.inspect(presented, over(client().der)).would_trust
    assert codes(at.engine.inspect(presented, over(None))) == ["holder.mtls_missing"]
    assert at.asked == 0
    assert at.judge(presented, over(client().der)).trusted


@pytest.mark.parametrize("replay", [BY_HOLDER, NONCE])
def test_a_record_comes_to_the_same(replay: str, tmp_path: Path) -> None:
    at = mtls_door(tmp_path, replay=replay, rules=['observe client.serial == "1" until 2023-12-01'])
    right = token(cnf=certified())
    verdicts = [at.judge(right, over(client().der)), at.judge(right, in_header(from_trusted_proxy=True))]
    verdicts += [at.judge(token(cnf=cnf), given) for cnf, given, _ in FAULTS.values()]
    assert verdicts[0].trusted
    records = [json.loads(json.dumps(each.record())) for each in verdicts]
    (tmp_path / "clients.pem").unlink()  # a record holds all that it needs
    for verdict, record in zip(verdicts, records, strict=True):
        again = recheck(record)
        assert again.differences == ()
        assert again.inspection.would_trust is verdict.trusted


LOADING = {
    "by holder without holder": (text("", replay=BY_HOLDER), "PJ323"),
    "by holder with dpop": (text("holder dpop", replay=BY_HOLDER), "PJ323"),
    "by holder with a waived one": (text('waive holder because "x"', replay=BY_HOLDER), "PJ323"),
    "by holder and reusable": (text("holder mtls", replay='replay { by holder  reusable because "x" }'), "PJ324"),
    "a promise that a second use is refused": (
        text("holder mtls", replay=BY_HOLDER, rules=["assures replay-protection"]),
        "PJ351",
    ),
    "a store that is not asked": (text("holder mtls", replay="replay { by holder  store reaches nodes }"), "PJ325"),
}


@pytest.mark.parametrize(("written", "code"), LOADING.values(), ids=LOADING)
def test_a_policy_that_holds_nobody_does_not_load(written: str, code: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Door(text=written)
    assert code in [each.code for each in caught.value.diagnostics if each.stops_loading]


def test_anchors_that_are_not_there_or_none(tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        door(MTLS, replay=BY_HOLDER, root=tmp_path)
    (tmp_path / "clients.pem").write_bytes(b"no certificate\n")
    with pytest.raises(PolicyError):
        door(MTLS, replay=BY_HOLDER, root=tmp_path)
