"""Records: what a verdict was made of, judged again offline, with the same result."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import ocsp
from hypothesis import given, settings
from hypothesis import strategies as st

from policyjwt import Context, Engine, Inspection, PolicyError, Recheck, Verdict, recheck
from policyjwt.replay import InspectOnly, MemoryReplayStore
from policyjwt.tokens import KeySet, verify
from tests.evidence.flow import CALLER, HEADER, JADES, engine, flattened, good, jades, signed, stapled
from tests.issuer import NOW, URL, Issuer, claims, policy
from tests.pki import pki, staple
from tests.shared import ROOT

ONE = Issuer()
SCHEMA = ROOT / "policyjwt" / "schemas" / "record.schema.json"


def again(record: dict[str, Any], **more: Any) -> Recheck:
    """Judged again from JSON text: years may lie in between."""
    return recheck(json.loads(json.dumps(record)), **more)


def by_key_set(**changes: Any) -> Engine:
    given: dict[str, Any] = {"keys": {f"url:{URL}": ONE.keys()}, "replay": MemoryReplayStore(10, single_process=True)}
    text = changes.pop("text", policy())
    return Engine.from_text(text, clock=lambda: float(NOW), **(given | changes))


STAPLED: list[Any] = [
    pytest.param(HEADER, lambda: stapled(good()), {}, id="header"),
    pytest.param(CALLER, signed, {"staples": [good()]}, id="caller"),
    pytest.param(JADES, lambda: flattened(signed(), header=jades(good())), {}, id="jades"),
    pytest.param(
        "revocation { staple ocsp from caller  age at most 1h }",
        signed,
        {"staples": [good(), staple(pki().intermediate)]},
        id="chain",
    ),
    pytest.param(HEADER, lambda: stapled(good(status=ocsp.OCSPCertStatus.REVOKED)), {}, id="revoked"),
    pytest.param(HEADER, lambda: stapled(good(this_update=NOW - 9999)), {}, id="stale"),
    pytest.param(HEADER, signed, {}, id="missing"),
    pytest.param(HEADER, lambda: stapled(good(), x5c=[pki().leaf.x5c]), {}, id="no path"),
    pytest.param(HEADER, lambda: stapled(good(), given=claims(aud="other", exp=NOW - 1)), {}, id="other faults"),
]


@pytest.mark.parametrize(("revocation", "presented", "context"), STAPLED)
def test_a_signer_with_a_certificate(
    tmp_path: Path, revocation: str, presented: Callable[[], str], context: dict[str, Any]
) -> None:
    promise = "assures integrity, issuer-authentication, non-repudiation, revocation\n  provides sub is string"
    judge = engine(tmp_path, revocation=revocation, replay="replay { nonce jti }", rest=promise)
    verdict = judge.evaluate(presented(), Context(**context))
    record = verdict.record()
    (tmp_path / "ca.pem").unlink()  # the record holds all that it needs
    found = again(record)
    assert (found.same, found.differences) == (True, ())
    assert found.inspection.would_trust is verdict.trusted


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        (policy(), {}),
        (policy(), {"exp": NOW - 1}),
        (policy(), {"aud": "x"}),
        (policy(replay='replay { reusable because "a test" }'), {}),
        (policy(rest='provides sub is string\n  require context.method == "GET"'), {}),
        (policy(rest='provides sub is string\n  require context.values.region in ["eu"]'), {}),
        (policy(rest="provides sub is string\n  confidential sub"), {}),
    ],
)
def test_a_signer_with_a_key_set(text: str, changed: dict[str, Any]) -> None:
    if "confidential" in text:
        text = policy(rest="provides sub is string\n  by name only")
    judge = by_key_set(text=text)
    request = Context(
        method="GET",
        path="/a",
        uri="https://api/a",
        scheme="Bearer",
        headers=[("X-A", "1"), ("x-a", "2")],
        dpop=("p",),
        client_certificate=b"\x00",
        from_trusted_proxy=True,
        nonce="n",
        values={"region": "eu", "n": 1, "list": ["a"]},
    )
    name = "p" if "by name only" in text else None
    verdict = judge.evaluate(ONE.token(claims(**changed)), request, policy=name)
    assert again(verdict.record()).differences == ()


def test_files_imports_and_lets_are_in_the_record(tmp_path: Path) -> None:
    (tmp_path / "policyjwt.toml").touch()
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "subjects.json").write_text('["s"]')
    (tmp_path / "schema.json").write_text('{"type": "object", "required": ["sub"]}')
    (tmp_path / "keys.jwks").write_text(json.dumps({"keys": [ONE.jwk()]}))
    (tmp_path / "unrelated.policy").write_text(policy(name="unrelated", issuer='issuer "https://other.example"'))
    (tmp_path / "common.policy").write_text(
        'policyjwt 1\n\nbaseline "org" {\n  about "all"\n  freshness { lifetime at most 2h  skew at most 0s }\n}\n'
    )
    text = policy(
        keys='keys jwks file "keys.jwks"',
        revocation='revocation { by redeployment because "a file" }',
        rest='provides sub is string\n  schema "schema.json"\n  require sub in subjects as one-of-ours',
    )
    text = text.replace('policy "p"', 'policy "p" extends "org"')
    head = 'policyjwt 1\n\nimport "common.policy"\n\nlet subjects from "lists/subjects.json"\n'
    (tmp_path / "p.policy").write_text(text.replace("policyjwt 1\n", head))
    store = MemoryReplayStore(10, single_process=True)
    judge = Engine.load(tmp_path, policies=["p"], clock=lambda: float(NOW), replay=store)
    verdict = judge.evaluate(ONE.token(claims()))
    assert verdict, str(verdict)
    record = verdict.record()
    assert (record["policy"]["name"], record["policy"]["text"]) == ("p.policy", None)
    assert sorted(record["policy"]["files"]) == [
        "common.policy",
        "keys.jwks",
        "lists/subjects.json",
        "p.policy",
        "schema.json",
    ]
    assert again(record).differences == ()
    other = judge.evaluate(ONE.token(claims(sub="x")))
    assert again(other.record()).differences == ()
    replayed = ONE.token(claims(jti="once"))
    assert judge.evaluate(replayed)
    second = judge.evaluate(replayed)
    assert {finding.code for finding in second.failing} == {"replay.seen"}
    assert again(second.record()).differences == ()


def test_a_secret_is_not_in_the_record_and_is_handed_in_again(monkeypatch: pytest.MonkeyPatch) -> None:
    hmac = Issuer("HS256", kid=None)
    monkeypatch.setenv("RECORD_SECRET", hmac.private.hex())
    text = policy(
        algorithms="HS256",
        keys='secret env "RECORD_SECRET" as hex',
        revocation='revocation { by redeployment because "a secret" }',
    )
    judge = by_key_set(text=text, keys=None)
    verdict = judge.evaluate(hmac.token(claims()))
    assert verdict, str(verdict)
    record = verdict.record()
    told = json.dumps(record)
    for form in (hmac.private.hex(), base64.b64encode(hmac.private).decode(), repr(hmac.private)):
        assert form not in told
    monkeypatch.delenv("RECORD_SECRET")
    with pytest.raises(ValueError, match="no record holds secrets: hand in env:RECORD_SECRET"):
        again(record)
    with pytest.raises(ValueError, match="no policy refers to env:OTHER"):
        again(record, keys={"env:RECORD_SECRET": hmac.private, "env:OTHER": hmac.private})
    assert again(record, keys={"env:RECORD_SECRET": hmac.private}).differences == ()
    assert again(record, keys={"env:RECORD_SECRET": bytes(range(64))}).differences


def test_old_keys_are_as_old_again() -> None:
    now = float(NOW)
    judge = Engine.from_text(
        policy(
            keys=f'keys jwks url "{URL}" {{ stale at most 1h }}', revocation="revocation { by key removal within 1h }"
        ),
        keys={f"url:{URL}": ONE.keys()},
        replay=MemoryReplayStore(10, single_process=True),
        clock=lambda: now,
    )
    now = NOW + 3601.0
    verdict = judge.evaluate(ONE.token(claims(iat=NOW + 3500, nbf=NOW + 3500, exp=NOW + 3700)))
    assert {finding.code for finding in verdict.failing} == {"key.set_stale"}
    assert again(verdict.record()).differences == ()


@pytest.mark.parametrize("store", [None, InspectOnly(), "memory", "down"])
def test_whatever_the_store_answered(store: Any) -> None:
    class Down(MemoryReplayStore):
        def consume(self, key: bytes, ttl: int, note: bytes) -> bool:
            raise OSError

    given = {"memory": MemoryReplayStore(10, single_process=True), "down": Down(10, single_process=True)}.get(
        store, store
    )
    replay = 'replay { reusable because "a test" }' if store is None else "replay { nonce jti }"
    verdict = by_key_set(text=policy(replay=replay), replay=given).evaluate(ONE.token(claims()))
    assert again(verdict.record()).differences == ()


# ------------------------------------------------------------------------------------------------ what a record is


def recorded() -> dict[str, Any]:
    return json.loads(json.dumps(by_key_set().evaluate(ONE.token(claims())).record()))  # type: ignore[no-any-return]


def test_a_record_says_what_it_holds_and_follows_its_schema() -> None:
    import jsonschema

    record = recorded()
    assert "personal data" in record["notice"]
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    validator.validate(record)
    assert validator.is_valid(by_key_set().evaluate("x").record())
    for name in record:
        assert not validator.is_valid({member: value for member, value in record.items() if member != name})
    asynchronous = asyncio.run(_awaited(by_key_set()))
    validator.validate(asynchronous.record())
    assert again(asynchronous.record()).same


async def _awaited(judge: Engine) -> Verdict:
    return await judge.evaluate_async(ONE.token(claims()))


def test_a_recheck_is_no_trust() -> None:
    found = again(recorded())
    assert isinstance(found.inspection, Inspection)
    assert found.inspection.would_trust
    with pytest.raises(TypeError, match="same"):
        bool(found)
    assert repr(found) == "<Recheck the same>"


@pytest.mark.parametrize(
    ("change", "differences"),
    [
        (lambda r: r["verdict"].update(trusted=False), {"the decision"}),
        (lambda r: r.update(token=r["token"][:-4] + "AAAA"), None),
        (lambda r: r["verdict"]["findings"].pop(), None),
        (lambda r: r["verdict"]["findings"][0].update(actual="x"), {"finding 1 (`issuer.met`)"}),
        (lambda r: r.update(evaluated_at=r["evaluated_at"] + 3600), None),
        (lambda r: r.update(nonce={"result": "seen", "said": "before", "durability": None}), None),
        (lambda r: r["context"].update(method="POST"), set()),
        (lambda r: r.update(key_of_two_issuers=True), {"`assurances`"}),
    ],
)
def test_what_was_changed_is_noticed(change: Callable[[dict[str, Any]], object], differences: set[str] | None) -> None:
    record = recorded()
    change(record)
    found = recheck(record)
    if differences is None:
        assert found.differences
        assert not found.same
        assert repr(found) == f"<Recheck {len(found.differences)} differences>"
    else:
        assert set(found.differences) == differences


def test_a_refusal_that_says_it_would_trust_is_noticed() -> None:
    record = by_key_set().evaluate(ONE.token(claims(exp=NOW - 999))).record()
    assert again(record).same
    record["verdict"]["would_trust"] = True
    assert again(record).differences == ("`would_trust`",)


def test_a_key_that_came_with_the_record_has_signed_its_token() -> None:
    """What another library verified is judged by the key that it used: with other claims the record is none."""
    token = ONE.token(claims())
    record = by_key_set().validate(verify(token, ONE.keys(), ["ES256"])).record()
    assert again(record).same
    other = ONE.token(claims(sub="somebody else")).split(".")
    record["token"] = ".".join([*other[:2], token.split(".")[2]])
    with pytest.raises(ValueError, match="signature"):
        recheck(record)
    record["token"] = token
    record["verified_key"]["algorithms"] = []
    with pytest.raises(ValueError, match="signature"):
        recheck(record)


def with_other_text(record: dict[str, Any]) -> None:
    text = base64.b64decode(record["policy"]["text"]).decode().replace('audience "api"', 'audience "web"')
    record["policy"]["text"] = encoded(text)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def with_file(**files: str) -> Callable[[dict[str, Any]], object]:
    """The policy as a file of the record, beside these."""

    def change(record: dict[str, Any]) -> None:
        record["policy"].update(name="p.policy", text=None, files={"p.policy": record["policy"]["text"], **files})

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.pop("token"),
        lambda r: r.update(token=1),
        lambda r: r.update(record_version="2"),
        lambda r: r.update(policy=None),
        lambda r: r["policy"].update(files={"../x.policy": "AA=="}),
        lambda r: r["policy"].update(files={"/etc/x": "AA=="}),
        lambda r: r["policy"].update(files={"a/../../x": "AA=="}),
        lambda r: r["policy"].update(files={"a\\b": "AA=="}),
        lambda r: r["policy"].update(files={"": "AA=="}),
        lambda r: r["policy"].update(files={"a": "AA==", "a/b": "AA=="}),
        lambda r: r["policy"].update(files={"a" * 300: "AA=="}),
        lambda r: r["policy"].update(files={"a": 1}),
        lambda r: r["policy"].update(text="!"),
        lambda r: r["policy"].update(text="/w=="),
        lambda r: r["policy"].update(text=None),
        lambda r: r["policy"].update(text=None, name="/etc/hostname"),
        lambda r: r["policy"].update(text=None, name=".."),
        lambda r: r["policy"].update(text=None, name=".", files={".": "AA=="}),
        lambda r: with_file()(r) or r["policy"].update(name="../p.policy"),
        lambda r: with_file()(r) or r["policy"].update(name="q.policy"),
        lambda r: r.update(verdict=[]),
        lambda r: r["verdict"].update(findings=[1]),
        lambda r: r["verdict"].update(findings=None),
        lambda r: r["verdict"]["findings"][0].update(location=5),
        lambda r: r.update(keys=[1]),
        lambda r: r.update(keys=[{}]),
        lambda r: r["keys"][0].update(algorithms=[[]]),
        lambda r: r.update(keys=[r["keys"][0], r["keys"][0]]),
        lambda r: r.update(evaluated_at=10**400),
        lambda r: r.update(evaluated_at=float("nan")),
        lambda r: r.update(keys_loaded_at=float("nan")),
        lambda r: r.update(keys_loaded_at=float("inf")),
        lambda r: r.update(keys_loaded_at=None),
        lambda r: r.update(evaluated_at=-1),
        lambda r: r.update(evaluated_at=253_402_300_800),
        lambda r: r.update(keys_loaded_at=253_402_300_800),
        lambda r: r["policy"].update(files={f"f{number}": "AA==" for number in range(1001)}),
        lambda r: r["policy"].update(files={"/".join("a" * 40): "AA=="}),
        lambda r: r["policy"].update(files={"/".join(["a" * 200] * 6): "AA=="}),
        lambda r: r["context"].update(values={"a": {}}),
        lambda r: r["context"].update(client_certificate="!"),
        lambda r: r["verdict"].update(policy="other"),
        lambda r: r["context"].pop("staples"),
        lambda r: r["context"].update(staples=["!"]),
        lambda r: r["keys"][0].update(jwk={"kty": "EC"}),
        lambda r: r.update(nonce={"result": "trusted", "said": None, "durability": None}),
        lambda r: r["nonce"].update(durability="two\nassured   revocation  yes"),
        lambda r: r["nonce"].update(durability="x" * 501),
        lambda r: r.update(store={"reach": "moon", "word": None}),
        lambda r: r.update(evaluated_at="now"),
        with_other_text,
    ],
)
def test_what_is_no_record_is_told(change: Callable[[dict[str, Any]], object]) -> None:
    record = recorded()
    change(record)
    with pytest.raises(ValueError, match=r"record|token|policy|key|request") as told:
        recheck(record)
    assert "eyJ" not in str(told.value)


def test_only_a_mapping_is_a_record() -> None:
    with pytest.raises(TypeError):
        recheck("x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nothing to judge again"):
        recheck(by_key_set().evaluate("x").record())


def test_judging_again_opens_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    record = recorded()
    monkeypatch.setattr(socket, "socket", forbidden)
    assert recheck(record).same


def test_the_public_view_and_the_log_do_not_hold_the_record() -> None:
    verdict = by_key_set().evaluate(ONE.token(claims(aud="geheim")))
    assert "geheim" in json.dumps(verdict.record())
    assert "geheim" not in str(verdict) + repr(verdict) + json.dumps(verdict.to_dict())


def test_keys_are_recorded_with_their_algorithms() -> None:
    rsa = Issuer("PS256")
    keys = {f"url:{URL}": KeySet.from_jwks({"keys": [{**rsa.jwk(), "alg": "PS256"}, ONE.jwk() | {"kid": "other"}]})}
    judge = by_key_set(text=policy(algorithms="PS256, ES256"), keys=keys)
    record = judge.evaluate(rsa.token(claims())).record()
    assert [key["algorithms"] for key in record["keys"]] == [["PS256"], ["ES256"]]
    assert again(record).differences == ()


# ------------------------------------------------------------------------------------------------ self-contained


def test_a_record_reads_nothing_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither files nor the environment: whoever writes a record must not learn what stands there."""
    (tmp_path / "p.policy").write_text(policy())
    for name in (str(tmp_path / "p.policy"), "../" * 20 + str(tmp_path / "p.policy"), "."):
        record = recorded()
        record["policy"].update(name=name, text=None, files={})
        with pytest.raises(ValueError, match="not among its files"):
            recheck(record)
    monkeypatch.setenv("VICTIM", "correct horse battery staple, thirty-two bytes")
    hmac = Issuer("HS256", kid=None)
    text = policy(
        algorithms="HS256",
        keys='secret env "VICTIM" as utf8',
        revocation='revocation { by redeployment because "a secret" }',
    )
    record = by_key_set(text=text, keys=None).evaluate(hmac.token(claims())).record()
    with pytest.raises(ValueError, match="hand in env:VICTIM"):
        again(record)


def test_a_file_that_is_laid_out_is_judged() -> None:
    record = recorded()
    with_file()(record)
    assert recheck(record).same


def test_keys_that_were_handed_in_for_a_file(tmp_path: Path) -> None:
    other = Issuer()
    (tmp_path / "keys.jwks").write_text(json.dumps({"keys": [other.jwk()]}))
    text = policy(keys='keys jwks file "keys.jwks"', revocation='revocation { by redeployment because "a file" }')
    keys = {"file:keys.jwks": ONE.keys()}
    store = MemoryReplayStore(10, single_process=True)
    judge = Engine.from_text(text, root=tmp_path, keys=keys, clock=lambda: float(NOW), replay=store)
    verdict = judge.evaluate(ONE.token(claims()))
    assert verdict
    assert again(verdict.record()).differences == ()


def test_keys_of_a_status_list_that_were_handed_in() -> None:
    from tests.evidence.test_engine_lists import LISTER, STATUS, named, status_list
    from tests.evidence.test_engine_lists import ONE as SIGNER

    address = "https://status.example/jwks"
    status = STATUS.replace('jwks file "status.jwks"', f'jwks url "{address}"')
    judge = Engine.from_text(
        policy(replay='replay { reusable because "a test" }', rest=f"{status}\n  provides sub is string"),
        keys={f"url:{URL}": SIGNER.keys(), f"url:{address}": LISTER.keys()},
        clock=lambda: float(NOW),
    )
    for lists in ((status_list(0),), ()):
        verdict = judge.evaluate(named(0), Context(status_lists=lists))
        assert verdict.trusted is bool(lists)
        assert again(verdict.record()).differences == ()


def test_imports_however_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "policyjwt.toml").touch()
    (tmp_path / "common.policy").write_text('policyjwt 1\n\nlet subjects = ["s"]\n')
    head = 'policyjwt 1\n\nimport "./common.policy"\n'
    text = policy(rest="provides sub is string\n  require sub in subjects as ours").replace("policyjwt 1\n", head)
    (tmp_path / "p.policy").write_text(text)
    store = MemoryReplayStore(10, single_process=True)
    keys = {f"url:{URL}": ONE.keys()}
    judge = Engine.load(tmp_path / "p.policy", keys=keys, clock=lambda: float(NOW), replay=store)
    verdict = judge.evaluate(ONE.token(claims()))
    assert verdict
    assert again(verdict.record()).differences == ()


@pytest.mark.parametrize("name", ["/etc/app/inline.policy", "C:/x.policy", "a\\b", "../x", "", "p"])
def test_a_text_may_have_any_name(name: str) -> None:
    store = MemoryReplayStore(10, single_process=True)
    keys = {f"url:{URL}": ONE.keys()}
    judge = Engine.from_text(policy(), name, keys=keys, clock=lambda: float(NOW), replay=store)
    assert again(judge.evaluate(ONE.token(claims())).record()).differences == ()


def test_what_another_library_verified() -> None:
    stranger = Issuer()
    judge = by_key_set()
    for issuer in (ONE, stranger):
        verified = verify(issuer.token(claims()), issuer.keys(), ["ES256"])
        verdict = judge.validate(verified)
        assert verdict.trusted is (issuer is ONE)
        assert again(verdict.record()).differences == ()


def test_the_files_of_the_load_are_in_the_record_whatever_stands_there_now(tmp_path: Path) -> None:
    from tests.evidence.test_engine_lists import CRL, listed

    judge = engine(tmp_path, revocation=CRL, files={"list.crl": listed()})
    (tmp_path / "list.crl").write_bytes(listed(pki().leaf, number=2))
    (tmp_path / "ca.pem").unlink()
    verdict = judge.evaluate(signed())
    assert verdict
    assert again(verdict.record()).differences == ()


def test_headers_that_no_rule_reads_are_not_kept() -> None:
    rule = 'provides sub is string\n  require context.headers.`x-region` contains "eu" as region'
    request = Context(
        headers=[("Cookie", "geheim"), ("Authorization", "geheim"), ("X-Region", "eu"), ("x-region", "us")]
    )
    verdict = by_key_set(text=policy(rest=rule)).evaluate(ONE.token(claims()), request)
    record = verdict.record()
    assert record["context"]["headers"] == [["x-region", "eu"], ["x-region", "us"]]
    assert "geheim" not in json.dumps(record)
    assert again(record).differences == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


@settings(max_examples=100)
@given(data=st.data(), value=JSON)
def test_whatever_a_record_holds_only_documented_exceptions_come_out(data: st.DataObject, value: Any) -> None:
    record = json.loads(RECORDED)
    place: Any = record
    while True:
        name = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        inner = place[name]
        if not isinstance(inner, (dict, list)) or not inner or data.draw(st.booleans()):
            place[name] = value
            break
        place = inner
    with suppress(ValueError, PolicyError):
        assert isinstance(recheck(record), Recheck)


RECORDED = json.dumps(recorded())
