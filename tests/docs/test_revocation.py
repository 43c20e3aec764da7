"""The page on revocation is true: its shell and its Python run, its unit files fit the command, its figures hold."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from policyjwt import Engine, Inspection, issuing
from policyjwt.evidence import crl, ocsp, short_lived
from policyjwt.replay import InspectOnly, MemoryReplayStore
from policyjwt.tokens.decode import decode
from tests.docs.pages import blocks
from tests.evidence import flow
from tests.issuer import NOW
from tests.pki import authority, leaf, pki, responder, revocation_list, staple
from tests.shared import ROOT

PAGE = ROOT / "docs" / "revocation.md"

TEXTS = {block.text.split("\n", 1)[0]: block.text for block in blocks(page=PAGE)}
POLICY = "policyjwt 1"
NEW = "new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'"
SIGN = "openssl ocsp -issuer ca.pem -cert idp.pem -no_nonce -reqout request.der"
REVOKE = next(text for text in TEXTS if text.startswith("sed "))
UNITS = "# /etc/systemd/system/staple.service"
CODE = "import time"
CALLER = "from policyjwt import Context"
RECORD = "import json"
CRL = "cat > ca.cnf <<'END'"
DAY = next(text for text in TEXTS if text.startswith("openssl req -x509 -CA"))
BY_CALLER = "revocation { staple ocsp from caller  age at most 1h  cover leaf }"
SECTIONS = ("revocation {", "revocation { short-lived certificate at most 1d }", BY_CALLER)

Shell = Callable[..., subprocess.CompletedProcess[str]]

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def test_no_block_is_left_out() -> None:
    assert set(TEXTS) == {POLICY, NEW, SIGN, REVOKE, UNITS, CODE, CALLER, RECORD, CRL, DAY, *SECTIONS}


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Runs a block in one folder, where the authority of the page has been made."""
    folder = tmp_path_factory.mktemp("ca")
    (folder / "policyjwt.toml").write_text("")
    (folder / "bin").mkdir()
    program = folder / "bin" / "policyjwt"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m policyjwt "$@"\n')
    program.chmod(0o755)

    def run(text: str, *, status: int = 0) -> subprocess.CompletedProcess[str]:
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=folder,
            env=os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == status, ended.stdout + ended.stderr
        return ended

    run(TEXTS[NEW])
    return run


def place(shell: Shell) -> Path:
    return Path(shell("pwd").stdout.strip())


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


# ------------------------------------------------------------------------------------------- the authority


@needs_openssl
def test_a_response_is_signed_and_good(shell: Shell) -> None:
    ended = shell(TEXTS[SIGN])
    assert ended.stdout.startswith("GOOD until ")
    assert "a delegate, whose certificate the response encloses; that one may sign" in ended.stdout


@needs_openssl
def test_the_code_makes_a_token(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell(TEXTS[SIGN])
    folder = place(shell)
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(compile(TEXTS[CODE], str(PAGE), "exec"), names)
    token = decode(names["token"])
    assert token.header == {"alg": "ES256", "typ": "at+jwt"} | issuing.header(
        (folder / "chain.pem").read_bytes(), [(folder / "staple.der").read_bytes()]
    )
    assert token.header["x5c"] == issuing.header((folder / "idp.pem").read_bytes())["x5c"]
    assert token.claims["exp"] == names["now"] + 900
    _judged(folder, names, TEXTS[POLICY])


def _judged(folder: Path, names: dict[str, Any], policy: str) -> None:
    """The token through the policy of the page, then the code that judges a record again, then the caller's staple."""
    (folder / "anchors").mkdir(exist_ok=True)
    shutil.copy(folder / "ca.pem", folder / "anchors" / "corp-ca.pem")
    store = MemoryReplayStore(10, single_process=True)
    verdict = Engine.from_text(policy, "payments.policy", folder, replay=store).evaluate(names["token"])
    assert verdict, str(verdict)
    judged: dict[str, Any] = {"verdict": verdict}
    exec(compile(TEXTS[RECORD], str(PAGE), "exec"), judged)
    _is_as_large_as_the_page_says(judged["kept"], len(names["token"]))
    by_caller = policy.replace(section(), TEXTS[BY_CALLER])
    chain = (folder / "chain.pem").read_bytes()
    bare = jwt.encode(
        names["claims"], (folder / "idp.key").read_text(), "ES256", headers={"typ": "at+jwt", **issuing.header(chain)}
    )
    given = {"engine": Engine.from_text(by_caller, "payments.policy", folder, replay=InspectOnly()), "token": bare}
    text = TEXTS[CALLER].replace("/var/lib/idp/staple.der", str(folder / "staple.der"))
    exec(compile(text.replace("engine.evaluate", "engine.inspect"), str(PAGE), "exec"), given)
    inspection = given["verdict"]
    assert isinstance(inspection, Inspection)
    assert inspection.would_trust, str(inspection)


def _is_as_large_as_the_page_says(kept: str, token: int) -> None:
    """Within a tenth; the files of the policy are its own and the anchor's."""
    besides, whole = record_figures()[:2]
    policy = json.loads(kept)["policy"]
    files = [policy["text"], *policy["files"].values()]
    assert abs(len(kept) - 1000 * whole) <= 100 * whole, (len(kept), token, sum(map(len, files)))
    assert abs(len(kept) - token - sum(map(len, files)) - 1000 * besides) <= 100 * besides


@needs_openssl
def test_a_path_to_the_authority_is_found(shell: Shell) -> None:
    from policyjwt.tokens.certificate_path import Anchors, LeafBinding, PathDemand, find_path

    folder = place(shell)
    uri = "https://idp.corp.example"
    anchors = Anchors.from_pem((folder / "ca.pem").read_bytes())
    demand = PathDemand(anchors=anchors, leaf=LeafBinding.make("san uri", frozenset({uri})), usage=None, depth=0)
    shell(TEXTS[DAY])
    for name in ("idp", "day"):
        added = issuing.header((folder / f"{name}.pem").read_bytes())
        path = find_path(added, demand, alg="ES256", now=time.time())
        assert path.certificates == (certificate(folder / f"{name}.pem"), certificate(folder / "ca.pem"))


@needs_openssl
def test_one_is_revoked(shell: Shell) -> None:
    shell(TEXTS[SIGN] + "\ncp index.txt index.before\n")
    try:
        assert "NOT GOOD   staple.revoked" in shell(TEXTS[REVOKE], status=1).stdout
        shell(TEXTS[CRL])
        assert _by_list(place(shell)) == "crl.revoked"
    finally:
        shell("cp index.before index.txt; rm -f index.before")
    shell(TEXTS[CRL])
    assert _by_list(place(shell)) == "crl.met"


def _by_list(folder: Path) -> str:
    from policyjwt.errors import TokenRefused

    path = [certificate(folder / "idp.pem"), certificate(folder / "ca.pem")]
    now = time.time()
    try:
        lists = crl.authenticate(crl.CrlSnapshot.read((folder / "corp-ca.crl").read_bytes()), path, cover="leaf")
        assert crl.judge_times(lists, crl.CrlDemand(max_age=86_400), now=now) > now
    except TokenRefused as refused:
        return refused.code
    return "crl.met"


@needs_openssl
def test_a_certificate_for_a_day_is_short_lived(shell: Shell) -> None:
    from policyjwt.errors import TokenRefused

    shell(TEXTS[DAY])
    folder = place(shell)
    short_lived.check_short_lived(certificate(folder / "day.pem"), most=86_400)
    with pytest.raises(TokenRefused) as caught:
        short_lived.check_short_lived(certificate(folder / "idp.pem"), most=86_400)
    assert caught.value.code == "x5c.not_short_lived"


@contextmanager
def answering(folder: Path) -> Iterator[int]:
    """`openssl ocsp` on a port of its own; on every interface, as the page says, for as long as this lasts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    line = (
        f"openssl ocsp -port {port} -index index.txt -CA ca.pem -rsigner ocsp.pem -rkey ocsp.key -rmd sha256 -nmin 480"
    )
    with subprocess.Popen(shlex.split(line), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        try:
            yield port
        finally:
            run.kill()


@needs_openssl
def test_it_is_fetched_over_http(shell: Shell) -> None:
    folder = place(shell)
    with answering(folder) as port:
        line = (
            "for try in $(seq 100); do status=0; "
            f"policyjwt staple fetch idp.pem --issuer ca.pem --responder http://127.0.0.1:{port}/ "
            "--out fetched.der --age 1h 2> said || status=$?; "
            "[ $status = 2 ] || break; sleep 0.1; done; cat said; exit $status"
        )
        assert re.fullmatch(r"policyjwt: good until \S+Z, for \d+m( \d+s)?\n|.+ for 1h\n", shell(line).stdout)
    result = ocsp.check_staple(
        (folder / "fetched.der").read_bytes(),
        certificate=(folder / "idp.pem").read_bytes(),
        issuer=(folder / "ca.pem").read_bytes(),
        now=time.time(),
        max_age=3600,
    )
    assert (result.good, result.code) == (True, "staple.met")


# ----------------------------------------------------------------------------------------------- the timer


def test_the_units_fit_the_command() -> None:
    service, timer = re.split(r"^# /etc/systemd/system/staple\.(?:service|timer)\n", TEXTS[UNITS], flags=re.MULTILINE)[
        1:
    ]
    units = []
    for text in (service, timer):
        unit = configparser.ConfigParser(interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign] # the documented way to keep the case
        unit.read_string(text)
        units.append(unit)
    program, *line = shlex.split(units[0]["Service"]["ExecStart"])
    assert program == "/usr/local/bin/policyjwt"
    command, sub, file, *options = line
    assert (command, sub, file) == ("staple", "fetch", "/etc/idp/idp.pem")
    given = dict(zip(options[::2], options[1::2], strict=True))
    assert given == {"--issuer": "/etc/idp/ca.pem", "--out": "/var/lib/idp/staple.der", "--age": "1h"}
    shown = subprocess.run(
        [sys.executable, "-m", "policyjwt", command, sub, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert {option for option in given if f"{option} " not in shown} == set()
    assert units[1]["Timer"]["OnCalendar"] == "*:0/15"
    assert units[1]["Install"]["WantedBy"] == "timers.target"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_calendar_is_every_quarter_of_an_hour() -> None:
    ended = subprocess.run(
        ["systemd-analyze", "calendar", "*:0/15"], capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
    )
    assert "Normalized form: *-*-* *:00/15:00" in ended.stdout


# ------------------------------------------------------------------------------------------- the policies


def section() -> str:
    """The section of the page's policy that the others stand for."""
    found = re.search(r"^  revocation \{\n(?:    .*\n)+  \}\n", TEXTS[POLICY], re.MULTILINE)
    assert found is not None
    return found.group()


def others() -> Iterator[Any]:
    """The policy of the page, and the same with each of the other sections."""
    yield pytest.param(TEXTS[POLICY], id="staple")
    yield pytest.param(TEXTS[POLICY].replace(section(), TEXTS[BY_CALLER]), id="caller")
    yield pytest.param(TEXTS[POLICY].replace(section(), TEXTS[SECTIONS[0]]), id="crl")
    short = TEXTS[POLICY].replace(section(), TEXTS[SECTIONS[1]])
    yield pytest.param(short.replace("non-repudiation, ", ""), id="short-lived")


@needs_openssl
@pytest.mark.parametrize("text", list(others()))
def test_a_policy_is_sound(shell: Shell, text: str) -> None:
    shell(TEXTS[CRL] + "\nmkdir -p anchors; cp ca.pem anchors/corp-ca.pem; cp corp-ca.crl anchors/corp-ca.crl")
    (place(shell) / "p.policy").write_text(text)
    ended = shell("policyjwt validate p.policy --fail-level warning")
    assert ended.stdout.startswith("no fault in 1 policy"), ended.stdout


@needs_openssl
def test_a_short_lived_certificate_does_not_promise_non_repudiation(shell: Shell) -> None:
    shell("mkdir -p anchors; cp ca.pem anchors/corp-ca.pem")
    *_, short = others()
    (promising,) = (text.replace("integrity, ", "integrity, non-repudiation, ") for text in short.values)
    (place(shell) / "p.policy").write_text(str(promising))
    assert "non-repudiation" in shell("policyjwt validate p.policy --format concise", status=1).stdout


# --------------------------------------------------------------------------------------------- the figures


def figures() -> Iterator[Any]:
    for line in re.findall(
        r"^\| (P-256|RSA-2048) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE.read_text("utf-8"), re.MULTILINE
    ):
        yield pytest.param(line[0], tuple(int(figure) for figure in line[1:]), id=line[0])


MAKERS: dict[str, Callable[[], Any]] = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RSA-2048": lambda: rsa.generate_private_key(65537, 2048),
}


def test_there_are_figures_for_both_kinds_of_keys() -> None:
    assert [row.id for row in figures()] == list(MAKERS)


@pytest.mark.parametrize(("keys", "shown"), list(figures()))
def test_the_figures_hold(keys: str, shown: tuple[int, ...]) -> None:
    """Within a tenth: names and serial numbers differ."""
    make = MAKERS[keys]
    root = authority("Corp Root CA", private=make())
    intermediate = authority("Corp Issuing CA", root, private=make())
    subject = leaf("idp", intermediate, private=make())
    delegate = responder(intermediate, "Corp OCSP", private=make())
    chain = subject.pem + intermediate.pem + root.pem
    staples: list[list[bytes]] = [[], [staple(subject)], [staple(subject, signer=delegate)]]
    measured = [issuing.added_bytes(issuing.header(chain, each)) for each in staples]
    assert all(abs(one - other) <= one / 10 for one, other in zip(measured, shown, strict=True)), measured


def record_figures() -> tuple[int, ...]:
    """In kB: what a record has besides, what the page's has in all, what a thousand entries add."""
    text = PAGE.read_text("utf-8").partition("As JSON a record has")[2]
    return tuple(int(figure) for figure in re.findall(r"(\d+) kB", text))


def test_a_list_is_in_every_record(tmp_path: Path) -> None:
    sizes = []
    for count in (0, 1000):
        serials = range(2**62, 2**62 + count)
        data = revocation_list(pki().intermediate, serials, this_update=NOW - 60).public_bytes(Encoding.PEM)
        judge = flow.engine(
            tmp_path,
            revocation='revocation { crl snapshot "list.crl"  age at most 1d  cover leaf }',
            files={"list.crl": data},
        )
        sizes.append(len(json.dumps(judge.evaluate(flow.signed()).record())))
    assert abs(sizes[1] - sizes[0] - 1000 * record_figures()[2]) <= 500, sizes


@pytest.mark.parametrize(
    ("policy", "presented", "given", "codes"),
    [
        (flow.HEADER, lambda: flow.stapled(flow.good()), b"looked at by nobody", set()),
        (flow.JADES, lambda: flow.flattened(flow.signed(), header=flow.jades(flow.good())), b"nobody", set()),
        (flow.CALLER, flow.signed, flow.good(), set()),
        (flow.CALLER, lambda: flow.stapled(flow.good()), flow.good(), {"staple.ambiguous"}),
        (
            flow.JADES,
            lambda: flow.flattened(flow.stapled(flow.good()), header=flow.jades(flow.good())),
            None,
            {"staple.ambiguous"},
        ),
    ],
)
def test_responses_in_several_places(
    tmp_path: Path, policy: str, presented: Callable[[], str], given: bytes | None, codes: set[str]
) -> None:
    judge = flow.engine(tmp_path, revocation=policy)
    assert flow.outcome(judge, presented(), staples=() if given is None else (given,)) == codes
    says = " ".join(PAGE.read_text("utf-8").split())
    assert "in its header and in `etsiU` is refused as ambiguous (`staple.ambiguous`)" in says
    assert "What the caller hands over is looked at only by `from caller`" in says


def test_joserfc_needs_the_registry_that_the_page_names() -> None:
    from joserfc import errors, jwk, jws

    key = jwk.import_key({"kty": "oct", "k": "A" * 43})
    header: Any = {"alg": "HS256", "x5ocsp": ["AA=="]}
    with pytest.raises(errors.JoseError):
        jws.serialize_compact(header, b"{}", key)
    made = jws.serialize_compact(header, b"{}", key, registry=jws.JWSRegistry(strict_check_header=False))
    assert decode(made).header == header
