"""Secrets in the operating system's keyring (K1, K2): a real Secret Service, and the backends that are refused."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import keyring as installed
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from keyring.backend import KeyringBackend, get_all_keyring
from keyring.backends import SecretService, chainer, null
from keyring.errors import KeyringLocked

from policyjwt.checker.keys_resolve import resolve_keys
from policyjwt.errors import KeyRefused
from policyjwt.keys import keyring
from policyjwt.keys.keyring import from_keyring
from policyjwt.tokens.limits import MAX_SECRET_BYTES
from tests.checker import policy_text
from tests.issuer import NOW, Issuer, claims, number, policy
from tests.keys.secret_service import (
    HANG_GUARD,
    Session,
    bare_session,
    lock,
    needs_secret_service,
    nobody_at_the_screen,
    secret_service,
    store,
)
from tests.keys.test_secrets import MARK, SECRET, TEXTS, all_that_shows

UNREACHABLE = "key.backend_refused: no keyring of the operating system can be reached"
NO_ENTRY = "key.not_found: the keyring has no such entry, or an empty one"
SILENT = "key.not_found: the keyring did not answer: it may be locked and waiting for somebody"

pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed <socket:ResourceWarning"  # the backend leaves its connection where it finds a locked collection
)


@pytest.fixture(scope="module")
def service() -> Iterator[Session]:
    with secret_service() as session:
        yield session


@pytest.fixture(autouse=True)
def _nothing_of_this_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No session, no settings, and nothing that `keyring` has found before: it looks once in a process."""
    for name in ("DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    monkeypatch.setattr(KeyringBackend, "_classes", set(KeyringBackend._classes))
    vars(get_all_keyring).pop("saved_result", None)
    yield
    for thread in keyring._waiting:
        thread.join(HANG_GUARD)
        assert not thread.is_alive()
    vars(get_all_keyring).pop("saved_result", None)


@pytest.fixture
def session(service: Session, monkeypatch: pytest.MonkeyPatch) -> Session:
    """This process is in a session with a Secret Service."""
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    return service


def refused(service: str = "partner-hook", user: str = "2026-09", encoding: str = "utf8") -> str:
    """Why there is no secret. All that shows of the refusal is searched for the mark of secrets."""
    with pytest.raises(KeyRefused) as caught:
        from_keyring(service, user, encoding)
    assert MARK not in all_that_shows(caught.value)
    return str(caught.value)


def new(kind: Any) -> KeyringBackend:
    """The classes of `keyring` have types, and their constructors none."""
    made: KeyringBackend = kind()
    return made


def code(said: str) -> str:
    return said.partition(":")[0]


# --- found ------------------------------------------------------------------------------------------------


@needs_secret_service
@pytest.mark.parametrize("encoding", TEXTS)
def test_a_real_secret_service_gives_the_secret(session: Session, encoding: str) -> None:
    store(session, "partner-hook", encoding, TEXTS[encoding])
    assert from_keyring("partner-hook", encoding, encoding) == SECRET
    assert type(installed.get_keyring()) is SecretService.Keyring


@needs_secret_service
def test_what_keyring_stores_itself_is_taken_as_it_stands(session: Session) -> None:
    installed.set_password("a/b ü", "c", " x\n")
    assert from_keyring("a/b ü", "c", "utf8") == b" x\n"
    assert refused("a/b ü", "c", "hex") == "key.malformed: a secret that is not hex"


@needs_secret_service
def test_an_entry_is_bounded(session: Session) -> None:
    store(session, "long", "fits", "a" * MAX_SECRET_BYTES)
    store(session, "long", "does not", MARK.ljust(MAX_SECRET_BYTES + 1, "a"))
    assert len(from_keyring("long", "fits", "utf8")) == MAX_SECRET_BYTES
    assert refused("long", "does not") == "key.malformed: an entry of the keyring of more than 65536 characters"


@needs_secret_service
def test_a_chain_of_the_systems_own(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are several, all are asked, in their order."""

    class Empty(SecretService.Keyring):
        def get_password(self, service: str, username: str) -> None:
            return None

    Empty.__module__, Empty.__qualname__ = "keyring.backends.libsecret", "Keyring"
    chained(monkeypatch, new(Empty), new(SecretService.Keyring))
    store(session, "chain", "u", "ab")
    assert from_keyring("chain", "u", "hex") == b"\xab"
    assert refused("chain", "nobody") == NO_ENTRY


def chained(monkeypatch: pytest.MonkeyPatch, *backends: KeyringBackend) -> None:
    monkeypatch.setattr(chainer.ChainerBackend, "backends", backends)
    installed.set_keyring(new(chainer.ChainerBackend))


# --- K1: not found ------------------------------------------------------------------------------------------


@needs_secret_service
def test_K1_not_found(session: Session) -> None:  # noqa: N802 - the row's own name
    store(session, "partner-hook", "empty", "")
    store(session, "partner-hook", "2026-08", MARK)
    for user in ("empty", "2026-09", "2026-08 ", "2026-0"):
        assert refused("partner-hook", user) == NO_ENTRY
    assert refused("partner", "2026-08") == NO_ENTRY
    assert refused("partner-hook\0", "2026-08") == "key.not_found: the keyring can't be read"


@needs_secret_service
@pytest.mark.parametrize("encoding", ["hex", "base64url"])
def test_K1_not_in_its_encoding(session: Session, encoding: str) -> None:  # noqa: N802
    store(session, "partner-hook", "text", f"{MARK}!")
    assert refused("partner-hook", "text", encoding) == f"key.malformed: a secret that is not {encoding}"


@needs_secret_service
def test_K1_a_locked_collection_and_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
    with secret_service() as own:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", own.address)
        store(own, "partner-hook", "2026-09", MARK)
        assert from_keyring("partner-hook", "2026-09", "utf8") == MARK.encode()
        lock(own)
        assert refused() == "key.not_found: the keyring is locked"


@needs_secret_service
def test_K1_a_prompt_that_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
    """It would wait for ever. Some may wait, further ones are refused without asking, until those end."""
    monkeypatch.setattr(keyring, "ANSWER_SECONDS", 0.5)
    with secret_service() as own:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", own.address)
        store(own, "partner-hook", "2026-09", MARK)
        lock(own)
        with nobody_at_the_screen(own):
            for asked in range(1, keyring.MAX_WAITING + 1):
                assert refused() == SILENT
                assert sum(thread.is_alive() for thread in keyring._waiting) == asked
            assert refused() == SILENT
            assert sum(thread.is_alive() for thread in keyring._waiting) == keyring.MAX_WAITING
    for thread in keyring._waiting:
        thread.join(HANG_GUARD)  # they end with their session
    monkeypatch.setattr(keyring, "ANSWER_SECONDS", HANG_GUARD)
    assert refused() == UNREACHABLE
    assert len(keyring._waiting) == 1


FAULTS = [
    pytest.param(ValueError(f"the entry {MARK} is odd"), "key.not_found: the keyring can't be read", id="an exception"),
    pytest.param(KeyringLocked(MARK), "key.not_found: the keyring is locked", id="locked"),
    pytest.param(SystemExit(MARK), "key.not_found: the keyring can't be read", id="an exit"),
    pytest.param(KeyRefused("key.weak", "ours"), "key.weak: ours", id="ours"),
    pytest.param(MARK.encode(), "key.malformed: the keyring answered with something that is no text", id="bytes"),
    pytest.param(7, "key.malformed: the keyring answered with something that is no text", id="a number"),
    pytest.param("\ud800" + MARK, "key.malformed: a secret that is not utf8", id="no characters"),
]


@needs_secret_service
@pytest.mark.parametrize(("answer", "wanted"), FAULTS)
def test_K1_an_answer_that_is_none(  # noqa: N802
    session: Session, answer: object, wanted: str, monkeypatch: pytest.MonkeyPatch, told: Callable[[], str]
) -> None:
    monkeypatch.setattr(SecretService.Keyring, "get_password", answering(answer))
    assert refused() == wanted
    assert MARK not in told()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What was logged and printed."""
    caplog.set_level(logging.DEBUG)
    return lambda: caplog.text + str(capsys.readouterr())


def answering(answer: object) -> Any:
    def get_password(_self: object, _service: str, _username: str) -> object:
        found = MARK  # what a backend holds when it fails
        if isinstance(answer, BaseException):
            raise answer from LookupError(found)
        return answer

    return get_password


@needs_secret_service
def test_K1_an_answer_after_the_time_is_for_nobody(  # noqa: N802
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = Event()

    def get_password(_self: object, _service: str, _username: str) -> str:
        late.wait(HANG_GUARD)
        return MARK

    monkeypatch.setattr(keyring, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(SecretService.Keyring, "get_password", get_password)
    assert refused() == SILENT
    (thread,) = [thread for thread in keyring._waiting if thread.is_alive()]
    assert thread.daemon, "it keeps no process from ending"
    late.set()


# --- K2: backends that are not asked ----------------------------------------------------------------------


def test_K2_no_session_at_all() -> None:  # noqa: N802
    assert refused() == UNREACHABLE
    assert installed.get_keyring().priority == 0


@needs_secret_service
def test_K2_a_session_without_a_secret_service(monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
    with bare_session() as bare:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bare.address)
        assert refused() == UNREACHABLE


@pytest.mark.parametrize(
    "name",
    [
        "keyring.backends.null.Keyring",
        "keyring.backends.fail.Keyring",
        "keyring.backends.chainer.ChainerBackend",
        "keyring.backends.SecretService.Keyring",
        "keyring.backends.SecretService.Missing",
        "there.is.no.such.Module",
        "nothing",
        "",
    ],
)
def test_K2_a_backend_that_the_environment_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
    assert refused() == UNREACHABLE


def test_K2_switched_off_by_its_file(tmp_path: Path) -> None:  # noqa: N802
    installed.core.disable()
    assert [path.name for path in tmp_path.rglob("*.cfg")] == ["keyringrc.cfg"]
    assert refused() == UNREACHABLE


def test_K2_a_service_that_was_there() -> None:  # noqa: N802
    """`keyring` keeps what it found first; the session may be over since."""
    installed.set_keyring(new(SecretService.Keyring))
    assert refused() == UNREACHABLE


@pytest.mark.parametrize(("priority", "wanted"), [(-1, UNREACHABLE), (0, UNREACHABLE), (0.1, NO_ENTRY)])
def test_K2_a_backend_that_thinks_nothing_of_itself(priority: float, wanted: str) -> None:  # noqa: N802
    made = backend("keyring.backends.libsecret.Keyring", priority=priority, get_password=answering(None))
    installed.set_keyring(made)
    assert refused() == wanted


def backend(name: str, base: type[KeyringBackend] = KeyringBackend, **more: object) -> KeyringBackend:
    """A backend of this name that has every secret."""
    module, _, kind = name.rpartition(".")
    members = {"priority": 9, "get_password": answering(MARK), "set_password": answering(MARK), "__module__": module}
    made: KeyringBackend = type(kind, (base,), members | more)()
    return made


FOREIGN = {
    "keyrings.alt.file.PlaintextKeyring": "keeps secrets in files of its own, whose modes nobody judges",
    "keyrings.alt.file.EncryptedKeyring": "keeps secrets in files of its own, whose modes nobody judges",
    "keyrings.alternative.Vault": "is no keyring of the operating system",
    "a_vault.Keyring": "is no keyring of the operating system",
    "keyring.backends.kwallet.DBusKeyringKWallet4": "is no keyring of the operating system",
    "SecretService.Keyring": "is no keyring of the operating system",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_K2_backends_of_others(name: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
    wanted = f"key.backend_refused: `{name}` {FOREIGN[name]}"
    installed.set_keyring(backend(name))
    assert refused() == wanted
    installed.set_keyring(backend(name, SecretService.Keyring))
    assert refused() == wanted, "whatever it is made from"
    chained(monkeypatch, backend("keyring.backends.libsecret.Keyring"), backend(name))
    assert refused() == wanted, "also after one that has the secret"


def test_K2_a_chain_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
    chained(monkeypatch)
    assert refused() == UNREACHABLE
    chained(monkeypatch, new(null.Keyring))
    assert refused() == UNREACHABLE


def test_K2_a_plugin_is_not_asked_though_it_is_the_only_one() -> None:  # noqa: N802
    """`keyring` takes whatever is installed with the highest priority."""
    backend("keyrings.alt.file.PlaintextKeyring")
    assert code(refused()) == "key.backend_refused"
    assert type(installed.get_keyring()).__name__ == "PlaintextKeyring"


@pytest.mark.parametrize("name", sorted(keyring.SYSTEM_KEYRINGS))
def test_the_systems_keyrings_are_those_of_keyring(name: str) -> None:
    __import__(name.rpartition(".")[0])
    module, _, kind = name.rpartition(".")
    found = getattr(sys.modules[module], kind)
    assert issubclass(found, KeyringBackend)
    assert f"{found.__module__}.{found.__qualname__}" == name
    installed.set_keyring(backend(name))
    assert from_keyring("s", "u", "utf8") == MARK.encode()


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("keyring", "keyring.errors"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(KeyRefused) as caught:
        from_keyring("s", "u", "utf8")
    assert str(caught.value) == "key.backend_refused: a secret in a keyring needs the extra `keyring`"
    assert caught.value.help == "install policyjwt[keyring]"


# --- the whole flow -----------------------------------------------------------------------------------------


@needs_secret_service
def test_an_engine_judges_with_a_secret_of_the_keyring(session: Session) -> None:
    from policyjwt import Engine
    from policyjwt.replay import MemoryReplayStore

    partner, other = Issuer("HS256", kid=None), Issuer("HS256", kid=None)
    store(session, "partner-hook", "2026-09", base64.urlsafe_b64encode(partner.private).decode())
    text = policy(
        algorithms="HS256",
        keys='secret keyring "partner-hook" "2026-09" as base64url',
        revocation='revocation { by redeployment because "a test" }',
    )
    judge = Engine.from_text(text, replay=MemoryReplayStore(100, single_process=True), clock=lambda: float(NOW))
    assert judge.evaluate(partner.token(claims()))
    refusal = judge.evaluate(other.token(claims()))
    assert [finding.code for finding in refusal.findings if finding.outcome == "violated"] == ["signature.invalid"]
    store(session, "partner-hook", "2026-09", "gone")
    assert judge.evaluate(partner.token(claims())), "it was read when the policy was loaded"


# --- validate, with and without `--resolve` ---------------------------------------------------------------

HOOK = 'signature { algorithms HS256, HS512 secret keyring "hook" "u" as base64url }'
ONE, OTHER = Issuer("ES256"), Issuer("ES256")


def private_text(key: Issuer, form: str) -> str:
    if form == "pem":
        pem: bytes = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return pem.decode()
    return json.dumps({**key.jwk(), "use": "enc", "d": number(key.private.private_numbers().private_value, 32)})


def resolved(text: str, root: Path) -> list[str]:
    faults = resolve_keys([(block, str(root)) for block in policy_text.blocks(text, root)])
    return [f"{fault.code}@{fault.span.line} {fault.message}" for fault in faults]


@needs_secret_service
def test_resolve_reads_the_keyring(session: Session, tmp_path: Path) -> None:
    text = policy_text.policy(signature=HOOK)
    store(session, "hook", "u", TEXTS["base64url"])
    assert resolved(text, tmp_path) == ["PJ448@8 `keyring:hook/u` is too short for `HS512`"]
    store(session, "hook", "u", base64.urlsafe_b64encode(bytes(range(64))).decode())
    assert resolved(text, tmp_path) == []
    store(session, "hook", "u", "")
    assert resolved(text, tmp_path) == [
        "PJ445@8 `keyring:hook/u`: the keyring has no such entry, or an empty one",
    ]


@needs_secret_service
@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_resolve_finds_a_decryption_key_that_verifies(session: Session, tmp_path: Path, form: str) -> None:
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [ONE.jwk()]}))
    section = f'encryption {{ algorithms ECDH-ES content A256GCM key keyring "decrypt" "{form}" as {form} }}'
    text = policy_text.policy(section, signature='signature { algorithms ES256 keys jwks file "keys.json" }')
    for key, wanted in ((ONE, ["PJ422@13"]), (OTHER, [])):
        store(session, "decrypt", form, private_text(key, form))
        assert [said.split()[0] for said in resolved(text, tmp_path)] == wanted
    store(session, "decrypt", form, MARK)
    (said,) = resolved(text, tmp_path)
    assert said.startswith(f"PJ445@13 `keyring:decrypt/{form}`: ")
    assert MARK not in said


SHARED = bytes(range(64))
DIRECT = 'encryption { algorithms dir content A256GCM, A256CBC-HS512 key keyring "decrypt" "u" as base64url }'
WRAPPED = 'encryption { algorithms A128KW content A128GCM key keyring "decrypt" "u" as base64url }'


@needs_secret_service
@pytest.mark.parametrize(
    ("section", "raw", "wanted"),
    [
        (WRAPPED, SHARED[:16], []),
        (WRAPPED, SHARED[:15], ["PJ445@13"]),
        (DIRECT, SHARED, ["PJ422@13"]),
        (DIRECT, SHARED[:32] + bytes(range(100, 132)), ["PJ422@13"]),
        (DIRECT, bytes(range(100, 132)) + SHARED[:32], ["PJ422@13"]),
        (DIRECT, bytes(range(100, 164)), []),
    ],
    ids=["short for HMAC alone", "no key of AES", "the same", "one half", "the other half", "another"],
)
def test_resolve_compares_shared_keys(
    session: Session, tmp_path: Path, section: str, raw: bytes, wanted: list[str]
) -> None:
    """AES-CBC with HMAC splits its key (RFC 7518, section 5.2.2.1): a half of it is a key, too."""
    signing = SHARED if raw == SHARED else SHARED[:32]
    store(session, "hook", "u", base64.urlsafe_b64encode(signing).decode())
    store(session, "decrypt", "u", base64.urlsafe_b64encode(raw).decode())
    text = policy_text.policy(section, signature=HOOK.replace(", HS512", ""))
    assert [said.split()[0] for said in resolved(text, tmp_path)] == wanted


@needs_secret_service
def test_resolve_wants_the_private_half(session: Session, tmp_path: Path) -> None:
    section = 'encryption { algorithms ECDH-ES content A256GCM key keyring "decrypt" "u" as jwk }'
    store(session, "decrypt", "u", json.dumps(ONE.jwk()))
    (said,) = resolved(policy_text.policy(section), tmp_path)
    assert said.startswith("PJ445@13 `keyring:decrypt/u`: ")


@needs_secret_service
def test_resolve_knows_a_key_on_the_other_form_of_its_curve(session: Session, tmp_path: Path) -> None:
    """X25519 from the seed of Ed25519, as some libraries make it: u = (1 + y) / (1 - y), RFC 7748, section 4.1."""
    signing = Issuer("Ed25519")
    seed = signing.private.private_bytes_raw()
    derived = X25519PrivateKey.from_private_bytes(hashlib.sha512(seed).digest()[:32])
    pem = derived.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [signing.jwk()]}))
    section = 'encryption { algorithms ECDH-ES content A256GCM key keyring "decrypt" "u" as pem }'
    text = policy_text.policy(section, signature='signature { algorithms Ed25519 keys jwks file "keys.json" }')
    store(session, "decrypt", "u", pem)
    assert [said.split()[0] for said in resolved(text, tmp_path)] == ["PJ422@13"]


@needs_secret_service
def test_resolve_finds_one_secret_of_two_issuers(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(session, "hook", "u", TEXTS["base64url"])
    monkeypatch.setenv("A_SECRET", TEXTS["hex"])
    first = policy_text.policy(signature='signature { algorithms HS256 secret keyring "hook" "u" as base64url }')
    second = policy_text.policy(
        name="q",
        issuer='issuer "https://other.example"',
        signature='signature { algorithms HS256 secret env "A_SECRET" as hex }',
    )
    (said,) = resolved(first + second.partition("\n")[2], tmp_path)
    assert said.startswith("PJ420@20 ")


def test_resolve_says_that_there_is_no_keyring(tmp_path: Path) -> None:
    text = policy_text.policy(signature='signature { algorithms HS256 secret keyring "s" "u" as hex }')
    assert resolved(text, tmp_path) == [
        "PJ445@8 `keyring:s/u`: no keyring of the operating system can be reached",
    ]


RUN = """
import sys
from policyjwt.cli.main import main
try:
    main()
finally:
    print("asked" if "keyring" in sys.modules else "not asked")
"""


@needs_secret_service
@pytest.mark.parametrize(("more", "wanted"), [((), "not asked"), (("--resolve",), "asked")])
def test_validate_asks_no_keyring_but_with_resolve(
    session: Session, tmp_path: Path, more: tuple[str, ...], wanted: str
) -> None:
    store(session, "hook", "u", base64.urlsafe_b64encode(bytes(range(64))).decode())
    sound = policy_text.policy(signature=HOOK, revocation='revocation { by redeployment because "a test" }')
    (tmp_path / "p.policy").write_text(sound)
    run = subprocess.run(
        [sys.executable, "-c", RUN, "validate", *more, str(tmp_path / "p.policy")],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_GUARD,
    )
    assert run.stdout.splitlines()[-1] == wanted, run.stderr
    assert "PJ445" not in run.stdout + run.stderr
