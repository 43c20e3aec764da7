"""Keys in files, URLs and secrets: exact codes and lines, with keys made here."""

from __future__ import annotations

import base64
import datetime
import json
import os
import socket
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from policyjwt.checker.keys_resolve import resolve_keys
from policyjwt.diagnostics import Level, in_order
from policyjwt.evidence import crl_snapshot
from tests.checker.policy_text import NOW, blocks, key_check, policy
from tests.evidence.test_engine_lists import listed
from tests.issuer import Issuer
from tests.pki import authority, usage

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC1, EC2 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
KEYS_LINE, AUDIENCE_LINE = 8, 6
JWKS = {"signature": 'signature { algorithms ES256 keys jwks file "keys.json" }'}


def number(value: int, length: int | None = None) -> str:
    raw = value.to_bytes(length or (value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwk_ec(private: ec.EllipticCurvePrivateKey, **more: object) -> dict[str, object]:
    point = private.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": number(point.x, 32), "y": number(point.y, 32), **more}


def jwk_rsa(n: int | None = None, e: int = 65537, **more: object) -> dict[str, object]:
    return {"kty": "RSA", "n": number(n or RSA.public_key().public_numbers().n), "e": number(e), **more}


def pem_of(public: object) -> bytes:
    assert isinstance(public, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey))
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def private_pem(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def certificate(*, until: int = 2045, since: int = 2020, ca: bool = True) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test ca")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(EC1.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(since, 1, 1))
        .not_valid_after(datetime.datetime(until, 1, 1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage("key_cert_sign", "digital_signature"), critical=True)
        .sign(EC1, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


def said(text: str, root: Path) -> list[str]:
    return [f"{fault.code}@{fault.span.line}" for fault in in_order(key_check(text, root).diagnostics)]


def key_set(*keys: dict[str, object]) -> str:
    return json.dumps({"keys": list(keys)})


OCT: dict[str, object] = {"kty": "oct", "k": number(7**99)}
FILES: list[tuple[str, str, str | None, list[str]]] = [
    ("good", "ES256", key_set(jwk_ec(EC1, kid="a", use="sig", alg="ES256")), []),
    ("two good ones", "ES256", key_set(jwk_ec(EC1, kid="a"), jwk_ec(EC2, kid="b")), []),
    ("missing", "ES256", None, ["PJ400@8"]),
    ("no JSON", "ES256", "{", ["PJ401@8"]),
    ("no set", "ES256", "[]", ["PJ401@8"]),
    ("PEM", "ES256", pem_of(EC1.public_key()).decode(), ["PJ401@8"]),
    ("empty", "ES256", key_set(), ["PJ404@8"]),
    ("private", "ES256", key_set(jwk_ec(EC1, d=number(5))), ["PJ402@8"]),
    ("a secret", "ES256", key_set(OCT), ["PJ402@8"]),
    ("a secret among public keys", "ES256", key_set(jwk_ec(EC1), OCT), ["PJ402@8", "PJ404@8"]),
    ("one kid twice", "ES256", key_set(jwk_ec(EC1, kid="a"), jwk_ec(EC2, kid="a")), ["PJ404@8"]),
    ("short RSA", "RS256", key_set(jwk_rsa(n=2**1023 + 1155)), ["PJ403@8"]),
    ("e is 1", "RS256", key_set(jwk_rsa(e=1)), ["PJ403@8"]),
    ("e is even", "RS256", key_set(jwk_rsa(e=65536)), ["PJ403@8"]),
    ("two faults", "RS256", key_set(jwk_rsa(e=1, kid="a"), jwk_rsa(e=2, kid="b")), ["PJ403@8", "PJ403@8"]),
    ("not on the curve", "ES256", key_set(jwk_ec(EC1) | {"y": number(1, 32)}), ["PJ403@8"]),
    ("no key fits", "RS256", key_set(jwk_ec(EC1)), ["PJ405@8"]),
    ("one fits, one does not", "ES256, RS256", key_set(jwk_ec(EC1)), ["PJ406@8"]),
    ("alg says otherwise", "RS256", key_set(jwk_rsa(alg="PS256")), ["PJ405@8"]),
    ("a key for encryption beside", "ES256", key_set(jwk_ec(EC1), jwk_rsa(use="enc")), ["PJ407@8"]),
    ("HMAC with public keys", "HS256", key_set(jwk_ec(EC1)), ["PJ408@8"]),
]  # fmt: skip


@pytest.mark.parametrize(("algorithms", "content", "wanted"), [c[1:] for c in FILES], ids=[c[0] for c in FILES])
def test_a_jwks_file(tmp_path: Path, algorithms: str, content: str | None, wanted: list[str]) -> None:
    if content is not None:
        (tmp_path / "keys.json").write_text(content)
    signature = f'signature {{ algorithms {algorithms} keys jwks file "keys.json" }}'
    assert said(policy(signature=signature), tmp_path) == wanted


def test_a_link_out_of_the_root_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.json").write_text(key_set(jwk_ec(EC1)))
    root = tmp_path / "root"
    root.mkdir()
    (root / "keys.json").symlink_to(tmp_path / "outside.json")
    assert said(policy(**JWKS), root) == ["PJ400@8"]


PEMS: list[tuple[str, bytes, list[str]]] = [
    ("key", pem_of(EC1.public_key()), []),
    ("certificate", certificate(), []),
    ("private", private_pem(EC1), ["PJ402@8"]),
    ("nothing", b"hello\n", ["PJ401@8"]),
    ("other kind", pem_of(ed25519.Ed25519PrivateKey.generate().public_key()), ["PJ405@8"]),
]


@pytest.mark.parametrize(("content", "wanted"), [c[1:] for c in PEMS], ids=[c[0] for c in PEMS])
def test_a_pem_file(tmp_path: Path, content: bytes, wanted: list[str]) -> None:
    (tmp_path / "k.pem").write_bytes(content)
    signature = 'signature { algorithms ES256 keys pem file "k.pem" }'
    assert said(policy(signature=signature), tmp_path) == wanted


def test_exceptions(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(key_set(jwk_ec(EC1)))
    thumbprint = _thumbprint(EC1)
    line = 'signature {{ algorithms ES256 keys jwks file "keys.json"\n except key sha256 "{}" because "x" }}'
    other = policy(signature=line.format("A" * 43))
    assert said(other, tmp_path) == ["PJ411@9"]
    assert said(policy(signature=line.format(thumbprint)), tmp_path) == ["PJ412@8"]


def _thumbprint(private: ec.EllipticCurvePrivateKey) -> str:
    from policyjwt.tokens import KeySet

    thumbprint = KeySet.from_jwks(key_set(jwk_ec(private))).keys[0].thumbprint
    assert thumbprint is not None
    return thumbprint


ED = ed25519.Ed25519PrivateKey.generate()
ANCHORS: list[tuple[str, bytes | None, list[str]]] = [
    ("good", certificate(), []),
    ("two", certificate() + certificate(), []),
    ("expired", certificate(until=2024), ["PJ431@9"]),
    ("one of two expired", certificate() + certificate(until=2024), ["PJ431@9"]),
    ("to come", certificate(since=2040), ["PJ431@9"]),
    ("no authority", certificate(ca=False), ["PJ433@9"]),
    ("of a kind that signs no path", authority("x", private=ED).pem, ["PJ431@9", "PJ433@9"]),
    ("missing", None, ["PJ400@9"]),
    ("a key", pem_of(EC1.public_key()), ["PJ430@9"]),
    ("broken", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ["PJ430@9"]),
    ("with its key", certificate() + private_pem(EC1), ["PJ402@9"]),
]


@pytest.mark.parametrize(("content", "wanted"), [c[1:] for c in ANCHORS], ids=[c[0] for c in ANCHORS])
def test_anchors(tmp_path: Path, content: bytes | None, wanted: list[str]) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_bytes(content)
    signature = 'signature { algorithms ES256 keys x5c {\n anchors "ca.pem" leaf san uri "https://idp.corp.example" } }'
    assert said(policy(signature=signature), tmp_path) == wanted


def test_anchors_are_judged_at_the_given_time(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(certificate(until=2027))
    signature = 'signature { algorithms ES256 keys x5c { anchors "ca.pem" leaf san dns "a.example" } }'
    text = policy(signature=signature)
    assert key_check(text, tmp_path, now=NOW).diagnostics == ()
    (late,) = key_check(text, tmp_path, now=NOW + 2 * 365 * 86_400).diagnostics
    assert (late.code, late.level) == ("PJ431", Level.WARNING)
    assert "expired on 2027-01-01" in late.message


def test_a_pin_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(certificate())
    signature = 'signature {{ algorithms ES256 keys x5c {{ anchors "ca.pem" leaf key sha256 "{}" }} }}'
    assert said(policy(signature=signature.format("abc")), tmp_path) == ["PJ413@8"]
    assert said(policy(signature=signature.format("A" * 43)), tmp_path) == []


@pytest.mark.parametrize(
    ("leaf", "wanted"),
    [
        ('dn "CN=idp,O=corp.example"', []),
        ('dn "idp"', ["PJ434@8"]),
        ('dn "CN=idp", "idp"', ["PJ434@8"]),
    ],
)
def test_a_name_that_no_certificate_can_have(tmp_path: Path, leaf: str, wanted: list[str]) -> None:
    (tmp_path / "ca.pem").write_bytes(certificate())
    signature = f'signature {{ algorithms ES256 keys x5c {{ anchors "ca.pem" leaf {leaf} }} }}'
    assert said(policy(signature=signature), tmp_path) == wanted


@pytest.mark.parametrize(
    ("content", "wanted"),
    [(listed(), []), (None, ["PJ400@12"]), (b"nothing", ["PJ435@12"]), (certificate(), ["PJ435@12"])],
)
def test_revocation_lists(tmp_path: Path, content: bytes | None, wanted: list[str]) -> None:
    (tmp_path / "ca.pem").write_bytes(certificate())
    if content is not None:
        (tmp_path / "list.crl").write_bytes(content)
    signature = 'signature { algorithms ES256 keys x5c { anchors "ca.pem" leaf san dns "a.example" } }\n'
    revocation = 'revocation { crl snapshot "list.crl"  age at most 1d }'
    assert said(policy(signature=signature, revocation=revocation), tmp_path) == wanted


@pytest.mark.parametrize(("room", "wanted"), [(1, []), (0, []), (-1, ["PJ400@12"])])
def test_revocation_lists_are_read_up_to_the_limit_of_snapshots(
    tmp_path: Path, room: int, wanted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").write_bytes(certificate())
    data = listed()
    (tmp_path / "list.crl").write_bytes(data)
    monkeypatch.setattr(crl_snapshot, "MAX_SNAPSHOT_BYTES", len(data) + room)
    signature = 'signature { algorithms ES256 keys x5c { anchors "ca.pem" leaf san dns "a.example" } }\n'
    revocation = 'revocation { crl snapshot "list.crl"  age at most 1d }'
    assert said(policy(signature=signature, revocation=revocation), tmp_path) == wanted


URLS: list[tuple[str, list[str]]] = [
    ('jwks url "https://idp.corp.example/jwks"', []),
    ('jwks url "https://keys.corp.example/jwks?kind=sig"', []),
    ('jwks url "http://idp.corp.example/jwks"', ["PJ440@8"]),
    ('jwks url "ftp://idp.corp.example/jwks"', ["PJ440@8"]),
    ('jwks url "https://me:secret@idp.corp.example/jwks"', ["PJ441@8"]),
    ('jwks url "https://@idp.corp.example/jwks"', ["PJ441@8"]),
    ('jwks url "https://idp.corp.example/jwks#x"', ["PJ441@8"]),
    ('jwks url "https://idp.corp.example:99999/jwks"', ["PJ441@8"]),
    ('jwks url "https:///jwks"', ["PJ441@8"]),
    ('jwks url "https://idp.corp.example/a b"', ["PJ441@8"]),
    ('jwks url "https://idp.corp.example/jwks?api_key=abc"', ["PJ442@8"]),
    ('jwks url "https://idp.other.example/jwks"', ["PJ443@8"]),
    ('discovery "https://idp.corp.example"', []),
    ('discovery "https://other.corp.example"', ["PJ444@8"]),
    ('jwks url "https://idp.corp.example/jwks" { ca "ca.pem" }', ["PJ400@8"]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "wanted"), URLS, ids=[case[0] for case in URLS])
def test_a_url(tmp_path: Path, source: str, wanted: list[str]) -> None:
    assert said(policy(signature=f"signature {{ algorithms ES256 keys {source} }}"), tmp_path) == wanted


@pytest.mark.parametrize("url", ["https://me:hunter2@a.example/j", "https://idp.corp.example/j?token=hunter2"])
def test_what_a_url_hides_is_not_quoted(tmp_path: Path, url: str) -> None:
    text = policy(signature=f'signature {{ algorithms ES256 keys jwks url "{url}" }}')
    (fault,) = key_check(text, tmp_path).diagnostics
    assert "hunter2" not in fault.message + (fault.help or "")


def test_keys_of_a_google_policy_come_from_its_other_host(tmp_path: Path) -> None:
    signature = 'signature { algorithms RS256 keys jwks url "https://www.googleapis.com/oauth2/v3/certs" }'
    assert said(policy(issuer='issuer "https://accounts.google.com"', signature=signature), tmp_path) == []


SECRETS: list[tuple[str, str, list[str]]] = [
    ("one", 'algorithms HS256 secret env "A" as base64url', []),
    ("text", 'algorithms HS256 secret env "A" as utf8', ["PJ410@8"]),
    ("two", 'algorithms HS256 secret env "A" as hex kid "a" secret env "B" as hex kid "b"', []),
    ("one twice", 'algorithms HS256 secret env "A" as hex kid "a" secret env "A" as hex kid "b"', ["PJ423@8"]),
    ("for public keys", 'algorithms ES256 secret env "A" as hex', ["PJ408@8"]),
]


@pytest.mark.parametrize(("section", "wanted"), [c[1:] for c in SECRETS], ids=[c[0] for c in SECRETS])
def test_secrets(tmp_path: Path, section: str, wanted: list[str]) -> None:
    assert said(policy(signature=f"signature {{ {section} }}"), tmp_path) == wanted


# ------------------------------------------------------------------------------ one key, two uses


def two(first: str, second: str, *, issuers: tuple[str, str] = ("https://a.example", "https://b.example")) -> str:
    """Two policies in one text, with their signatures; the second begins on line 14."""
    texts = [
        policy(name=f"p{at}", issuer=issuers[at] if " " in issuers[at] else f'issuer "{issuers[at]}"', signature=line)
        for at, line in enumerate((first, second))
    ]
    return texts[0] + texts[1].removeprefix("policyjwt 1\n")


HMAC = 'signature { algorithms HS256 secret env "A" as hex }'
URL = 'signature { algorithms ES256 keys jwks url "https://idp.corp.example/jwks" }'
TEMPLATE = 'issuer "https://login.example/{t}" where t in ["x", "y"]'


def test_one_secret_under_two_issuers(tmp_path: Path) -> None:
    found = in_order(key_check(two(HMAC, HMAC), tmp_path).diagnostics)
    assert [(fault.code, fault.level, fault.span.line) for fault in found] == [("PJ420", Level.ERROR, 20)]
    assert found[0].related[0].span.line == 8
    assert "https://a.example" in found[0].message


def test_one_secret_under_one_issuer_and_under_two_names_of_one_party(tmp_path: Path) -> None:
    same = ("https://a.example", "https://a.example")
    assert said(two(HMAC, HMAC, issuers=same), tmp_path) == []
    party = ('issuer "https://a.example", "https://b.example" same party because "x"', "https://b.example")
    assert said(two(HMAC, HMAC, issuers=party), tmp_path) == []
    fits = (TEMPLATE, "https://login.example/y")
    assert said(two(HMAC, HMAC, issuers=fits), tmp_path) == []
    fits_not = (TEMPLATE, "https://login.example/z")
    assert said(two(HMAC, HMAC, issuers=fits_not), tmp_path) == ["PJ420@20"]


def test_one_url_under_two_issuers(tmp_path: Path) -> None:
    found = [fault for fault in key_check(two(URL, URL), tmp_path).diagnostics if fault.code != "PJ443"]
    assert [(fault.code, fault.level, fault.span.line) for fault in found] == [("PJ421", Level.WARNING, 20)]
    assert "issuer-authentication" in found[0].message


def test_one_leaf_under_two_issuers(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(certificate())
    (tmp_path / "other.pem").write_bytes(certificate())
    line = 'signature {{ algorithms ES256 keys x5c {{ anchors "{}" leaf {} }} }}'
    names = 'san uri "https://a.example"'
    assert said(two(line.format("ca.pem", names), line.format("ca.pem", names)), tmp_path) == ["PJ421@20"]
    assert said(two(line.format("ca.pem", names), line.format("other.pem", names)), tmp_path) == []
    pin = f'key sha256 "{"A" * 43}"'
    assert said(two(line.format("ca.pem", pin), line.format("other.pem", pin)), tmp_path) == ["PJ421@20"]


def test_one_public_key_in_two_files_under_two_issuers(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(key_set(jwk_ec(EC1, kid="a"), jwk_ec(EC2, kid="b")))
    (tmp_path / "k.pem").write_bytes(pem_of(EC2.public_key()))
    text = two(JWKS["signature"], 'signature { algorithms ES256 keys pem file "k.pem" }')
    assert said(text, tmp_path) == ["PJ421@20"]


def test_two_keys_under_two_issuers(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(key_set(jwk_ec(EC1)))
    (tmp_path / "k.pem").write_bytes(pem_of(EC2.public_key()))
    text = two(JWKS["signature"], 'signature { algorithms ES256 keys pem file "k.pem" }')
    assert said(text, tmp_path) == []


def test_one_reference_to_verify_and_to_decrypt(tmp_path: Path) -> None:
    encryption = 'encryption { algorithms dir content A256GCM key env "A" as base64url }'
    assert said(policy(encryption, signature=HMAC), tmp_path) == ["PJ422@13"]


def test_many_policies_cost_one_look_at_each_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from policyjwt.checker import key_parties

    looked = 0
    of_group = key_parties._of_group

    def counting(group: list[key_parties.Use]) -> object:
        nonlocal looked
        looked += len(group)
        return of_group(group)

    monkeypatch.setattr(key_parties, "_of_group", counting)
    texts = [
        policy(name=f"p{n}", signature=f'signature {{ algorithms HS256 secret env "S{n}" as hex }}') for n in range(60)
    ]
    text = texts[0] + "".join(each.removeprefix("policyjwt 1\n") for each in texts[1:])
    assert key_check(text, tmp_path).diagnostics == ()
    assert looked == 60


def test_what_was_not_checked_is_counted(tmp_path: Path) -> None:
    encryption = 'encryption { algorithms dir content A256GCM key env "K" as base64url }'
    section = 'signature { algorithms HS256 secret env "A" as hex kid "a" secret keyring "s" "u" as hex kid "b" }'
    assert key_check(policy(encryption, signature=section), tmp_path).unchecked == {"secrets": 2, "private keys": 1}
    same = ("https://a.example", "https://a.example")
    assert key_check(two(URL, URL, issuers=same), tmp_path).unchecked == {"key sets fetched at run time": 1}
    assert key_check(two(HMAC, URL, issuers=same), tmp_path).unchecked == {
        "secrets": 1,
        "key sets fetched at run time": 1,
    }


def test_nothing_but_public_files_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("secret", "private.pem", "ca.pem", "keys.json"):
        (tmp_path / name).write_bytes(certificate() if name == "ca.pem" else key_set(jwk_ec(EC1)).encode())
    opened: list[str] = []
    real_open = os.open

    def spying(path: str, *args: int, **more: int) -> int:
        opened.append(os.fspath(path))
        return real_open(path, *args, **more)

    def refused(*_: object, **__: object) -> object:
        raise AssertionError("no socket, no environment")

    text = "".join(
        [
            policy(
                'encryption { algorithms ECDH-ES content A256GCM key file "private.pem" as pem }',
                signature='signature { algorithms HS256 secret file "secret" as base64url }',
            ),
            policy(name="q", signature=JWKS["signature"]).removeprefix("policyjwt 1\n"),
            policy(
                name="r", signature='signature { algorithms ES256 keys jwks url "https://a.example/j" { ca "ca.pem" } }'
            ).removeprefix("policyjwt 1\n"),
            policy(name="s", signature=HMAC).removeprefix("policyjwt 1\n"),
        ]
    )
    made = [(block, str(tmp_path)) for block in blocks(text, tmp_path)]
    from policyjwt.checker.keys import check_keys

    monkeypatch.setattr(os, "open", spying)
    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(os, "getenv", refused)
    monkeypatch.setattr(os, "environ", None)
    monkeypatch.setattr(os, "environb", None)
    check_keys(made, now=NOW)
    monkeypatch.undo()
    names = {Path(each).name for each in opened}
    assert {"ca.pem", "keys.json"} <= names
    assert not names & {"secret", "private.pem"}


# ------------------------------------------------------------------------------ with `--resolve`


def resolved(text: str, root: Path) -> list[str]:
    found = resolve_keys([(block, str(root)) for block in blocks(text, root)])
    return [f"{fault.code}@{fault.span.line}" for fault in in_order(found)]


def secret_file(root: Path, content: bytes, *, mode: int = 0o400, name: str = "s") -> None:
    path = root / name
    path.write_bytes(content)
    path.chmod(mode)


GOOD = base64.urlsafe_b64encode(bytes(range(32))).rstrip(b"=")
FROM_FILE = 'signature { algorithms HS256 secret file "s" as base64url }'


def test_a_good_secret_file(tmp_path: Path) -> None:
    secret_file(tmp_path, GOOD + b"\n")
    assert resolved(policy(signature=FROM_FILE), tmp_path) == []


@pytest.mark.parametrize(
    ("content", "mode", "wanted"),
    [
        (GOOD, 0o404, ["PJ445@8"]),
        (GOOD, 0o620, ["PJ445@8"]),
        (GOOD[:20], 0o400, ["PJ445@8"]),
        (base64.urlsafe_b64encode(b"a" * 33), 0o400, ["PJ445@8"]),
        (b"not base64!", 0o400, ["PJ445@8"]),
        (None, 0, ["PJ445@8"]),
    ],
    ids=["readable by others", "writable by group", "short", "one byte", "not base64url", "missing"],
)
def test_a_bad_secret_file(tmp_path: Path, content: bytes | None, mode: int, wanted: list[str]) -> None:
    if content is not None:
        secret_file(tmp_path, content, mode=mode)
    assert resolved(policy(signature=FROM_FILE), tmp_path) == wanted


def test_a_secret_that_the_group_can_read_is_a_note(tmp_path: Path) -> None:
    secret_file(tmp_path, GOOD, mode=0o440)
    assert resolved(policy(signature=FROM_FILE), tmp_path) == ["PJ446@8"]


def test_secrets_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = policy(signature='signature { algorithms HS256, HS512 secret env "A_SECRET" as base64url }')
    monkeypatch.delenv("A_SECRET", raising=False)
    assert resolved(text, tmp_path) == ["PJ445@8"]
    monkeypatch.setenv("A_SECRET", GOOD.decode())
    assert resolved(text, tmp_path) == ["PJ448@8"]


OWN = 'signature { algorithms ES256  keys jwks file "own.json" }'
DECRYPTS = 'encryption { algorithms ECDH-ES  content A256GCM  key file "k" as pem }'


def test_resolve_compares_what_decrypts_with_all_that_verifies(tmp_path: Path) -> None:
    """Anchors, pinned responders and status lists too, as loading does."""
    root = authority("Root")
    secret_file(tmp_path, root.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), name="k")
    (tmp_path / "ca.pem").write_bytes(root.pem)
    (tmp_path / "own.json").write_text(json.dumps({"keys": [Issuer(kid="o").jwk()]}))
    numbers = root.private.public_key().public_numbers()
    x, y = (base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode() for n in (numbers.x, numbers.y))
    (tmp_path / "list.json").write_text(json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "x": x, "y": y}]}))
    status = 'status { list from caller  keys jwks file "list.json"  uri "https://s.example/1"  age at most 1h }'
    anchored = 'signature { algorithms ES256  keys x5c { anchors "ca.pem"  leaf san uri "https://i.example" } }'
    held = 'holder mtls { anchors "ca.pem" }'
    for more in ((OWN, status), (anchored, ""), (OWN, held)):
        text = policy(f"{DECRYPTS}\n{more[1]}", signature=more[0])
        assert "PJ422" in {code.partition("@")[0] for code in resolved(text, tmp_path)}, more
    assert resolved(policy(DECRYPTS, signature=OWN), tmp_path) == []


def test_resolve_finds_a_section_whose_keys_fit_nothing(tmp_path: Path) -> None:
    root = authority("Root")
    secret_file(tmp_path, root.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), name="k")
    (tmp_path / "own.json").write_text(json.dumps({"keys": [Issuer(kid="o").jwk()]}))
    text = policy(DECRYPTS.replace("ECDH-ES", "RSA-OAEP"), signature=OWN)
    assert [code.partition("@")[0] for code in resolved(text, tmp_path)] == ["PJ449"]


def test_one_file_under_two_spellings(tmp_path: Path) -> None:
    text = policy('encryption { algorithms A256KW  content A256GCM  key file "./s" as base64url }', signature=FROM_FILE)
    assert "PJ422" in {fault.code for fault in key_check(text, tmp_path).diagnostics}


def test_one_secret_under_two_names_and_two_issuers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", bytes(range(32)).hex())
    secret_file(tmp_path, GOOD)
    second = 'signature { algorithms HS256 secret env "A_SECRET" as hex }'
    assert said(two(FROM_FILE, second), tmp_path) == []
    assert resolved(two(FROM_FILE, second), tmp_path) == ["PJ420@20"]


def test_a_signing_key_that_decrypts(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(key_set(jwk_ec(EC1)))
    secret_file(tmp_path, private_pem(EC1), name="d.pem")
    secret_file(tmp_path, private_pem(EC2), name="other.pem")
    encryption = 'encryption {{ algorithms ECDH-ES content A256GCM key file "{}" as pem }}'
    assert resolved(policy(encryption.format("d.pem"), **JWKS), tmp_path) == ["PJ422@13"]
    assert resolved(policy(encryption.format("other.pem"), **JWKS), tmp_path) == []


def test_a_decryption_key_as_jwk(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(key_set(jwk_ec(EC1)))
    private = jwk_ec(EC1, use="enc", d=number(EC1.private_numbers().private_value, 32))
    secret_file(tmp_path, json.dumps(private).encode(), name="d.jwk")
    secret_file(tmp_path, b"[]", name="bad.jwk")
    encryption = 'encryption {{ algorithms ECDH-ES content A256GCM key file "{}" as jwk }}'
    assert resolved(policy(encryption.format("d.jwk"), **JWKS), tmp_path) == ["PJ422@13"]
    assert resolved(policy(encryption.format("bad.jwk"), **JWKS), tmp_path) == ["PJ445@13"]


def test_nothing_of_a_secret_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "hunter2-hunter2")
    text = policy(signature='signature { algorithms HS256 secret env "A_SECRET" as utf8 }')
    found = resolve_keys([(block, str(tmp_path)) for block in blocks(text, tmp_path)])
    assert found
    assert "hunter2" not in repr(found)
