"""Certificates and evidence through the whole engine: what is trusted, what is told, how long it holds."""

from __future__ import annotations

import base64
import hashlib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from policyjwt import Context, Engine, PolicyError
from policyjwt import codes as codes_table
from policyjwt.replay import InspectOnly
from policyjwt.tokens import KeySet, verify
from tests.evidence.flow import (
    CALLER,
    HEADER,
    JADES,
    NONE,
    X5C,
    codes,
    engine,
    flattened,
    good,
    in_header,
    jades,
    jades_encoded,
    outcome,
    signed,
    stapled,
)
from tests.issuer import NOW, URL, Issuer, claims, policy
from tests.pki import DAY, Party, authority, leaf, name, party, pki, responder, staple, token, usage

REVOKED = ocsp.OCSPCertStatus.REVOKED
UNKNOWN = ocsp.OCSPCertStatus.UNKNOWN


def named(parameter: str, answer: bytes) -> str:
    """A token whose staple stands in a header parameter of this name."""
    header: dict[str, Any] = {parameter: [in_header(answer)]}
    return signed(**header)


# ------------------------------------------------------------------------------------------------ trusted


def test_a_signer_with_its_staple_is_trusted_and_the_verdict_says_by_what(tmp_path: Path) -> None:
    judge = engine(
        tmp_path, rest="assures integrity, issuer-authentication, non-repudiation, revocation\n  provides sub is string"
    )
    verdict = judge.evaluate(stapled(good()))
    assert verdict, str(verdict)
    given = {each.name: each.by for each in verdict.assurances if each.assured}
    assert given["revocation"] == "a stapled OCSP response says good, 10m old; at most 1h old"
    assert given["integrity"] is not None
    assert given["integrity"].startswith("ES256, key of the leaf, sha256 ")
    assert "non-repudiation" in given
    assert verdict.key is not None
    assert (verdict.key.kid, verdict.key.reference) == (None, "x5c")
    told = {finding.code for finding in verdict.findings}
    assert {"x5c.met", "signature.met", "staple.met", "assurance.met"} <= told


@pytest.mark.parametrize(
    ("revocation", "presented", "context"),
    [
        (HEADER, lambda: stapled(good()), {}),
        (HEADER, lambda: stapled(good(), crit=["x5ocsp"]), {}),
        (HEADER, lambda: stapled(good()), {"staples": [b"what nobody looks at"]}),
        ('revocation { staple ocsp from header "https://issuer.example/ocsp"  age at most 1h  cover leaf }',
         lambda: named("https://issuer.example/ocsp", good()), {}),
        (CALLER, signed, {"staples": [good()]}),
        (JADES, lambda: flattened(signed(), header=jades(good())), {}),
        (JADES, lambda: flattened(signed(), header=jades_encoded(good())), {}),
        ("revocation { staple ocsp from caller  age at most 1h  cover chain }", signed,
         {"staples": [good(), staple(pki().intermediate)]}),
        (NONE, signed, {}),
    ],
    ids=["header", "critical", "beside another", "named", "caller", "jades", "jades, encoded", "chain", "waived"],
)  # fmt: skip
def test_every_carriage(tmp_path: Path, revocation: str, presented: Any, context: dict[str, Any]) -> None:
    assert outcome(engine(tmp_path, revocation=revocation), presented(), **context) == set()


def test_rules_read_the_certificate(tmp_path: Path) -> None:
    uri = "require certificate.san.uri contains claim.iss"
    rule = f'provides sub is string\n  {uri}\n  require certificate.subject.cn == "{{}}"'
    assert outcome(engine(tmp_path, rest=rule.format("idp")), stapled(good())) == set()
    assert outcome(engine(tmp_path, rest=rule.format("x")), stapled(good())) == {"claim.certificate-subject-cn"}


# ------------------------------------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("revocation", "presented", "context", "code"),
    [
        (HEADER, signed, {}, "staple.missing"),
        (HEADER, lambda: flattened(signed(), header=jades(good())), {}, "token.form"),
        (CALLER, signed, {}, "staple.missing"),
        (CALLER, lambda: stapled(good()), {"staples": [good()]}, "staple.ambiguous"),
        (CALLER, lambda: stapled(good()), {}, "staple.missing"),
        (JADES, signed, {}, "staple.missing"),
        (JADES, lambda: flattened(signed()), {}, "staple.missing"),
        (JADES, lambda: flattened(stapled(good()), header=jades(good())), {}, "staple.ambiguous"),
        (JADES, lambda: flattened(signed(), header=jades(good(), kid="x")), {}, "header.unprotected"),
        (JADES, lambda: flattened(signed(), header={"x5c": pki().x5c}), {}, "header.unprotected"),
        (JADES, lambda: flattened(signed(etsiU=[]), header=jades(good())), {}, "header.unprotected"),
        (JADES, lambda: flattened(signed(), header=jades(good()), signatures=[]), {}, "token.form"),
        (JADES, lambda: flattened(signed(), header=[]), {}, "token.form"),
        (HEADER, lambda: stapled(good(), crit=["x5ocsp", "exp"]), {}, "header.crit"),
        (HEADER, lambda: signed(crit=["x5ocsp"]), {}, "header.crit"),
        (CALLER, lambda: stapled(good(), crit=["x5ocsp"]), {"staples": [good()]}, "header.crit"),
        (HEADER, lambda: stapled(good(status=REVOKED)), {}, "staple.revoked"),
        (HEADER, lambda: stapled(good(status=UNKNOWN)), {}, "staple.unknown"),
        (HEADER, lambda: stapled(good(), good(status=REVOKED)), {}, "staple.revoked"),
        (HEADER, lambda: stapled(good(status=REVOKED), good()), {}, "staple.revoked"),
        (HEADER, lambda: stapled(good(this_update=NOW - 3601)), {}, "staple.stale"),
        (HEADER, lambda: stapled(staple(pki().leaf, signer=pki().leaf)), {}, "staple.responder_not_delegated"),
        ("revocation { staple ocsp from caller  age at most 1h }", signed, {"staples": [good()]}, "staple.coverage"),
        ("revocation { staple ocsp from caller  age at most 1h  cover leaf  issued after token }", signed,
         {"staples": [good()]}, "staple.before_token"),
        (HEADER, lambda: stapled(good(), x5c=[pki().leaf.x5c]), {}, "x5c.path_invalid"),
        (HEADER, lambda: stapled(good(), x5c=...), {}, "x5c.missing"),
    ],
)  # fmt: skip
def test_refused(tmp_path: Path, revocation: str, presented: Any, context: dict[str, Any], code: str) -> None:
    assert outcome(engine(tmp_path, revocation=revocation), presented(), **context) == {code}


def test_after_the_path_failed_nothing_else_is_judged(tmp_path: Path) -> None:
    verdict = engine(tmp_path).evaluate(stapled(good(), x5c=[pki().leaf.x5c], given=claims(aud="other")))
    reached = {finding.code for finding in verdict.findings if finding.outcome != "not_reached"}
    assert reached == {"header.met", "x5c.path_invalid"}
    assert {each.name for each in verdict.assurances if each.assured} == set()


def test_evidence_is_judged_with_the_claims_and_each_fault_is_told(tmp_path: Path) -> None:
    verdict = engine(tmp_path).evaluate(signed(given=claims(aud="other", exp=NOW - 1)))
    assert codes(verdict) == {"staple.missing", "audience.mismatch", "freshness.expired"}
    revoked = engine(tmp_path).evaluate(stapled(good(status=REVOKED)))
    lost = {each.name: each.why_not for each in revoked.assurances if not each.assured}
    for taken in ("revocation", "non-repudiation", "issuer-authentication"):
        assert lost[taken] == "a certificate of the path is revoked"


def test_evidence_of_a_signature_that_does_not_fit_is_not_looked_at(tmp_path: Path) -> None:
    head, body, _ = stapled(b"no staple at all").split(".")
    other = token(claims(), by=pki().responder, x5c=pki().x5c)
    assert outcome(engine(tmp_path), f"{head}.{body}.{other.split('.')[2]}") == {"signature.invalid"}


def test_x08_the_key_is_that_of_the_first_certificate(tmp_path: Path) -> None:
    stranger = leaf("stranger", pki().intermediate)
    assert outcome(engine(tmp_path), signed(stranger, x5ocsp=[in_header(good())])) == {"signature.invalid"}


def test_x09_any_other_leaf_of_the_authority_speaks_for_nobody_here(tmp_path: Path) -> None:
    other = leaf("other", pki().intermediate, uris=["https://other.example"])
    given: dict[str, Any] = {"x5c": [other.x5c, pki().intermediate.x5c], "x5ocsp": [in_header(staple(other))]}
    assert outcome(engine(tmp_path), signed(other, **given)) == {"x5c.identity_mismatch"}


def test_x11_a_certificate_that_was_good_when_the_token_was_made(tmp_path: Path) -> None:
    ended = leaf("idp", pki().intermediate, ends=NOW - 1)
    given: dict[str, Any] = {"x5c": [ended.x5c, pki().intermediate.x5c], "x5ocsp": [in_header(staple(ended))]}
    old = claims(iat=NOW - 60)
    assert outcome(engine(tmp_path), signed(ended, given=old, **given)) == {"x5c.path_invalid"}


def test_x26_kid_and_x5t_beside_x5c(tmp_path: Path) -> None:
    """The key is the leaf's, whatever `kid` says; what claims to be its digest is compared."""
    right = base64.urlsafe_b64encode(hashlib.sha256(pki().leaf.der).digest()).rstrip(b"=").decode()
    wrong = base64.urlsafe_b64encode(hashlib.sha256(pki().intermediate.der).digest()).rstrip(b"=").decode()
    judge = engine(tmp_path)
    assert outcome(judge, stapled(good(), kid="another")) == set()
    assert outcome(judge, stapled(good(), **{"x5t#S256": right})) == set()
    for _ in range(2):  # what is remembered of the signer does not answer for another header
        assert outcome(judge, stapled(good(), **{"x5t#S256": wrong})) == {"x5c.conflict"}
    assert outcome(judge, stapled(good(), jwk={})) == {"header.embedded_key"}


def test_x31_a_policy_with_a_key_set_takes_no_certificate_from_a_token() -> None:
    one = Issuer()
    judge = Engine.from_text(policy(), keys={f"url:{URL}": one.keys()}, replay=InspectOnly(), clock=lambda: float(NOW))
    assert codes(judge.inspect(one.token(claims(), {"x5c": pki().x5c}))) == {"header.x5c_not_allowed"}
    assert codes(judge.inspect(signed())) == {"header.x5c_not_allowed"}


def test_x33_a_revoked_intermediate(tmp_path: Path) -> None:
    """`cover leaf` does not ask for it; told that it is revoked, nothing below it is believed, whatever is covered."""
    revoked = staple(pki().intermediate, status=REVOKED)
    chain = "revocation { staple ocsp from caller  age at most 1h }"
    assert outcome(engine(tmp_path, revocation=CALLER), signed(), staples=[good()]) == set()
    assert outcome(engine(tmp_path, revocation=CALLER), signed(), staples=[good(), revoked]) == {"staple.revoked"}
    assert outcome(engine(tmp_path, revocation=chain), signed(), staples=[good(), revoked]) == {"staple.revoked"}


def test_o39_an_older_good_answer_is_believed_no_longer_than_its_age(tmp_path: Path) -> None:
    """From the caller a fresh answer can be replaced by an older one: `age` limits what that gains."""
    judge = engine(tmp_path, revocation=CALLER)
    assert outcome(judge, signed(), staples=[good(this_update=NOW - 3600)]) == set()
    assert outcome(judge, signed(), staples=[good(this_update=NOW - 3601)]) == {"staple.stale"}


def test_validate_can_not_judge_certificates(tmp_path: Path) -> None:
    one = Issuer()
    verified = verify(one.token(claims()), one.keys(), ["ES256"])
    assert codes(engine(tmp_path).validate(verified)) == {"policy.needs_evaluate"}


def test_except_key_distrusts_a_certificate(tmp_path: Path) -> None:
    thumbprint = KeySet.from_pem(pki().leaf.pem).keys[0].thumbprint
    keys = f'{X5C}\n    except key sha256 "{thumbprint}" because "it leaked"'
    verdict = engine(tmp_path, keys=keys).evaluate(stapled(good()))
    assert codes(verdict) == {"key.distrusted"}
    (finding,) = verdict.failing
    assert finding.requirement == f'signature {{ except key sha256 "{thumbprint}" }}'
    assert finding.because == "it leaked"


# ------------------------------------------------------------------------------------------------ remembered


class Counted:
    """Counts how often a path is built and how often staples are authenticated."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        signers: Any = import_module("policyjwt.signers")
        self.paths = self.staples = 0
        find, authenticate = signers.find_path, signers.ocsp.authenticate

        def finding(*arguments: Any, **named: Any) -> Any:
            self.paths += 1
            return find(*arguments, **named)

        def authenticating(*arguments: Any, **named: Any) -> Any:
            self.staples += 1
            return authenticate(*arguments, **named)

        monkeypatch.setattr(signers, "find_path", finding)
        monkeypatch.setattr(signers.ocsp, "authenticate", authenticating)


@pytest.mark.parametrize("revocation", [HEADER, CALLER])
def test_a_signer_is_remembered_and_every_time_is_judged_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revocation: str
) -> None:
    now = float(NOW)
    judge = engine(
        tmp_path,
        revocation=revocation,
        clock=lambda: now,
        freshness="freshness { lifetime at most 365d  skew at most 0s }",
    )
    counted, answer = Counted(monkeypatch), good(next_update=NOW + 1800)

    def presented(**more: Any) -> set[str]:
        header: dict[str, Any] = {"x5ocsp": [in_header(answer)]} if revocation == HEADER else {}
        context: dict[str, Any] = {} if revocation == HEADER else {"staples": [answer]}
        return outcome(judge, signed(given=claims(exp=NOW + 300 * DAY, **more), **header), **context)

    for number in range(5):
        assert presented(jti=str(number)) == set()
    assert (counted.paths, counted.staples) == (1, 1)
    now = NOW + 1800.0
    assert presented() == set()
    now = NOW + 1801.0
    assert presented() == {"staple.expired"}
    now = NOW - 601.0
    assert presented(iat=NOW - 700, nbf=NOW - 700) == {"staple.not_yet_valid"}
    assert (counted.paths, counted.staples) == (1, 1)
    now = NOW + 30 * DAY + 1.0
    assert presented() == {"x5c.path_invalid"}


def test_o41_what_is_remembered_of_one_signer_is_no_answer_for_another(tmp_path: Path) -> None:
    """Two leaves of one name and one issuer: only the one that the answer is about is good."""
    judge = engine(tmp_path, revocation=CALLER)
    twin = leaf("idp", pki().intermediate)
    of_twin: dict[str, Any] = {"x5c": [twin.x5c, pki().intermediate.x5c]}
    answer, refused = good(), staple(twin, status=REVOKED)
    for _ in range(2):
        assert outcome(judge, signed(), staples=[answer]) == set()
        assert outcome(judge, signed(twin, **of_twin), staples=[answer]) == {"staple.wrong_certificate"}
        assert outcome(judge, signed(twin, **of_twin), staples=[refused]) == {"staple.revoked"}
        assert outcome(judge, signed(twin, **of_twin), staples=[staple(twin)]) == set()
        assert outcome(judge, signed(), staples=[refused]) == {"staple.wrong_certificate"}


def test_what_nobody_signed_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge, counted = engine(tmp_path), Counted(monkeypatch)
    head, body, signature = stapled(good()).split(".")
    forged = f"{head}.{body}.{signature[:-8]}AAAAAAAA"
    for _ in range(3):
        assert outcome(judge, forged) == {"signature.invalid"}
    assert (counted.paths, counted.staples) == (3, 0)


def test_a_reload_forgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge, counted = engine(tmp_path), Counted(monkeypatch)
    assert outcome(judge, stapled(good())) == set()
    judge.reload()
    assert outcome(judge, stapled(good())) == set()
    assert (counted.paths, counted.staples) == (2, 2)
    (tmp_path / "ca.pem").write_bytes(authority("Root").pem)
    judge.reload()
    assert outcome(judge, stapled(good())) == {"x5c.path_invalid"}


# ------------------------------------------------------------------------------------------------ good until


@pytest.mark.parametrize(
    ("changes", "until"),
    [
        ({}, 60),
        ({"this_update": NOW - 3590}, 10),
        ({"next_update": NOW + 20}, 20),
        ({"signer": "short"}, 30),
        ({"by": "short leaf"}, 40),
    ],
    ids=["exp", "age", "nextUpdate", "the responder's certificate", "the leaf's certificate"],
)
def test_good_until_is_bounded_by_the_evidence(tmp_path: Path, changes: dict[str, Any], until: float) -> None:
    p, signer = pki(), pki().leaf
    if "by" in changes:
        signer = leaf("idp", p.intermediate, ends=NOW + 40)
        changes = {}
    if changes.get("signer") == "short":
        changes = {"signer": responder(p.intermediate, ends=NOW + 30)}
    answer = staple(signer, **({"signer": p.responder} | changes))
    presented = signed(signer, x5c=[signer.x5c, p.intermediate.x5c], x5ocsp=[in_header(answer)])
    verdict = engine(tmp_path).evaluate(presented)
    assert verdict, str(verdict)
    assert verdict.good_until == NOW + until


# ------------------------------------------------------------------------------------------------ loading


@pytest.mark.parametrize(
    ("files", "changes", "code"),
    [
        ({"ca.pem": b""}, {}, "PJ"),
        ({"ca.pem": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, {}, "PJ"),
        ({"ca.pem": "leaf"}, {}, "PJ"),
        ({}, {"keys": 'keys x5c { anchors "none.pem"  leaf san uri "https://issuer.example" }'}, "PJ"),
        ({"r.pem": b"nothing"}, {"revocation": HEADER.replace("cover", 'responder pinned "r.pem"  cover')}, "PJ"),
        ({"l.crl": b"nothing"}, {"revocation": 'revocation { crl snapshot "l.crl"  age at most 1d }'}, "PJ"),
        ({}, {"keys": 'keys x5c { anchors "ca.pem"  leaf dn "no name" }'}, "PJ"),
    ],
)  # fmt: skip
def test_what_can_not_be_used_keeps_the_policy_from_loading(
    tmp_path: Path, files: dict[str, Any], changes: dict[str, str], code: str
) -> None:
    given = {name: pki().leaf.pem if data == "leaf" else data for name, data in files.items()}
    with pytest.raises(PolicyError) as refused:
        engine(tmp_path, files=given, **changes)
    errors = [diagnostic for diagnostic in refused.value.diagnostics if diagnostic.stops_loading]
    assert errors
    assert all(diagnostic.code.startswith(code) for diagnostic in errors)


def test_a_pinned_responder_is_believed(tmp_path: Path) -> None:
    pinned = party("far away", extensions=[(usage("digital_signature"), True)])
    revocation = HEADER.replace("cover leaf", 'cover leaf  responder pinned "r.pem"')
    answer = staple(pki().leaf, signer=pinned, certificates=[])
    assert outcome(engine(tmp_path, revocation=revocation, files={"r.pem": pinned.pem}), stapled(answer)) == set()
    assert outcome(engine(tmp_path), stapled(answer)) == {"staple.responder_unknown"}


# ------------------------------------------------------------------------------------------------ one key, two issuers


TWO = """policyjwt 1

{one}
policy "q" {{
  about "Another issuer, at another door"
  use "web"
  owner "tests@corp.example"
  issuer "https://other.example"
  audience "web"
  type "JWT"
  signature {{ algorithms ES256  {keys} }}
  freshness {{ lifetime at most 1h  skew at most 0s }}
  replay {{ reusable because "a test" }}
  {revocation}
  provides sub is string
}}
"""


def two(root: Path, *, keys: str, revocation: str = 'waive revocation because "a test"', promise: str = "") -> Engine:
    one = policy(
        keys=X5C,
        revocation=HEADER,
        replay='replay { reusable because "a test" }',
        rest=f"{promise}\n  provides sub is string",
    )
    (root / "ca.pem").write_bytes(pki().root.pem)
    text = TWO.format(one=one.removeprefix("policyjwt 1\n"), keys=keys, revocation=revocation)
    return Engine.from_text(text, root=root, use="api", clock=lambda: float(NOW))


def test_a_leaf_that_speaks_for_two_issuers_authenticates_neither(tmp_path: Path) -> None:
    both = leaf("both", pki().intermediate, uris=["https://issuer.example", "https://other.example"])
    header: dict[str, Any] = {"x5c": [both.x5c, pki().intermediate.x5c], "x5ocsp": [in_header(staple(both))]}
    other = 'keys x5c { anchors "ca.pem"  leaf san uri "https://other.example" }'
    judge = two(tmp_path, keys=other)
    assured = {each.name for each in judge.evaluate(stapled(good())).assurances if each.assured}
    assert {"issuer-authentication", "non-repudiation"} <= assured
    verdict = judge.evaluate(signed(both, **header))
    assert verdict
    lost = {each.name: each.why_not for each in verdict.assurances if not each.assured}
    assert lost["issuer-authentication"] == lost["non-repudiation"] == "another issuer's policy has the same key"
    promised = two(tmp_path, keys=other, promise="assures issuer-authentication")
    assert promised.evaluate(stapled(good()))
    assert outcome(promised, signed(both, **header)) == {"assurance.not_established"}


@pytest.mark.parametrize("anchors", ["./ca.pem", "copy.pem", "intermediate.pem"])
def test_an_anchor_is_the_same_however_it_is_spelled(tmp_path: Path, anchors: str) -> None:
    both = leaf("both", pki().intermediate, uris=["https://issuer.example", "https://other.example"])
    header: dict[str, Any] = {"x5c": [both.x5c, pki().intermediate.x5c], "x5ocsp": [in_header(staple(both))]}
    (tmp_path / "copy.pem").write_bytes(pki().root.pem)
    (tmp_path / "intermediate.pem").write_bytes(pki().intermediate.pem)
    other = f'keys x5c {{ anchors "{anchors}"  leaf san uri "https://other.example" }}'
    judge = two(tmp_path, keys=other, promise="assures issuer-authentication")
    assert judge.evaluate(stapled(good()))
    assert outcome(judge, signed(both, **header)) == {"assurance.not_established"}


def test_a_name_below_other_anchors_is_another_name(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.pem").write_bytes(authority("Elsewhere").pem)
    other = 'keys x5c { anchors "elsewhere.pem"  leaf dn "CN=idp" }'
    judge = two(tmp_path, keys=other, promise="assures issuer-authentication")
    assert judge.evaluate(stapled(good()))


def test_a_leaf_whose_key_is_in_another_issuers_file(tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_bytes(pki().leaf.pem)
    judge = two(
        tmp_path, keys='keys pem file "other.pem"', revocation='revocation { by redeployment because "a file" }'
    )
    verdict = judge.evaluate(stapled(good()))
    assert verdict
    assert "issuer-authentication" not in {each.name for each in verdict.assurances if each.assured}


# ------------------------------------------------------------------------------------------------ short-lived


def test_short_lived_certificates(tmp_path: Path) -> None:
    revocation = "revocation { short-lived certificate at most 1d }"
    judge = engine(tmp_path, revocation=revocation, rest="assures revocation\n  provides sub is string")
    no_answer = (x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.56"), b"\x05\x00"), False)
    extensions = [
        (usage("digital_signature"), True),
        (x509.SubjectAlternativeName([x509.UniformResourceIdentifier("https://issuer.example")]), False),
    ]

    def presented(life: int, *, marked: bool) -> str:
        given = [*extensions, no_answer] if marked else extensions
        signer: Party = party(name("idp"), pki().intermediate, extensions=given, begins=NOW - 60, ends=NOW - 60 + life)
        return signed(signer, x5c=[signer.x5c, pki().intermediate.x5c])

    verdict = judge.evaluate(presented(DAY - 1, marked=True))
    assert verdict, str(verdict)
    assert "revocation" in {each.name for each in verdict.assurances if each.assured}
    assert "revocation.met" in {finding.code for finding in verdict.findings}
    assert outcome(judge, presented(2 * DAY, marked=True)) == {"x5c.not_short_lived"}
    refused = judge.evaluate(presented(DAY - 1, marked=False))
    assert codes(refused) == {"x5c.not_short_lived"}
    assert [finding.requirement for finding in refused.failing] == ["revocation { short-lived certificate at most 1d }"]
    assert "revocation" not in {each.name for each in refused.assurances if each.assured}


def test_no_staple_is_read_where_none_is_asked_for(tmp_path: Path) -> None:
    assert Context().staples == ()
    assert outcome(engine(tmp_path, revocation=NONE), stapled(b"garbage"), staples=[b"more"]) == set()


# ------------------------------------------------------------------------------------------------ memory


def test_what_is_remembered_is_bounded_and_the_first_goes_first() -> None:
    from policyjwt.signers import _Memory

    memory: _Memory[int] = _Memory(3)
    for number in range(5):
        memory.put(("signer", number), number)
        memory.put(("signer", number), number)
    assert [memory.get(("signer", number)) for number in range(5)] == [None, None, 2, 3, 4]
    memory.put(None, 9)
    assert memory.get(None) is None
    assert memory.get(("signer", [])) is None
    assert memory.get(("signer", 2)) == 2


@pytest.mark.parametrize("x5c", [None, "text", [], [1], [[]], [{}], [None], {"a": 1}, [True]])
def test_whatever_stands_in_x5c_is_only_refused(tmp_path: Path, x5c: Any) -> None:
    assert outcome(engine(tmp_path), stapled(good(), x5c=x5c)) <= {"x5c.malformed", "x5c.missing"}


@pytest.mark.parametrize("answer", [None, "text", [], [1], [[]], [{}], [None], {"a": 1}, [True], [""]])
def test_whatever_stands_in_x5ocsp_is_only_refused(tmp_path: Path, answer: Any) -> None:
    judge = engine(tmp_path)
    for _ in range(2):
        assert outcome(judge, signed(x5ocsp=answer)) <= {"staple.malformed", "staple.missing"}


def test_the_clock_moves_back_and_forth(tmp_path: Path) -> None:
    now = float(NOW)
    judge = engine(
        tmp_path, clock=lambda: now, freshness="freshness { lifetime at most 365d  skew at most 0s }", revocation=CALLER
    )
    old = claims(iat=NOW - 9 * DAY, nbf=NOW - 9 * DAY, exp=NOW + 9 * DAY)
    wanted = {-601: "staple.not_yet_valid", -600: None, 0: None, 3000: None, 3001: "staple.stale", -300: None}
    for _ in range(2):
        for offset, code in wanted.items():
            now = float(NOW + offset)
            assert outcome(judge, signed(given=old), staples=[good(next_update=NOW + DAY)]) == (
                {code} if code else set()
            )


@pytest.mark.parametrize("first", [True, False])
def test_null_in_the_header_is_something(tmp_path: Path, first: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    """Whether the signer is remembered must not matter: null is no staple, and stands where one could."""
    judge = engine(tmp_path, revocation=CALLER)
    if not first:
        assert outcome(judge, signed(), staples=[good()]) == set()
    assert outcome(judge, signed(x5ocsp=None), staples=[good()]) == {"staple.ambiguous"}


@pytest.mark.parametrize(
    ("changes", "offset"), [({"next_update": NOW + DAY}, 3000), ({"next_update": NOW + 100}, 100)], ids=["age", "next"]
)
def test_good_until_at_the_last_moment(tmp_path: Path, changes: dict[str, Any], offset: int) -> None:
    now = float(NOW + offset)
    judge = engine(tmp_path, clock=lambda: now, revocation=CALLER)
    verdict = judge.evaluate(signed(given=claims(exp=NOW + 3500)), Context(staples=(good(**changes),)))
    assert verdict, str(verdict)
    assert verdict.good_until is not None
    assert now < verdict.good_until < now + 1e-3
    now = verdict.good_until
    assert not judge.evaluate(signed(given=claims(exp=NOW + 3500)), Context(staples=(good(**changes),)))


def test_good_until_at_the_last_moment_of_a_path_and_of_an_age(tmp_path: Path) -> None:
    signer = leaf("idp", pki().intermediate, ends=NOW)
    header: dict[str, Any] = {"x5c": [signer.x5c, pki().intermediate.x5c], "x5ocsp": [in_header(staple(signer))]}
    verdict = engine(tmp_path).evaluate(signed(signer, **header))
    assert verdict, str(verdict)
    assert verdict.good_until is not None
    assert NOW < verdict.good_until < NOW + 1e-3
    aged = engine(tmp_path, freshness="freshness { age at most 10s  skew at most 0s }")
    assert NOW < (aged.evaluate(stapled(good())).good_until or 0) < NOW + 1e-3


@pytest.mark.parametrize("code", [c for c in codes_table.pages() if c.startswith(("staple.", "crl.", "status."))])
def test_an_outcome_is_that_of_its_page(code: str) -> None:
    from policyjwt.account import _by_the_table

    page = codes_table.page(code)
    assert page is not None
    assert _by_the_table(code) == page.outcome


def test_what_is_not_known_is_told_as_unknown(tmp_path: Path) -> None:
    judge = engine(tmp_path)
    told = {
        "staple.missing": judge.evaluate(signed()),
        "staple.stale": judge.evaluate(stapled(good(this_update=NOW - 9999))),
        "staple.unknown": judge.evaluate(stapled(good(status=UNKNOWN))),
    }
    for code, verdict in told.items():
        assert [(finding.code, finding.outcome) for finding in verdict.failing] == [(code, "unknown")]
    revoked = judge.evaluate(stapled(good(status=REVOKED)))
    assert [finding.outcome for finding in revoked.failing] == ["violated"]


def test_whom_the_client_should_blame(tmp_path: Path) -> None:
    """A staple in the token is the issuer's matter; one that the caller hands over is the service's own."""
    old = good(this_update=NOW - 9999)
    assert engine(tmp_path).evaluate(signed()).public().status == 401
    assert engine(tmp_path).evaluate(stapled(old)).public().status == 401
    judge = engine(tmp_path, revocation=CALLER)
    assert judge.evaluate(signed()).public().status == 503
    assert judge.evaluate(signed(), Context(staples=(old,))).public().status == 503
    assert judge.evaluate(signed(), Context(staples=(good(status=REVOKED),))).public().status == 401
    assert judge.evaluate(signed(given=claims(aud="x"))).public().status == 401
