"""One key, one role: what decrypts here verifies nothing, in whatever form, file or policy it comes. Rows K07, K27."""

from __future__ import annotations

import base64
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from policyjwt import Engine, PolicyError, recheck
from policyjwt.replay import InspectOnly
from policyjwt.tokens import KeySet
from tests.encryption.flow import codes, nested, pem, section, text
from tests.issuer import NOW, URL, Issuer, b64, claims, number
from tests.pki import authority, leaf, responder, staple, token
from tests.tokens import encrypting

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
SECRET = bytes(range(64))


def jwks(*jwk: dict[str, Any]) -> KeySet:
    return KeySet.from_jwks({"keys": [{"kid": f"k{at}", **each} for at, each in enumerate(jwk)]})


def _public(key: Any, **changes: Any) -> dict[str, Any]:
    return {**encrypting.public_jwk(key), **changes}


def _mirrored(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """The other point of the same x: whoever has one private key has the other."""
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    y = key.public_key().public_numbers().y
    return _public(key, y=number(p - y, 32))


def _edwards() -> tuple[ed25519.Ed25519PrivateKey, x25519.X25519PrivateKey]:
    """One private scalar, in both its roles."""
    seed = bytes(range(1, 33))
    digest = hashes.Hash(hashes.SHA512())
    digest.update(seed)
    return ed25519.Ed25519PrivateKey.from_private_bytes(seed), x25519.X25519PrivateKey.from_private_bytes(
        digest.finalize()[:32]
    )


SIGNS, AGREES = _edwards()
MODULUS = number(RSA.public_key().public_numbers().n)

PAIRS: dict[str, tuple[str, KeySet, Any, str]] = {
    "the same RSA key": ("RS256", jwks(_public(RSA)), RSA, "RSA-OAEP-256"),
    "RSA with another exponent": ("RS256", jwks(_public(RSA, e="Aw")), RSA, "RSA-OAEP-256"),
    "RSA with a leading zero": (
        "PS256",
        jwks(_public(RSA, n=b64(b"\0" + RSA.public_key().public_numbers().n.to_bytes(256, "big")))),
        RSA,
        "RSA-OAEP",
    ),
    "RSA beside a sound key": ("RS256", jwks(Issuer("RS256", "x").jwk(), _public(RSA)), RSA, "RSA-OAEP-256"),
    "RSA as PEM": (
        "RS256",
        KeySet.from_pem(RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
        RSA,
        "RSA-OAEP-256",
    ),
    "the same EC point": ("ES256", jwks(_public(EC)), EC, "ECDH-ES"),
    "the other EC point of this x": ("ES256", jwks(_mirrored(EC)), EC, "ECDH-ES+A128KW"),
    "Ed25519 against X25519": (
        "EdDSA",
        jwks(
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": b64(SIGNS.public_key().public_bytes_raw()),
            }
        ),
        AGREES,
        "ECDH-ES",
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_key_that_verifies_does_not_decrypt(name: str) -> None:
    algorithm, keys, decrypts, alg = PAIRS[name]
    policy_text = text(section(alg=alg), algorithms=algorithm)
    found = _refused(policy_text, {f"url:{URL}": keys, "env:DECRYPTS": pem(decrypts)})
    assert found == ["PJ461"]


@pytest.mark.parametrize(
    ("verifies", "decrypts", "alg", "enc"),
    [
        (SECRET[:32], SECRET[:32], "A256KW", "A128GCM"),
        (SECRET, SECRET, "dir", "A256CBC-HS512"),
        (SECRET[:32], SECRET, "dir", "A256CBC-HS512"),
        (SECRET[32:], SECRET, "dir", "A256CBC-HS512"),
    ],
)
def test_a_secret_that_verifies_does_not_decrypt(verifies: bytes, decrypts: bytes, alg: str, enc: str) -> None:
    """Of a key for CBC with HMAC each half is a key by itself."""
    policy_text = text(
        section('key env "DECRYPTS" as base64url', alg=alg, enc=enc),
        algorithms="HS256",
        keys='secret env "SIGNS" as base64url',
        revocation='revocation { by redeployment because "a test" }',
    )
    given = {"env:SIGNS": verifies, "env:DECRYPTS": decrypts}
    assert _refused(policy_text, given) == ["PJ461"]
    Engine.from_text(
        policy_text, keys=given | {"env:DECRYPTS": bytes(range(100, 100 + len(decrypts)))}, replay=InspectOnly()
    )


def _refused(policy_text: str, keys: dict[str, Any], **settings: Any) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        Engine.from_text(policy_text, keys=keys, replay=InspectOnly(), clock=lambda: float(NOW), **settings)
    return [diagnostic.code for diagnostic in caught.value.diagnostics if diagnostic.stops_loading]


# ------------------------------------------------------------------------------------ over everything that is loaded


def test_the_key_of_another_policy_counts_even_at_another_door(tmp_path: Path) -> None:
    (tmp_path / "policyjwt.toml").touch()
    (tmp_path / "other.jwks.json").write_text(json.dumps({"keys": [_public(EC, kid="k")]}))
    (tmp_path / "a.policy").write_text(text(section(alg="ECDH-ES")))
    (tmp_path / "b.policy").write_text(
        text(
            "",
            name="b",
            issuer='issuer "https://b.example"',
            keys='keys jwks file "other.jwks.json"',
            revocation='revocation { by redeployment because "a test" }',
        ).replace('use      "api"', 'use      "another"')
    )
    with pytest.raises(PolicyError) as caught:
        Engine.load(tmp_path, use="api", keys={f"url:{URL}": Issuer().keys(), "env:DECRYPTS": pem(EC)})
    (fault,) = [each for each in caught.value.diagnostics if each.stops_loading]
    assert (fault.code, "`b`" in fault.message) == ("PJ461", True)


def test_the_key_of_a_status_list_counts() -> None:
    status = (
        'status { list from caller  keys jwks url "https://s.example/jwks"  uri "https://s.example/1"  age at most 1h }'
    )
    keys = {
        f"url:{URL}": Issuer().keys(),
        "url:https://s.example/jwks": jwks(_public(EC)),
        "env:DECRYPTS": pem(EC),
    }
    assert _refused(text(section(alg="ECDH-ES"), status), keys) == ["PJ461"]


LIFE: dict[str, Any] = {"begins": NOW - 3600, "ends": NOW + 86_400}


def _anchored(tmp_path: Path, *, decrypts: Any, **files: bytes) -> tuple[str, dict[str, Any]]:
    for name, content in files.items():
        (tmp_path / f"{name}.pem").write_bytes(content)
    policy_text = text(
        section(alg="ECDH-ES"),
        keys='keys x5c { anchors "ca.pem"  leaf san uri "https://issuer.example" }',
        revocation='waive revocation because "a test"',
    )
    return policy_text, {"env:DECRYPTS": pem(decrypts)}


def test_the_key_of_an_anchor_counts(tmp_path: Path) -> None:
    root = authority("Root", **LIFE)
    policy_text, keys = _anchored(tmp_path, decrypts=root.private, ca=root.pem)
    assert _refused(policy_text, keys, root=tmp_path) == ["PJ461"]


def test_the_key_of_a_signers_certificate_counts_when_it_comes(tmp_path: Path) -> None:
    """It is known only when a token brings it."""
    root = authority("Root", **LIFE)
    signer = leaf("idp", root, uris=["https://issuer.example"], **LIFE)
    inner = token(claims(), by=signer, header={"typ": "JWT", "x5c": [signer.x5c]})
    for decrypts, expected in ((signer.private, {"key.role_reuse"}), (EC, set[str]())):
        policy_text, keys = _anchored(tmp_path, decrypts=decrypts, ca=root.pem)
        judging = Engine.from_text(policy_text, root=tmp_path, keys=keys, clock=lambda: float(NOW))
        verdict = judging.evaluate(nested(Issuer(), decrypts, alg="ECDH-ES", inner=inner))
        assert codes(verdict) == expected
        assert verdict.trusted is not bool(expected)


def test_the_key_of_an_authority_between_counts_too(tmp_path: Path) -> None:
    """Whoever decrypts with it could certify signers."""
    root = authority("Root", **LIFE)
    between = authority("Between", root, path_length=0, **LIFE)
    signer = leaf("idp", between, uris=["https://issuer.example"], **LIFE)
    inner = token(claims(), by=signer, header={"typ": "JWT", "x5c": [signer.x5c, between.x5c]})
    policy_text, keys = _anchored(tmp_path, decrypts=between.private, ca=root.pem)
    judging = Engine.from_text(policy_text, root=tmp_path, keys=keys, clock=lambda: float(NOW))
    verdict = judging.evaluate(nested(Issuer(), between.private, alg="ECDH-ES", inner=inner))
    assert codes(verdict) == {"key.role_reuse"}
    record = json.loads(json.dumps(verdict.record()))
    assert record["key_of_two_roles"] == "signer"
    again = recheck(record, keys=keys)
    assert again.same, again.differences
    assert not again.inspection.would_trust


def test_the_key_of_a_pinned_responder_counts(tmp_path: Path) -> None:
    root = authority("Root", **LIFE)
    pinned = responder(root, **LIFE)
    policy_text, keys = _anchored(tmp_path, decrypts=pinned.private, ca=root.pem, pin=pinned.pem)
    staple_line = 'staple ocsp from header "x5ocsp"  age at most 1h  cover leaf  responder pinned "pin.pem"'
    stapled = policy_text.replace('waive revocation because "a test"', f"revocation {{ {staple_line} }}")
    assert _refused(stapled, keys, root=tmp_path) == ["PJ461"]


def test_the_key_of_an_anchor_of_clients_counts(tmp_path: Path) -> None:
    root = authority("Root", **LIFE)
    (tmp_path / "clients.pem").write_bytes(root.pem)
    policy_text = text(section(alg="ECDH-ES"), 'holder mtls { anchors "clients.pem" }', replay="replay { by holder }")
    keys = {f"url:{URL}": Issuer().keys(), "env:DECRYPTS": pem(root.private)}
    assert _refused(policy_text, keys, root=tmp_path) == ["PJ461"]


def test_the_key_of_a_delegated_responder_counts_when_it_comes(tmp_path: Path) -> None:
    """Each time, also where the delegation is remembered."""
    root = authority("Root", **LIFE)
    delegate = responder(root, **LIFE)
    signer = leaf("idp", root, uris=["https://issuer.example"], **LIFE)
    answer = staple(signer, signer=delegate, this_update=NOW - 60, next_update=NOW + 3600, issuer=root)
    header = {"typ": "JWT", "x5c": [signer.x5c], "x5ocsp": [base64.b64encode(answer).decode()]}
    inner = token(claims(), by=signer, header=header)
    for decrypts, expected in ((delegate.private, {"key.role_reuse"}), (EC, set[str]())):
        policy_text, keys = _anchored(tmp_path, decrypts=decrypts, ca=root.pem)
        staple_line = 'staple ocsp from header "x5ocsp"  age at most 1h  cover leaf'
        stapled = policy_text.replace('waive revocation because "a test"', f"revocation {{ {staple_line} }}")
        judging = Engine.from_text(stapled, root=tmp_path, keys=keys, clock=lambda: float(NOW))
        for _ in range(2):
            verdict = judging.evaluate(nested(Issuer(), decrypts, alg="ECDH-ES", inner=inner))
            assert codes(verdict) == expected, str(verdict)
        record = json.loads(json.dumps(verdict.record()))
        again = recheck(record, keys=keys)
        assert again.same, again.differences
        assert again.inspection.would_trust is not bool(expected)


def test_nothing_of_a_signer_is_remembered_whose_certificate_came_encrypted(tmp_path: Path) -> None:
    root = authority("Root", **LIFE)
    signer = leaf("idp", root, uris=["https://issuer.example"], **LIFE)
    policy_text, keys = _anchored(tmp_path, decrypts=EC, ca=root.pem)
    judging = Engine.from_text(policy_text, root=tmp_path, keys=keys, clock=lambda: float(NOW))
    inner = token(claims(), by=signer, header={"typ": "JWT", "x5c": [signer.x5c]})
    assert judging.evaluate(nested(Issuer(), EC, alg="ECDH-ES", inner=inner))
    (candidate,) = judging._loaded.assembly.candidates
    assert candidate.signers is not None
    assert not candidate.signers._paths._kept
    assert not candidate.signers._authorities._kept


def _at_another_door(folder: Path, **changes: str) -> None:
    """A policy of the same root that guards another door: it is no candidate here."""
    (folder / "policyjwt.toml").touch()
    parts = {
        "name": "b",
        "issuer": 'issuer "https://b.example"',
        "revocation": 'revocation { by redeployment because "a test" }',
    }
    other = text(*([changes.pop("section")] if "section" in changes else [""]), **(parts | changes))
    (folder / "b.policy").write_text(other.replace('use      "api"', 'use      "another"'))


def test_an_anchor_at_another_door_counts(tmp_path: Path) -> None:
    root = authority("Root", **LIFE)
    (tmp_path / "ca.pem").write_bytes(root.pem)
    (tmp_path / "a.policy").write_text(text(section(alg="ECDH-ES")))
    _at_another_door(
        tmp_path,
        keys='keys x5c { anchors "ca.pem"  leaf san uri "https://b.example" }',
        revocation='waive revocation because "a test"',
    )
    given: dict[str, Any] = {f"url:{URL}": Issuer().keys(), "env:DECRYPTS": pem(root.private)}
    assert _not_loaded(tmp_path, given) == ["PJ461"]


def test_a_key_that_decrypts_at_another_door_counts_where_it_was_handed_in(tmp_path: Path) -> None:
    (tmp_path / "a.policy").write_text(text(""))
    (tmp_path / "other.jwks.json").write_text(json.dumps({"keys": [Issuer(kid="o").jwk()]}))
    _at_another_door(tmp_path, section=section(alg="ECDH-ES"), keys='keys jwks file "other.jwks.json"')
    for decrypts in (pem(EC), encrypting.keys(EC)):
        given: dict[str, Any] = {f"url:{URL}": jwks(_public(EC)), "env:DECRYPTS": decrypts}
        assert _not_loaded(tmp_path, given) == ["PJ461"]


def _not_loaded(folder: Path, keys: dict[str, Any]) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        Engine.load(folder, use="api", keys=keys, replay=InspectOnly(), clock=lambda: float(NOW))
    return [each.code for each in caught.value.diagnostics if each.stops_loading]


@pytest.mark.parametrize(("length", "same"), [(63, True), (64, True), (127, True), (128, False), (129, False)])
def test_secrets_with_a_zero_more_are_one_for_hmac_up_to_its_longest_block(length: int, *, same: bool) -> None:
    """RFC 2104, section 2: beyond a block a secret is hashed. The blocks of SHA-384 and SHA-512 have 128 bytes."""
    secret = bytes(range(1, length + 1))
    one, two = (KeySet.from_secret(each).keys[0].material_id for each in (secret, secret + b"\0"))
    assert (one == two) is same
    assert (hmac.digest(secret, b"x", "sha512") == hmac.digest(secret + b"\0", b"x", "sha512")) is same


def test_secrets_that_hmac_fills_up_to_one_are_one() -> None:
    """RFC 2104, section 2: with zeros at its end a secret is the same secret."""
    secret = bytes(range(1, 33))
    shared = {"algorithms": "HS256", "revocation": 'revocation { by redeployment because "a test" }'}
    one = text("", name="one", keys='secret env "ONE" as base64url', **shared)
    two = text(
        "", name="two", issuer='issuer "https://two.example"', keys='secret env "TWO" as base64url', **shared
    ).removeprefix("policyjwt 1\n")
    assert "PJ456" in _refused(one + two, {"env:ONE": secret, "env:TWO": secret + b"\0"})
    both = text(
        section('key env "DECRYPTS" as base64url', alg="A256KW"), keys='secret env "ONE" as base64url', **shared
    )
    assert _refused(both, {"env:ONE": secret + bytes(16), "env:DECRYPTS": secret}) == ["PJ461"]


# ------------------------------------------------------------------------------------ among keys that decrypt


def test_what_a_key_says_of_itself_holds_whoever_else_has_it() -> None:
    """A JWK for one algorithm stays one, though another policy has the same key without that word."""
    narrow = json.dumps(encrypting.private_jwk(RSA, alg="RSA-OAEP-256")).encode()
    both = "algorithms RSA-OAEP, RSA-OAEP-256  content A256GCM"
    one = text(f'encryption {{ {both}  key env "ONE" as jwk }}', name="one")
    two = text(
        f'encryption {{ {both}  key env "TWO" as pem }}',
        name="two",
        issuer='issuer "https://two.example"',
        keys='keys jwks url "https://two.example/jwks"',
    ).removeprefix("policyjwt 1\n")
    signer = Issuer()
    given: dict[str, Any] = {
        f"url:{URL}": signer.keys(),
        "url:https://two.example/jwks": Issuer().keys(),
        "env:ONE": narrow,
        "env:TWO": pem(RSA),
    }
    judging = Engine.from_text(one + two, keys=given, replay=InspectOnly(), clock=lambda: float(NOW))
    assert judging.evaluate(nested(signer, RSA))
    assert codes(judging.evaluate(nested(signer, RSA, alg="RSA-OAEP"))) == {"decryption.not_for_this_policy"}


def test_a_kid_that_only_another_policy_gives_is_not_this_ones() -> None:
    """So that a policy judges alike with and without the others, and a record can be judged again."""
    lines = ('key env "ONE" as pem kid "a"', 'key env "TWO" as pem kid "b"')
    other = rsa.generate_private_key(65537, 2048)
    one = text(section(*lines), name="one")
    two = text(
        section('key env "ONE" as pem kid "c"', 'key env "TWO" as pem kid "d"'),
        name="two",
        issuer='issuer "https://two.example"',
        keys='keys jwks url "https://two.example/jwks"',
    ).removeprefix("policyjwt 1\n")
    signer = Issuer()
    given: dict[str, Any] = {
        f"url:{URL}": signer.keys(),
        "url:https://two.example/jwks": Issuer().keys(),
        "env:ONE": pem(RSA),
        "env:TWO": pem(other),
    }
    judging = Engine.from_text(one + two, keys=given, replay=InspectOnly(), clock=lambda: float(NOW))
    assert judging.evaluate(nested(signer, RSA, header={"kid": "a"}))
    assert codes(judging.evaluate(nested(signer, RSA, header={"kid": "c"}))) == {"decryption.not_for_this_policy"}


def test_one_kid_for_two_keys_of_two_policies() -> None:
    one = text(section('key env "ONE" as pem kid "a"', 'key env "THREE" as pem kid "c"'), name="one")
    two = text(
        section('key env "TWO" as pem kid "a"', 'key env "FOUR" as pem kid "b"'),
        name="two",
        issuer='issuer "https://two.example"',
        keys='keys jwks url "https://two.example/jwks"',
    ).removeprefix("policyjwt 1\n")
    made = {name: pem(rsa.generate_private_key(65537, 2048)) for name in ("ONE", "TWO", "THREE", "FOUR")}
    given = {f"env:{name}": key for name, key in made.items()}
    keys = {f"url:{URL}": Issuer().keys(), "url:https://two.example/jwks": Issuer().keys()}
    assert _refused(one + two, {**keys, **given}) == ["PJ462"]
    shared = given | {"env:TWO": made["ONE"]}
    assert Engine.from_text(one + two, keys={**keys, **shared}, replay=InspectOnly()), "one key for both is no matter"
