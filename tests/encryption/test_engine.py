"""A signed token inside an encrypted one, judged by a whole policy: what is trusted, what is not, what is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from policyjwt import Context, Engine, PolicyError, recheck
from policyjwt.tokens import verify
from tests.encryption.flow import by_command, codes, engine, nested, pem, section, text
from tests.evidence.proofs import URI, ath, bound, proof
from tests.issuer import NOW, URL, Issuer, claims
from tests.tokens import encrypting

SIGNER = Issuer()
KEY = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
DECRYPTS = {"env:DECRYPTS": pem(KEY)}
CONFIDENTIAL = section() + "\n  confidential phone"


@pytest.fixture(scope="module")
def judge() -> Engine:
    return engine(
        text(CONFIDENTIAL, rest="provides sub is string, phone is string if present"), signer=SIGNER, keys=DECRYPTS
    )


# ------------------------------------------------------------------------------------------------ trusted


def test_a_nested_token_is_trusted_and_the_verdict_says_why(judge: Engine) -> None:
    verdict = judge.evaluate(nested(SIGNER, KEY, phone="+1 555 0100"))
    assert verdict, str(verdict)
    assert verdict.claims["phone"] == "+1 555 0100"
    (met,) = [finding for finding in verdict.findings if finding.code == "decryption.met"]
    assert met.requirement == " ".join(section().split())
    assert met.actual == "the token came encrypted, its key by RSA-OAEP-256 and its content by A256GCM"
    (told,) = [each for each in verdict.assurances if each.name == "confidentiality"]
    assert told.assured
    assert told.by == f"{met.actual}; a signed token inside an encrypted one"
    assert "+1 555 0100" not in json.dumps(verdict.to_dict(values=True)), "a confidential claim is shown in no view"


@pytest.mark.parametrize(
    ("alg", "enc", "curve"),
    [(alg, "A256GCM", curve) for alg, enc, curve in encrypting.pairs() if enc == "A256GCM"]
    + [("RSA-OAEP", enc, None) for enc in ("A128GCM", "A192GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512")],
)
@pytest.mark.parametrize("mint", ["joserfc", "jwcrypto"])
def test_tokens_of_other_libraries(alg: str, enc: str, curve: str | None, mint: str) -> None:
    key = encrypting.private(alg, enc, curve)
    encoding = "base64url" if isinstance(key, bytes) else "jwk"
    material = key if isinstance(key, bytes) else json.dumps(encrypting.private_jwk(key)).encode()
    policy_text = text(section(f'key env "DECRYPTS" as {encoding}', alg=alg, enc=enc))
    judging = engine(policy_text, signer=SIGNER, keys={"env:DECRYPTS": material})
    make = encrypting.by_joserfc if mint == "joserfc" else encrypting.by_jwcrypto
    token = make(key, {"alg": alg, "enc": enc, "cty": "JWT"}, SIGNER.token(claims()).encode())
    verdict = judging.evaluate(token)
    assert verdict, str(verdict)
    assert [each.assured for each in verdict.assurances if each.name == "confidentiality"] == [True]


@pytest.mark.parametrize(
    ("alg", "enc", "curve"),
    [
        ("ECDH-ES+A128KW", "A128CBC-HS256", "P-256"),
        ("ECDH-ES", "A256GCM", "P-521"),
        ("A256GCMKW", "A256CBC-HS512", None),
        ("A128KW", "A192GCM", None),
        ("dir", "A256GCM", None),
    ],
)
def test_tokens_of_the_jose_command(tmp_path: Path, alg: str, enc: str, curve: str | None) -> None:
    """What José can: this one has no OAEP."""
    key = encrypting.private(alg, enc, curve)
    encoding = "base64url" if isinstance(key, bytes) else "pem"
    material = key if isinstance(key, bytes) else pem(key)
    policy_text = text(section(f'key env "DECRYPTS" as {encoding}', alg=alg, enc=enc))
    judging = engine(policy_text, signer=SIGNER, keys={"env:DECRYPTS": material})
    token = by_command(tmp_path, key, SIGNER.token(claims()), alg=alg, enc=enc)
    verdict = judging.evaluate(token)
    assert verdict, str(verdict)


def test_a_key_comes_from_wherever_the_policy_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key.pem").write_bytes(pem(KEY))
    (tmp_path / "key.pem").chmod(0o400)
    (tmp_path / "key.jwk").write_text(json.dumps(encrypting.private_jwk(KEY)))
    (tmp_path / "key.jwk").chmod(0o400)
    monkeypatch.setenv("DECRYPTS", pem(KEY).decode())
    for line in ('key file "key.pem" as pem', 'key file "key.jwk" as jwk', 'key env "DECRYPTS" as pem'):
        judging = engine(text(section(line)), signer=SIGNER, root=tmp_path)
        assert judging.evaluate(nested(SIGNER, KEY)), line
    (tmp_path / "key.pem").chmod(0o444)
    with pytest.raises(PolicyError) as caught:
        engine(text(section('key file "key.pem" as pem')), signer=SIGNER, root=tmp_path)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics if diagnostic.stops_loading] == ["PJ450"]
    assert "others can read" in caught.value.diagnostics[0].message


def test_the_old_key_and_the_new_one_side_by_side() -> None:
    lines = ('key env "OLD" as pem kid "2026"', 'key env "NEW" as pem kid "2027"')
    judging = engine(text(section(*lines)), signer=SIGNER, keys={"env:OLD": pem(KEY), "env:NEW": pem(OTHER)})
    assert judging.evaluate(nested(SIGNER, KEY, header={"kid": "2026"}))
    assert judging.evaluate(nested(SIGNER, OTHER, header={"kid": "2027"}))
    assert codes(judging.evaluate(nested(SIGNER, KEY, header={"kid": "2027"}))) == {"decryption.failed"}
    assert codes(judging.evaluate(nested(SIGNER, KEY, header={"kid": "2025"}))) == {"key.unknown_kid"}
    assert codes(judging.evaluate(nested(SIGNER, KEY))) == {"key.ambiguous"}


# ------------------------------------------------------------------------------------------------ refused


def test_a_token_in_the_open_is_refused_and_what_it_showed_is_named(judge: Engine) -> None:
    """D24: a policy that demands encryption is not satisfied by a good signature."""
    verdict = judge.evaluate(SIGNER.token(claims(phone="+1 555 0100")))
    assert codes(verdict) == {"policy.encryption_required", "confidential.exposed"}
    (told,) = [each for each in verdict.assurances if each.name == "confidentiality"]
    assert not told.assured
    assert told.why_not == "the token is only signed: whoever saw it has read its claims"
    assert codes(judge.evaluate(SIGNER.token(claims()))) == {"policy.encryption_required"}


def test_an_encrypted_token_is_refused_where_no_policy_takes_one() -> None:
    """D25."""
    judging = engine(text(""), signer=SIGNER)
    verdict = judging.evaluate(nested(SIGNER, KEY))
    assert codes(verdict) == {"policy.encryption_forbidden"}
    (told,) = [each for each in judging.evaluate(SIGNER.token(claims())).assurances if each.name == "confidentiality"]
    assert told.why_not == "signed only: anyone who sees the token reads its claims"


REFUSED: dict[str, tuple[Any, str]] = {
    "D01 claims that nobody signed": (lambda: nested(SIGNER, KEY, inner=json.dumps(claims())), "decryption.not_nested"),
    "D01 and without cty": (
        lambda: nested(SIGNER, KEY, inner=json.dumps(claims()), header={"cty": ...}),
        "decryption.not_nested",
    ),
    "a signed token without cty": (lambda: nested(SIGNER, KEY, header={"cty": ...}), "decryption.not_nested"),
    "D02 alg none inside": (
        lambda: nested(SIGNER, KEY, inner=_unsigned()),
        "header.algorithm_refused",
    ),
    "a token in a token in a token": (
        lambda: nested(SIGNER, KEY, inner=nested(SIGNER, KEY)),
        "decryption.not_nested",
    ),
    "another issuer inside": (
        lambda: nested(SIGNER, KEY, iss="https://evil.example"),
        "policy.issuer_unknown",
    ),
    "another signer inside": (lambda: nested(Issuer(), KEY), "signature.invalid"),
    "D22 another recipient's key": (lambda: nested(SIGNER, OTHER), "decryption.failed"),
    "D19 another content algorithm": (lambda: nested(SIGNER, KEY, enc="A128GCM"), "decryption.algorithm_refused"),
    "D19 another key management": (lambda: nested(SIGNER, KEY, alg="RSA-OAEP"), "decryption.algorithm_refused"),
    "a claim of the header is another inside": (
        lambda: nested(SIGNER, KEY, header={"iss": "https://evil.example"}),
        "decryption.claim_mismatch",
    ),
    "a claim of the header that the token lacks": (
        lambda: nested(SIGNER, KEY, header={"sub": "s"}, sub=...),
        "decryption.claim_mismatch",
    ),
    "expired inside": (lambda: nested(SIGNER, KEY, exp=NOW), "freshness.expired"),
    "typ of the inner token counts": (
        lambda: nested(SIGNER, KEY, header={"typ": "JWT"}, inner=SIGNER.token(claims(), {"typ": "at+jwt"})),
        "type.mismatch",
    ),
}


def _unsigned() -> str:
    head, payload, _ = SIGNER.token(claims(), {"alg": "none"}).split(".")
    return f"{head}.{payload}."


@pytest.mark.parametrize("name", REFUSED)
def test_refused(judge: Engine, name: str) -> None:
    make, code = REFUSED[name]
    verdict = judge.evaluate(make())
    assert codes(verdict) == {code}
    assert not verdict


def test_replicated_claims_that_agree_are_no_matter(judge: Engine) -> None:
    """RFC 7519, section 5.3."""
    header = {"iss": "https://issuer.example", "sub": "s", "aud": "api"}
    assert judge.evaluate(nested(SIGNER, KEY, header=header))


# ------------------------------------------------------------------------------------------------ several policies


def test_a_token_for_another_policys_key_is_refused() -> None:
    """The claims choose the policy; its own section must have the key, the algorithm and the content."""
    one = text(section('key env "ONE" as pem kid "1"'), name="one")
    two = text(
        section('key env "TWO" as pem kid "2"', alg="RSA-OAEP, RSA-OAEP-256"),
        name="two",
        issuer='issuer "https://two.example"',
        keys='keys jwks url "https://two.example/jwks"',
    ).removeprefix("policyjwt 1\n")
    plain = text(
        "",
        name="plain",
        issuer='issuer "https://plain.example"',
        keys='keys jwks url "https://plain.example/jwks"',
    ).removeprefix("policyjwt 1\n")
    second, third = Issuer(), Issuer()
    given = {
        "env:ONE": pem(KEY),
        "env:TWO": pem(OTHER),
        "url:https://two.example/jwks": second.keys(),
        "url:https://plain.example/jwks": third.keys(),
    }
    judging = engine(one + two + plain, signer=SIGNER, keys=given)
    of_two = {"iss": "https://two.example"}
    assert judging.evaluate(nested(SIGNER, KEY, header={"kid": "1"}))
    assert judging.evaluate(nested(second, OTHER, header={"kid": "2"}, **of_two))
    assert judging.evaluate(third.token(claims(iss="https://plain.example")))
    wrong = {
        "the key of two": nested(SIGNER, OTHER, header={"kid": "2"}),
        "the key of one": nested(second, KEY, header={"kid": "1"}, **of_two),
        "an algorithm of two with the key of one": nested(SIGNER, KEY, header={"kid": "1"}, alg="RSA-OAEP"),
    }
    for name, token in wrong.items():
        assert codes(judging.evaluate(token)) == {"decryption.not_for_this_policy"}, name
    for_plain = judging.evaluate(nested(third, KEY, header={"kid": "1"}, iss="https://plain.example"))
    assert codes(for_plain) == {"policy.encryption_forbidden"}
    (finding,) = for_plain.failing
    assert finding.expected == "a token that is only signed: the policy that judges this token has no `encryption`"


@pytest.mark.parametrize("claim", ["sub", "phone"])
def test_a_confidential_claim_in_the_readable_header_is_exposed(claim: str) -> None:
    """RFC 7519, section 5.3, lets a header repeat claims: then everybody on the way has read it."""
    judging = engine(text(section() + f"\n  confidential {claim}"), signer=SIGNER, keys=DECRYPTS)
    told: dict[str, Any] = {"sub": "s"} if claim == "sub" else {"phone": "1"}
    verdict = judging.evaluate(nested(SIGNER, KEY, header=told, **told))
    assert codes(verdict) == {"confidential.exposed"}
    (finding,) = verdict.failing
    assert "in its header, outside the encryption" in finding.actual
    assert judging.evaluate(nested(SIGNER, KEY, **told))


def test_nothing_is_decrypted_that_no_policy_takes(judge: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from policyjwt.tokens import decryption

    opened: list[object] = []
    real = decryption.open

    def counted(encrypted: decryption.Encrypted, key: Any) -> bytes:
        opened.append(key)
        return real(encrypted, key)

    monkeypatch.setattr(decryption, "open", counted)
    both = text('encryption { algorithms RSA-OAEP  content A256GCM  key env "ONE" as pem kid "1" }', name="one") + text(
        'encryption { algorithms RSA-OAEP-256  content A256GCM  key env "TWO" as pem kid "2" }',
        name="two",
        issuer='issuer "https://two.example"',
        keys='keys jwks url "https://two.example/jwks"',
    ).removeprefix("policyjwt 1\n")
    given = {"env:ONE": pem(KEY), "env:TWO": pem(OTHER), "url:https://two.example/jwks": Issuer().keys()}
    judging = engine(both, signer=SIGNER, keys=given)
    assert codes(judging.evaluate(nested(SIGNER, KEY, header={"kid": "1"}))) == {"decryption.not_for_this_policy"}
    assert opened == []
    assert judging.evaluate(nested(SIGNER, KEY, header={"kid": "1"}, alg="RSA-OAEP"))
    assert len(opened) == 1


def test_a_narrowed_policy_takes_only_its_own_key() -> None:
    both = text(section('key env "ONE" as pem kid "1"'), name="one") + text(
        section('key env "TWO" as pem kid "2"'),
        name="two",
        issuer='issuer "https://two.example"',
        keys='keys jwks url "https://two.example/jwks"',
    ).removeprefix("policyjwt 1\n")
    given = {"env:ONE": pem(KEY), "env:TWO": pem(OTHER), "url:https://two.example/jwks": Issuer().keys()}
    judging = engine(both, signer=SIGNER, keys=given)
    assert judging.evaluate(nested(SIGNER, KEY, header={"kid": "1"}), policy="one")
    refused = judging.evaluate(nested(SIGNER, OTHER, header={"kid": "2"}), policy="one")
    assert codes(refused) == {"decryption.not_for_this_policy"}


# ------------------------------------------------------------------------------------------------ around it


def test_tokens_that_another_library_verified_need_evaluate(judge: Engine) -> None:
    token = SIGNER.token(claims())
    assert codes(judge.validate(verify(token, SIGNER.keys(), ["ES256"]))) == {"policy.needs_evaluate"}


def test_inspect_and_async(judge: Engine) -> None:
    import asyncio

    token = nested(SIGNER, KEY)

    async def wait() -> bool:
        return bool(await judge.evaluate_async(token))

    assert judge.inspect(token).would_trust
    assert asyncio.run(wait())


def test_a_proof_is_for_the_token_that_travelled() -> None:
    """RFC 9449, section 4.3, check 11: `ath` is of the access token as it was presented, the encrypted one."""
    policy_text = text(section(), "holder dpop { algorithms ES256 }", replay="replay { proof once }")
    judging = engine(policy_text, signer=SIGNER, keys=DECRYPTS)
    inner = SIGNER.token(claims(cnf=bound()))
    token = nested(SIGNER, KEY, inner=inner)

    def shown(of: str) -> Context:
        return Context(method="POST", uri=URI, scheme="DPoP", dpop=(proof(ath=ath(of)),))

    assert codes(judging.evaluate(token, shown(inner))) == {"holder.dpop_ath"}
    assert judging.evaluate(token, shown(token))


def test_a_record_is_judged_again_with_the_key_that_is_handed_in(judge: Engine) -> None:
    verdict = judge.evaluate(nested(SIGNER, KEY, phone="+1 555 0100"))
    record = json.loads(json.dumps(verdict.record()))
    assert "+1 555 0100" not in json.dumps(record)
    assert recheck(record, keys=dict(DECRYPTS)).same
    with pytest.raises(ValueError, match="hand in env:DECRYPTS"):
        recheck(record)
    again = recheck(record, keys={"env:DECRYPTS": pem(OTHER)})
    assert not again.same
    assert not again.inspection.would_trust


def test_a_record_of_what_came_encrypted_holds_no_value(judge: Engine) -> None:
    """The token stands in it as it came; the findings quote nothing of what is inside."""
    stern = engine(
        text(section(), rest='provides sub is string\n  require sub == "alice" as alice'), signer=SIGNER, keys=DECRYPTS
    )
    verdict = stern.evaluate(nested(SIGNER, KEY, sub="mallory-zqxj"))
    assert codes(verdict) == {"claim.alice"}
    record = json.loads(json.dumps(verdict.record()))
    assert "mallory-zqxj" not in json.dumps(record)
    assert "mallory-zqxj" in json.dumps(verdict.to_dict(values=True)), "a person may see it"
    again = recheck(record, keys=dict(DECRYPTS))
    assert again.same, again.differences


def test_nothing_of_what_came_encrypted_is_kept(monkeypatch: pytest.MonkeyPatch, judge: Engine) -> None:
    from policyjwt.tokens import decode

    monkeypatch.setattr(decode, "_known_headers", {})
    assert judge.evaluate(nested(SIGNER, KEY))
    assert decode._known_headers == {}
    assert judge.evaluate(SIGNER.token(claims())).failing, "a signed one is still refused here"


def test_secrets_are_in_no_view(judge: Engine) -> None:
    verdict = judge.evaluate(nested(SIGNER, KEY))
    secret = encrypting.private_jwk(KEY)["d"]
    told = " ".join(
        [str(verdict), repr(judge), repr(verdict), json.dumps(verdict.to_dict(values=True)), str(judge.status())]
    )
    assert secret[:16] not in told
    assert "BEGIN" not in told
    assert f"url:{URL}" in told
