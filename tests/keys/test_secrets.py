"""Shared secrets from files and the environment: encodings, modes (K3, K4), and silence."""

from __future__ import annotations

import base64
import copy
import os
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.errors import KeyRefused
from policyjwt.keys import secrets
from policyjwt.keys.secrets import decode, file_notes, from_environment, from_file
from policyjwt.tokens.limits import MAX_SECRET_BYTES
from tests.tokens.minting import key_refusal

SECRET = bytes(range(40))
TEXTS = {
    "base64url": base64.urlsafe_b64encode(SECRET).rstrip(b"=").decode(),
    "hex": SECRET.hex(),
    "utf8": SECRET.decode(),
}


MARK = "zqxj-a-secret-that-nobody-may-see"


def all_that_shows(error: BaseException) -> str:
    """Every text of an exception, with the variables of all frames of it and of what it came from."""
    shown = [repr(error), str(vars(error)), str(pickle.dumps(error)), repr(copy.copy(error))]
    at: BaseException | None = error
    while at is not None:
        shown += traceback.TracebackException.from_exception(at, capture_locals=True).format()
        at = at.__context__
    return "".join(shown)


def closed(path: Path, data: bytes, mode: int = 0o400) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("encoding", TEXTS)
def test_encodings(encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", TEXTS["hex"])
    assert from_environment("A_SECRET", "hex") == SECRET
    text = TEXTS[encoding]
    assert decode(text, encoding) == decode(text.encode(), encoding) == SECRET
    for end in (b"", b"\n", b"\r\n"):
        path = closed(tmp_path / f"{encoding}{len(end)}", text.encode() + end)
        assert from_file(path, encoding) == SECRET


def test_one_line_end_is_not_part_of_the_secret_and_more_are(tmp_path: Path) -> None:
    assert from_file(closed(tmp_path / "a", b"x\n\n"), "utf8") == b"x\n"
    assert from_file(closed(tmp_path / "b", b"x \n"), "utf8") == b"x "
    assert from_file(closed(tmp_path / "c", b"x\r"), "utf8") == b"x\r"
    for text in (b"ab\n\n", b" ab\n", b"ab \n"):
        path = closed(tmp_path / f"d{len(text)}{text[:1].hex()}", text)
        assert key_refusal(from_file, path, "hex") == "key.malformed"
        assert key_refusal(from_file, path, "base64url") == "key.malformed"


def test_the_environment_is_taken_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "x\n")
    assert from_environment("A_SECRET", "utf8") == b"x\n"
    assert key_refusal(from_environment, "A_SECRET", "hex") == "key.malformed"


@pytest.mark.skipif(not os.supports_bytes_environ, reason="the environment is text here")
def test_the_environment_may_hold_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environb, b"A_SECRET", b"\xff")
    assert key_refusal(from_environment, "A_SECRET", "utf8") == "key.malformed"


@pytest.mark.parametrize("name", ["NOT_SET_AT_ALL", "A=B", "a\0b", ""])
def test_K1_unset(name: str) -> None:  # noqa: N802 - the row's own name
    assert key_refusal(from_environment, name, "utf8") == "key.not_found"


def test_K1_empty(monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
    monkeypatch.setenv("A_SECRET", "")
    assert key_refusal(from_environment, "A_SECRET", "utf8") == "key.not_found"


WRONG = [
    *(("hex", text) for text in ("0x00", "00:11", "0 0", "000", "\u0661\u0661", "", "zz")),
    *(("base64url", text) for text in ("AA+/", "AA AA", "AAA==", "AA=", "A", "AB", "AA===", "=AA", "AAAA====", "\xe4")),
]


@pytest.mark.parametrize(("encoding", "text"), WRONG)
def test_not_what_was_declared(encoding: str, text: str) -> None:
    with pytest.raises(KeyRefused) as caught:
        decode(text, encoding)
    assert str(caught.value) == f"key.malformed: a secret that is not {encoding}"


@pytest.mark.parametrize("text", ["AA==", "AAA="])
def test_padding_that_is_right(text: str) -> None:
    assert decode(text, "base64url") == base64.urlsafe_b64decode(text)


def test_utf8_is_utf8() -> None:
    assert key_refusal(decode, b"\xff", "utf8") == "key.malformed"
    assert key_refusal(decode, "\ud800", "utf8") == "key.malformed"


def test_help() -> None:
    with pytest.raises(KeyRefused) as caught:
        decode("ab+/", "base64url")
    assert caught.value.help == "it looks like base64 with `+` and `/`: write `-` and `_` instead"
    with pytest.raises(KeyRefused) as caught:
        decode(" 00", "hex")
    assert caught.value.help == "there is white space around it"


@pytest.mark.parametrize("encoding", ["base64", "pem", "", "UTF8"])
def test_an_unknown_encoding_is_a_bad_call(encoding: str) -> None:
    with pytest.raises(ValueError, match="no such encoding"):
        decode("x", encoding)


@given(st.text(max_size=50) | st.binary(max_size=50), st.sampled_from(secrets.ENCODINGS))
def test_nothing_foreign_and_nothing_shown(text: str | bytes, encoding: str) -> None:
    try:
        found = decode(text, encoding)
    except KeyRefused as refused:
        said = str(refused)
    else:
        assert isinstance(found, bytes)
        return
    assert said == f"key.malformed: a secret that is not {encoding}"


BAD = [("hex", MARK.encode()), ("base64url", MARK.encode() + b"+"), ("utf8", b"\xff" + MARK.encode())]


@pytest.mark.skipif(not os.supports_bytes_environ, reason="the environment is text here")
@pytest.mark.parametrize(("encoding", "text"), BAD)
def test_no_frame_of_a_refusal_holds_the_secret(
    encoding: str, text: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A debugger or a reporter of errors shows the variables of a traceback."""
    monkeypatch.setitem(os.environb, b"A_SECRET", text)
    path = closed(tmp_path / "a", text)
    del text
    ways: list[tuple[Callable[[Any, str], bytes], object]] = [(from_environment, "A_SECRET"), (from_file, path)]
    for resolve, where in ways:
        with pytest.raises(KeyRefused) as caught:
            resolve(where, encoding)
        assert caught.value.code == "key.malformed"
        assert MARK not in all_that_shows(caught.value)


@pytest.mark.parametrize("encoding", ["hex", "base64url", "utf8"])
def test_nor_does_that_of_a_text_given(encoding: str) -> None:
    with pytest.raises(KeyRefused) as caught:
        decode(f"\ud800{MARK}", encoding)
    assert MARK not in all_that_shows(caught.value)


# --- K4 ------------------------------------------------------------------------------------------------

posix = pytest.mark.skipif(os.name != "posix", reason="modes say nothing here")


@posix
@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640, 0o700, 0o500])
def test_K4_closed_files(mode: int, tmp_path: Path) -> None:  # noqa: N802
    path = closed(tmp_path / "a", b"ab", mode)
    assert from_file(path, "utf8") == b"ab"
    notes = (("note", "a secret file that our own group can read"),) if mode & 0o040 else ()
    assert file_notes(path) == notes


@posix
@pytest.mark.parametrize("mode", [0o444, 0o644, 0o604, 0o660, 0o620, 0o602, 0o666, 0o777])
def test_K4_open_files(mode: int, tmp_path: Path) -> None:  # noqa: N802
    path = closed(tmp_path / "a", b"geheim", mode)
    with pytest.raises(KeyRefused) as caught:
        from_file(path, "utf8")
    assert caught.value.code == "key.file_mode"
    assert "geheim" not in repr(caught.value)
    assert file_notes(path)[0][0] == "error"


@posix
def test_K4_the_file_behind_a_link_is_judged(tmp_path: Path) -> None:  # noqa: N802
    """A link itself is always 0777, and Kubernetes makes two of them."""
    (tmp_path / "..data").mkdir()
    closed(tmp_path / "..data" / "key", b"ab", 0o440)
    (tmp_path / "key").symlink_to("..data/key")
    assert from_file(tmp_path / "key", "utf8") == b"ab"
    (tmp_path / "..data" / "key").chmod(0o444)
    assert key_refusal(from_file, tmp_path / "key", "utf8") == "key.file_mode"


def status(**members: int) -> Any:
    own: dict[str, int] = {"st_uid": os.geteuid(), "st_gid": os.getegid(), "st_mode": 0o100400}
    return SimpleNamespace(**{**own, **members})


@posix
@pytest.mark.parametrize(
    ("found", "levels"),
    [
        (status(), []),
        (status(st_uid=0), []),
        (status(st_uid=os.geteuid() + 4711), ["error"]),
        (status(st_mode=0o100440), ["note"]),
        (status(st_mode=0o100440, st_gid=2**30), ["error"]),
        (status(st_mode=0o100666, st_uid=os.geteuid() + 4711), ["error", "error", "error", "note"]),
    ],
)
def test_K4_owner_and_group(found: Any, levels: list[str]) -> None:  # noqa: N802
    assert [level for level, _ in secrets._judged(found)] == levels


def test_elsewhere_the_mode_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "os", SimpleNamespace(name="nt"))
    assert list(secrets._judged(status(st_mode=0o100666))) == []


def test_a_secret_file_is_bounded(tmp_path: Path) -> None:
    path = closed(tmp_path / "a", b"a" * (MAX_SECRET_BYTES + 1))
    assert key_refusal(from_file, path, "utf8") == "key.malformed"
