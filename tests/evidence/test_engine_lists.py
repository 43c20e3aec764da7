"""Revocation lists and status lists through the whole engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from policyjwt import Context, Engine, PolicyError, recheck
from policyjwt.evidence import crl_snapshot
from policyjwt.language.files import Files
from policyjwt.tokens import KeySet
from tests import issuer
from tests.evidence.flow import codes, engine, outcome, signed
from tests.issuer import NOW, URL, Issuer, claims, policy
from tests.pki import DAY, Party, entry, pki, revocation_list

CRL = 'revocation { crl snapshot "list.crl"  age at most 1d  cover leaf }'


def listed(*revoked: Party, issuer: Party | None = None, number: int = 1, this_update: float = NOW - 60) -> bytes:
    """A list of the intermediate, in PEM."""
    serials = [each.certificate.serial_number for each in revoked]
    made = revocation_list(
        issuer or pki().intermediate,
        serials,
        number=number,
        this_update=this_update,
        next_update=this_update + 2 * DAY,
    )
    return made.public_bytes(Encoding.PEM)


def test_a_signer_that_no_list_names_is_trusted(tmp_path: Path) -> None:
    promise = "assures revocation, non-repudiation\n  provides sub is string"
    judge = engine(tmp_path, revocation=CRL, files={"list.crl": listed()}, rest=promise)
    verdict = judge.evaluate(signed())
    assert verdict, str(verdict)
    assert "crl.met" in {finding.code for finding in verdict.findings}
    given = {each.name: each.by for each in verdict.assurances if each.assured}
    assert given["revocation"] == "a revocation list that is 1m old does not name the certificate; at most 1d old"
    assert recheck(json.loads(json.dumps(verdict.record()))).differences == ()


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (lambda: listed(pki().leaf), "crl.revoked"),
        (lambda: listed(issuer=pki().root), "crl.missing"),
        (lambda: listed(this_update=NOW - DAY - 1), "crl.stale"),
    ],
)
def test_lists_that_refuse(tmp_path: Path, made: Any, code: str) -> None:
    verdict = engine(tmp_path, revocation=CRL, files={"list.crl": made()}).evaluate(signed())
    assert codes(verdict) == {code}
    assured = {each.name for each in verdict.assurances if each.assured}
    assert "revocation" not in assured
    assert ("issuer-authentication" in assured) is (code != "crl.revoked")
    assert verdict.public().status == (401 if code == "crl.revoked" else 503)
    assert recheck(json.loads(json.dumps(verdict.record()))).differences == ()


def test_the_list_of_every_certificate_of_the_path(tmp_path: Path) -> None:
    both = listed() + listed(issuer=pki().root)
    chain = CRL.replace("  cover leaf", "")
    assert outcome(engine(tmp_path, revocation=chain, files={"list.crl": both}), signed()) == set()
    one = engine(tmp_path, revocation=chain, files={"list.crl": listed()})
    assert outcome(one, signed()) == {"crl.missing"}


def test_a_new_list_counts_from_the_reload_on_and_an_older_one_never(tmp_path: Path) -> None:
    judge = engine(tmp_path, revocation=CRL, files={"list.crl": listed(number=7)})
    assert outcome(judge, signed()) == set()
    (tmp_path / "list.crl").write_bytes(listed(pki().leaf, number=8))
    judge.reload()
    assert outcome(judge, signed()) == {"crl.revoked"}
    (tmp_path / "list.crl").write_bytes(listed(number=7))
    with pytest.raises(PolicyError) as refused:
        judge.reload()
    assert [diagnostic.code for diagnostic in refused.value.diagnostics if diagnostic.stops_loading] == ["PJ459"]
    assert outcome(judge, signed()) == {"crl.revoked"}
    (tmp_path / "list.crl").unlink()
    with pytest.raises(PolicyError):
        judge.reload()
    assert outcome(judge, signed()) == {"crl.revoked"}


@pytest.mark.parametrize(("room", "loads"), [(1, True), (0, True), (-1, False)])
def test_one_limit_for_the_size_of_a_snapshot(
    tmp_path: Path,
    room: int,
    loads: bool,  # noqa: FBT001 - of pytest
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As it is checked, so it is loaded."""
    data, limits, read = listed(), list[tuple[str, int | None]](), Files.read

    def noted(files: Files, root: str, path: str, **limit: int) -> bytes:
        limits.append((path, limit.get("limit")))
        return read(files, root, path, **limit)

    monkeypatch.setattr(crl_snapshot, "MAX_SNAPSHOT_BYTES", len(data) + room)
    monkeypatch.setattr(Files, "read", noted)
    if loads:
        assert outcome(engine(tmp_path, revocation=CRL, files={"list.crl": data}), signed()) == set()
        assert ("list.crl", len(data) + room) in limits
    else:
        with pytest.raises(PolicyError) as refused:
            engine(tmp_path, revocation=CRL, files={"list.crl": data})
        assert {fault.code for fault in refused.value.diagnostics if fault.stops_loading} == {"PJ400"}


def test_a_million_of_the_largest_entries_fit_into_a_snapshot() -> None:
    """By the size of one: with the longest serial number (RFC 5280, section 4.1.2.2) and a reason."""
    serials = [2**158 + number for number in range(1000)]
    reason = x509.CRLReason(x509.ReasonFlags.key_compromise)
    entries = [entry(serial, (reason, False)) for serial in serials]
    made = [revocation_list(pki().intermediate, some).public_bytes(Encoding.PEM) for some in (entries, entries[:1])]
    each = (len(made[0]) - len(made[1])) / (len(entries) - 1)
    assert 71 < each < 73
    assert each * crl_snapshot.MAX_ENTRIES < crl_snapshot.MAX_SNAPSHOT_BYTES


# ------------------------------------------------------------------------------------------------ status

URI = "https://status.example/1"
STATUS = f'status {{ list from caller  keys jwks file "status.jwks"  uri "{URI}"  age at most 10m }}'
LISTER = Issuer(kid="lists")
ONE = Issuer()


def status_list(*values: int, **changed: Any) -> str:
    """A list with these values, 8 bits each."""
    claims_: dict[str, Any] = {"iss": ..., "sub": URI} | changed
    return issuer.status_list(LISTER, values, bits=8, **claims_)


def with_status(root: Path, **changes: Any) -> Engine:
    (root / "status.jwks").write_text(json.dumps({"keys": [LISTER.jwk()]}))
    given = {
        "replay": 'replay { reusable because "a test" }',
        "rest": f"{STATUS}\n  assures status\n  provides sub is string",
    }
    return Engine.from_text(
        policy(**(given | changes)), root=root, keys={f"url:{URL}": ONE.keys()}, clock=lambda: float(NOW)
    )


def named(index: object = 1, uri: str = URI) -> str:
    return ONE.token(claims(status={"status_list": {"idx": index, "uri": uri}}))


def test_a_token_that_is_valid_in_its_list(tmp_path: Path) -> None:
    judge = with_status(tmp_path)
    verdict = judge.evaluate(named(), Context(status_lists=(status_list(1, 0, 2, 9),)))
    assert verdict, str(verdict)
    given = {each.name: each.by for each in verdict.assurances if each.assured}
    assert given["status"] == "the status list says that the token is valid; a list at most 10m old"
    assert "revocation" not in given
    assert verdict.good_until == NOW + 60
    assert recheck(json.loads(json.dumps(verdict.record()))).differences == ()
    soon = judge.evaluate(named(), Context(status_lists=(status_list(1, 0, iat=NOW - 590),)))
    assert soon.good_until == NOW + 10


@pytest.mark.parametrize(
    ("presented", "lists", "code"),
    [
        (lambda: named(0), lambda: (status_list(1),), "status.revoked"),
        (lambda: named(0), lambda: (status_list(2),), "status.suspended"),
        (lambda: named(0), lambda: (status_list(9),), "status.unknown"),
        (lambda: named(7), lambda: (status_list(0),), "status.index_out_of_range"),
        (lambda: named(0), lambda: (status_list(0, iat=NOW - 601),), "status.stale"),
        (lambda: named(0), lambda: (status_list(0, sub="https://status.example/2"),), "status.wrong_list"),
        (lambda: named(0), tuple, "status.list_missing"),
        (lambda: named("0"), lambda: (status_list(0),), "status.bad_reference"),
        (lambda: ONE.token(claims()), lambda: (status_list(0),), "status.missing"),
        (lambda: named(0), lambda: (ONE.token({"sub": URI}),), "status.list_invalid"),
        (lambda: named(0), lambda: (status_list(0, iss="https://other.example"),), "status.list_invalid"),
    ],
)
def test_lists_and_tokens_that_do_not_fit(tmp_path: Path, presented: Any, lists: Any, code: str) -> None:
    verdict = with_status(tmp_path).evaluate(presented(), Context(status_lists=lists()))
    assert codes(verdict) == {code}
    (finding,) = verdict.failing
    assert finding.requirement == STATUS.replace("  ", " ")
    assert "status" not in {each.name for each in verdict.assurances if each.assured}


def test_keys_of_a_list_that_were_handed_in_grow_old(tmp_path: Path) -> None:
    now = float(NOW)
    address = "https://status.example/jwks"
    text = STATUS.replace('jwks file "status.jwks"', f'jwks url "{address}" {{ stale at most 5m }}')
    judge = Engine.from_text(
        policy(replay='replay { reusable because "a test" }', rest=f"{text}\n  provides sub is string"),
        keys={f"url:{URL}": ONE.keys(), f"url:{address}": LISTER.keys()},
        clock=lambda: now,
    )
    given = Context(status_lists=(status_list(0),))
    verdict = judge.evaluate(named(0), given)
    assert verdict, str(verdict)
    now = NOW + 301.0
    late = judge.evaluate(ONE.token(claims(exp=NOW + 900, status={"status_list": {"idx": 0, "uri": URI}})), given)
    assert codes(late) == {"key.set_stale"}
    assert late.public().status == 503


def test_keys_of_a_list_that_can_not_be_had_keep_the_policy_from_loading(tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        with_status(tmp_path, rest=f"{STATUS.replace('status.jwks', 'none.jwks')}\n  provides sub is string")
    secret = KeySet.from_secret(bytes(range(64)))
    address = "https://status.example/jwks"
    text = STATUS.replace('jwks file "status.jwks"', f'jwks url "{address}"')
    with pytest.raises(PolicyError) as refused:
        Engine.from_text(
            policy(replay='replay { reusable because "a test" }', rest=f"{text}\n  provides sub is string"),
            keys={f"url:{URL}": ONE.keys(), f"url:{address}": secret},
            clock=lambda: float(NOW),
        )
    (fault,) = [each for each in refused.value.diagnostics if each.stops_loading]
    assert (fault.code, "a shared secret as the key of a status list" in fault.message) == ("PJ450", True)
