"""`policyjwt keys`: a set is fetched and kept only if it is good; explained, good or not; and pinned key by key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from policyjwt.keys.files import parse_jwks
from policyjwt.tokens import KeySet
from tests.cli.conftest import Cli, Ended
from tests.issuer import Issuer, b64, number
from tests.keys.https_server import KeyHost, answer, closed_port, jwks, own_authority, sends, serving
from tests.pki import pki

ONE, TWO, RSA_KEY = Issuer(kid="k1"), Issuer("Ed25519", kid="k2"), Issuer("RS256", kid="k3")


def thumbprint(issuer: Issuer) -> str:
    (key,) = issuer.keys().keys
    assert key.thumbprint is not None
    return key.thumbprint


@pytest.fixture
def host() -> Iterator[KeyHost]:
    with serving(sends(answer(jwks(ONE, TWO)))) as found:
        yield found


@pytest.fixture(autouse=True)
def _files(cli: Cli) -> None:
    """The authority; `cli` comes first: it enters the empty folder."""
    Path("ca.pem").write_bytes(own_authority().pem)


def entries(*items: Any) -> bytes:
    return json.dumps({"keys": items}).encode()


# --------------------------------------------------------------------------------------------------- fetch


def fetch(cli: Cli, url: str, *more: str) -> Ended:
    return cli("keys", "fetch", url, "--ca", "ca.pem", *more)


def test_a_good_set_is_kept(cli: Cli, host: KeyHost) -> None:
    ended = fetch(cli, host.url, "--output", "idp.jwks.json")
    assert (ended.status, ended.out) == (0, "")
    assert ended.err == "policyjwt: 2 keys for signatures\n"
    kept = parse_jwks(Path("idp.jwks.json").read_bytes())
    assert {key.thumbprint for key in kept.keys} == {thumbprint(ONE), thumbprint(TWO)}
    assert Path("idp.jwks.json").stat().st_mode & 0o777 == 0o644


def test_without_a_file_it_is_printed(cli: Cli, host: KeyHost) -> None:
    ended = fetch(cli, host.url)
    assert json.loads(ended.out) == {"keys": [{"kid": "k1", "use": "sig", "alg": "ES256", **_bare(ONE)}, _two()]}
    assert fetch(cli, host.url, "--output", "-").out == ended.out


def _bare(issuer: Issuer) -> dict[str, Any]:
    return {name: value for name, value in issuer.jwk().items() if name != "kid"}


def _two() -> dict[str, Any]:
    return {"kid": "k2", "use": "sig", **_bare(TWO)}


def test_only_public_numbers_of_signature_keys_are_kept(cli: Cli, host: KeyHost) -> None:
    more = {"x5c": ["AAAA"], "x5u": "https://evil.example", "note": "hello", "key_ops": ["verify"]}
    encryption = Issuer(kid="enc").jwk() | {"use": "enc"}
    host.reply = sends(answer(entries(RSA_KEY.jwk() | {"alg": "RS256"} | more, encryption, encryption)))
    ended = fetch(cli, host.url)
    assert json.loads(ended.out) == {"keys": [{"kid": "k3", "use": "sig", "alg": "RS256", **_bare(RSA_KEY)}]}
    assert ended.err == (
        "policyjwt: 1 key for signatures, 2 entries passed over\npolicyjwt: passed over: its `use` is not `sig`\n"
    )


def test_the_order_of_the_source_does_not_matter(cli: Cli, host: KeyHost) -> None:
    one = fetch(cli, host.url).out
    host.publish(TWO, ONE)
    assert fetch(cli, host.url).out == one


def test_what_is_kept_means_the_same() -> None:
    from policyjwt.keys.described import public_jwks

    sources = [
        Issuer(alg, kid) for alg in ("ES256", "ES384", "ES512", "Ed25519", "Ed448", "RS256") for kid in (None, "a")
    ]
    for each in sources:
        for narrowed in ({}, {"alg": "EdDSA" if each.alg.startswith("Ed") else each.alg}):
            before = KeySet.from_jwks({"keys": [each.jwk() | narrowed]})
            after = KeySet.from_jwks(public_jwks(before.keys))
            (one,), (other,) = before.keys, after.keys
            assert (one.kid, one.algorithms, one.thumbprint) == (other.kid, other.algorithms, other.thumbprint)


def test_discovery(cli: Cli, host: KeyHost) -> None:
    keys = answer(jwks(ONE))

    def reply(connection: Any, _: Any) -> None:
        document = {"issuer": named, "jwks_uri": host.url}
        asked = "openid-configuration" in host.asked[-1]
        connection.sendall(answer(json.dumps(document).encode()) if asked else keys)

    host.reply, named = reply, host.issuer
    assert fetch(cli, host.issuer, "--discovery").status == 0
    named = "https://other.example"
    ended = fetch(cli, host.issuer, "--discovery")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("policyjwt: the discovery document names another issuer than the policy\nhelp: ")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<html>", "key.malformed"),
        (b'{"keys": []}', "key.usage"),
        (entries(ONE.jwk(), ONE.jwk()), "key.ambiguous"),
        (entries(Issuer("HS256").jwk()), "key.private_in_public_set"),
        (entries(ONE.jwk() | {"d": "AAAA"}), "key.private_in_public_set"),
        (entries(ONE.jwk() | {"x": "AAAA"}), "key.invalid"),
    ],
    ids=range(6),
)
def test_a_set_that_is_not_good_is_never_written(cli: Cli, host: KeyHost, body: bytes, code: str) -> None:
    Path("old.json").write_text("old")
    host.reply = sends(answer(body))
    ended = fetch(cli, host.url, "--output", "old.json")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"policyjwt: the keys of the host are not good, {code}: ")
    assert Path("old.json").read_text() == "old"


def test_no_answer_is_another_status(cli: Cli, host: KeyHost) -> None:
    assert fetch(cli, f"https://localhost:{closed_port()}/").err.startswith(
        "policyjwt: the host of the keys can't be reached: connection refused\nhelp: "
    )
    host.reply = sends(answer(status="302 Found", more="Location: https://localhost/\r\n"))
    for ended in (
        fetch(cli, host.url, "--output", "new.json"),
        fetch(cli, "http://localhost/keys", "--output", "new.json"),
        cli("keys", "fetch", host.url, "--output", "new.json"),
        cli("keys", "fetch", host.url, "--ca", "none.pem", "--output", "new.json"),
        fetch(cli, host.url, "--output", "none/new.json"),
        fetch(cli, host.url, "--timeout", "0"),
        cli("keys", "fetch"),
    ):
        assert (ended.status, ended.out) == (2, "")
    assert not Path("new.json").exists()


# --------------------------------------------------------------------------------------------------- show


def show(cli: Cli, data: bytes, *more: str) -> Ended:
    Path("keys").write_bytes(data)
    ended = cli("keys", "show", "keys", *more)
    assert ended.err == ""
    return ended


def test_a_good_set_is_explained(cli: Cli) -> None:
    encryption = Issuer().jwk() | {"use": "enc"}
    ended = show(cli, entries(ONE.jwk(), RSA_KEY.jwk(), Issuer("ES384", None).jwk() | {"kid": "a\u202eb"}, encryption))
    assert ended.status == 0
    third = ended.out.split("thumbprint  ")[3].split("\n")[0]
    assert ended.out == (
        "GOOD   3 keys for signatures, 1 entry passed over\n"
        "\n"
        "  key 1\n"
        "    kid         k1\n"
        "    kind        EC P-256\n"
        "    algorithms  ES256\n"
        f"    thumbprint  {thumbprint(ONE)}\n"
        "\n"
        "  key 2\n"
        "    kid         k3\n"
        "    kind        RSA 2048 bits\n"
        "    algorithms  RS256, RS384, RS512, PS256, PS384, PS512\n"
        f"    thumbprint  {thumbprint(RSA_KEY)}\n"
        "\n"
        "  key 3\n"
        "    kid         a\\u{202e}b\n"
        "    kind        EC P-384\n"
        "    algorithms  ES384\n"
        f"    thumbprint  {third}\n"
        "\n"
        "  passed over: its `use` is not `sig`\n"
    )


def test_pem_is_explained(cli: Cli) -> None:
    pem = TWO.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ended = show(cli, b"issuer: corp\n" + pem + pki().leaf.pem)
    assert ended.status == 0
    assert ended.out.startswith("GOOD   2 keys for signatures\n\n  key 1\n    kid         none; of several keys its")
    assert "    kind        OKP Ed25519\n    algorithms  EdDSA, Ed25519\n" in ended.out
    assert f"    thumbprint  {thumbprint(TWO)}\n" in ended.out


def test_standard_input_and_json(cli: Cli) -> None:
    ended = cli("keys", "show", "-", "--format", "json", stdin=jwks(RSA_KEY))
    assert ended.status == 0
    assert json.loads(ended.out) == {
        "format_version": "1",
        "good": True,
        "keys": [
            {
                "kid": "k3",
                "kind": "RSA",
                "curve": None,
                "bits": 2048,
                "algorithms": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
                "thumbprint": thumbprint(RSA_KEY),
            }
        ],
        "passed_over": [],
        "faults": [],
    }


def _weak() -> dict[str, Any]:
    numbers = rsa.generate_private_key(65537, 1024).public_key().public_numbers()
    return {"kty": "RSA", "kid": "weak", "n": number(numbers.n), "e": number(numbers.e)}


@pytest.mark.parametrize(
    ("data", "codes", "shown"),
    [
        (entries(_weak(), ONE.jwk()), ["key.weak"], 1),
        (entries(ONE.jwk(), TWO.jwk() | {"kid": "k1"}), ["key.ambiguous"], 2),
        (entries(ONE.jwk() | {"use": "enc"}), ["key.usage"], 0),
        (entries(ONE.jwk() | {"x": "AAAA"}, _weak()), ["key.invalid", "key.weak"], 0),
        (b'{"keys": [], "keys": []}', ["key.malformed"], 0),
        (b"text", ["key.malformed"], 0),
        (b"", ["key.malformed"], 0),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ["key.malformed"], 0),
        (b"-----BEGIN PUBLIC KEY-----\n", ["key.malformed"], 0),
    ],
    ids=range(9),
)
def test_faults_are_told(cli: Cli, data: bytes, codes: list[str], shown: int) -> None:
    told = json.loads((ended := show(cli, data, "--format", "json")).out)
    assert ended.status == 1
    assert ([each["code"] for each in told["faults"]], len(told["keys"]), told["good"]) == (codes, shown, False)
    text = show(cli, data)
    assert text.status == 1
    assert text.out.startswith(f"NOT GOOD   {codes[0]}\n\n  ✗ {codes[0]}   ")


def _privates() -> Iterator[tuple[bytes, list[str]]]:
    """Files with secret parts, each with the texts that must not be shown."""
    scalar = b64(ONE.private.private_numbers().private_value.to_bytes(32, "big"))
    yield entries(ONE.jwk() | {"d": scalar}), [scalar, "k1"]
    yield entries(TWO.jwk(), ONE.jwk() | {"d": scalar}), [scalar, "k1"]
    secret = Issuer("HS256", "kid-of-a-secret")
    yield entries(secret.jwk()), [b64(secret.private), "kid-of-a-secret"]
    yield entries(ONE.jwk(), secret.jwk()), [b64(secret.private), "kid-of-a-secret"]
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, form, NoEncryption())
        yield pem, [line.decode() for line in pem.splitlines()[1:-1]]


@pytest.mark.parametrize(("data", "hidden"), list(_privates()), ids=range(6))
def test_of_a_private_key_nothing_is_shown(cli: Cli, data: bytes, hidden: list[str]) -> None:
    for more in ((), ("--format", "json")):
        ended = show(cli, data, *more)
        assert ended.status == 1
        assert "key.private_in_public_set" in ended.out or "key.type_confusion" in ended.out
        assert not [text for text in hidden if text in ended.out]


def test_what_can_not_be_read(cli: Cli) -> None:
    Path("large").write_bytes(b" " * (512 * 1024 + 1))
    for file, why in (
        ("none", "can't be read: the key file does not exist"),
        (".", "can't be read: a key file that is no regular file"),
        ("large", "can't be read: a key file of more than 524288 bytes"),
        ("a\0b", "can't be read: the key file can't be read"),
    ):
        ended = cli("keys", "show", file)
        assert (ended.status, ended.out) == (2, "")
        assert why in ended.err
    assert cli("keys", "show", "-", stdin=b" " * (512 * 1024 + 1)).status == 2


# --------------------------------------------------------------------------------------------------- pin


def pin(cli: Cli, source: str | Path, *more: str, file: str = "pinned.json") -> Ended:
    return cli("keys", "pin", source, "--output", file, *more)


def line(word: str, issuer: Issuer, what: str) -> str:
    return f"{word:<9}  {thumbprint(issuer)}  {what}, kid `{issuer.kid}`\n"


def kept(file: str = "pinned.json") -> list[str | None]:
    return [key.kid for key in parse_jwks(Path(file).read_bytes()).keys]


EC, ED = "EC P-256 for ES256", "OKP Ed25519 for EdDSA, Ed25519"
RS = "RSA 2048 bits for RS256, RS384, RS512, PS256, PS384, PS512"


def test_chosen_keys_are_pinned(cli: Cli, host: KeyHost) -> None:
    ended = pin(cli, host.url, "--ca", "ca.pem", "--thumbprint", thumbprint(ONE))
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == line("new", ONE, EC) + '\nkeys jwks file "pinned.json"\n'
    assert kept() == ["k1"]
    host.publish(ONE, TWO, RSA_KEY)
    ended = pin(cli, host.url, "--ca", "ca.pem", "--kid", "k3", "--thumbprint", thumbprint(TWO))
    assert ended.out == (
        line("new", TWO, ED) + line("new", RSA_KEY, RS) + line("gone", ONE, EC) + '\nkeys jwks file "pinned.json"\n'
    )
    assert kept() == ["k2", "k3"]


def test_a_policy_takes_the_line(cli: Cli) -> None:
    from tests.issuer import policy

    Path("source.json").write_bytes(jwks(ONE))
    text = pin(cli, "source.json", "--all").out.split("\n\n")[1]
    Path("p.policy").write_text(policy(keys=text.strip(), revocation='waive revocation because "a test"'))
    ended = cli("validate", "p.policy")
    assert (ended.status, "PJ4" in ended.out) == (0, False), ended.out


def test_all_keys_of_a_file_are_pinned(cli: Cli) -> None:
    pem = ONE.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    Path("source.pem").write_bytes(pem)
    ended = pin(cli, "source.pem", "--all")
    assert ended.out.startswith(f"new        {thumbprint(ONE)}  {EC}, without kid\n")
    assert kept() == [None]
    again = pin(cli, "source.pem", "--all")
    assert again.out.startswith("unchanged  ")


def test_a_check_hears_of_a_rotation(cli: Cli, host: KeyHost) -> None:
    more = ("--ca", "ca.pem")
    pin(cli, host.url, "--all", *more)
    before = Path("pinned.json").read_bytes()
    ended = pin(cli, host.url, "--check", *more)
    assert (ended.status, ended.out) == (0, line("unchanged", ONE, EC) + line("unchanged", TWO, ED))
    assert ended.err == "policyjwt: `pinned.json` has the keys of the source\n"
    renamed = Issuer.__new__(Issuer)
    renamed.alg, renamed.kid, renamed.private = "Ed25519", "k9", TWO.private
    host.publish(renamed, RSA_KEY)
    ended = pin(cli, host.url, "--check", *more)
    assert ended.status == 1
    assert ended.out == line("new", RSA_KEY, RS) + line("gone", ONE, EC) + line("changed", renamed, ED)
    assert ended.err == "policyjwt: `pinned.json` differs\n"
    assert Path("pinned.json").read_bytes() == before


def test_a_check_of_chosen_keys(cli: Cli) -> None:
    Path("source.json").write_bytes(jwks(ONE, TWO))
    pin(cli, "source.json", "--kid", "k1")
    assert pin(cli, "source.json", "--check", "--kid", "k1").status == 0
    assert pin(cli, "source.json", "--check").status == 1
    Path("source.json").write_bytes(jwks(TWO))
    gone = pin(cli, "source.json", "--check", "--kid", "k1")
    assert (gone.status, gone.out) == (1, line("gone", ONE, EC))


def test_a_narrowed_key_has_changed(cli: Cli) -> None:
    Path("source.json").write_bytes(jwks(RSA_KEY))
    pin(cli, "source.json", "--all")
    Path("source.json").write_bytes(jwks(RSA_KEY, alg="PS256"))
    ended = pin(cli, "source.json", "--check")
    assert (ended.status, ended.out) == (1, line("changed", RSA_KEY, "RSA 2048 bits for PS256"))


def test_what_is_not_pinned(cli: Cli, host: KeyHost) -> None:
    Path("source.json").write_bytes(jwks(ONE))
    Path("bad.json").write_bytes(b"{}")
    Path("text").write_bytes(b"my notes")
    for status, why, arguments in (
        (2, "nothing says which keys are to be pinned", ("source.json",)),
        (2, "`--all` leaves nothing to choose", ("source.json", "--all", "--kid", "k1")),
        (1, "the source has no key `k9`", ("source.json", "--kid", "k9")),
        (1, "the source has no key `k1`", ("source.json", "--thumbprint", "k1")),
        (1, "the source has no key `k9`", ("source.json", "--kid", "k1", "--kid", "k9")),
        (1, "the keys of `bad.json` are not good, key.malformed", ("bad.json", "--all")),
        (2, "`none.json` can't be read", ("none.json", "--all")),
        (2, "`pinned.json` does not exist", ("source.json", "--check")),
        (2, "`--ca` is for TLS", ("source.json", "--all", "--ca", "ca.pem")),
        (2, "is not who it should be", (host.url, "--all")),
        (2, "is not https with a host", ("http://localhost/", "--all")),
    ):
        ended = pin(cli, *arguments)
        assert (ended.status, ended.out) == (status, "")
        assert why in ended.err
    assert not Path("pinned.json").exists()
    for file in ("text", "bad.json"):
        ended = pin(cli, "source.json", "--all", file=file)
        assert ended.status == 2
        assert f"`{file}` exists and is no file of public keys" in ended.err
    assert Path("text").read_bytes() == b"my notes"


def test_the_help_names_every_command(cli: Cli) -> None:
    ended = cli("keys", "--help")
    assert ended.status == 0
    assert [word for word in ("fetch", "show", "pin") if f"  {word} " in ended.out] == ["fetch", "show", "pin"]
    for name in ("fetch", "show", "pin"):
        assert cli("keys", name, "--help").status == 0
    help_ = cli("keys", "pin", "--help").out
    assert "\n    policyjwt keys pin https://idp.corp.example/jwks.json --check --output keys/idp.jwks.json\n" in help_
