"""Responses that a side job keeps in a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from policyjwt.evidence.ocsp import StapleFile
from tests.evidence.staples import (
    PKI,
    judged,
)
from tests.pki import staple

S0, S1 = staple(PKI.leaf), staple(PKI.intermediate)


def pem(*ders: bytes) -> bytes:
    import base64

    blocks = [base64.encodebytes(der).decode() for der in ders]
    return "".join(
        f"note\n-----BEGIN OCSP RESPONSE-----\n{block}-----END OCSP RESPONSE-----\n" for block in blocks
    ).encode()


def test_a_file_of_staples(tmp_path: Path) -> None:
    path = tmp_path / "staple"
    file = StapleFile(path)
    assert file.responses() == ()
    path.write_bytes(S0)
    assert file.responses() == (S0,)
    path.write_bytes(pem(S0, S1))
    assert file.responses() == (S0, S1)
    assert judged(*file.responses(), cover="chain") == "met"
    path.write_bytes(b"")
    assert file.responses() == ()
    path.write_bytes(pem(S0))
    assert file.responses() == (S0,)
    path.unlink()
    assert file.responses() == ()
    assert repr(file) == f"<StapleFile at {path}>"
    assert StapleFile(str(path)).responses() == StapleFile(f"{path}\0").responses() == ()


def test_a_file_is_read_again_when_it_has_changed_and_only_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "staple"
    path.write_bytes(S0)
    opened: list[Path] = []
    real = Path.open

    def count(self: Path, *args: Any, **more: Any) -> Any:
        opened.append(self)
        return real(self, *args, **more)

    monkeypatch.setattr(Path, "open", count)
    file = StapleFile(path)
    assert [file.responses() for _ in range(5)] == [(S0,)] * 5
    assert opened == [path]
    (tmp_path / "new").write_bytes(b"x" * len(S0))
    found = path.stat()
    os.utime(tmp_path / "new", ns=(found.st_atime_ns, found.st_mtime_ns))
    (tmp_path / "new").replace(path)
    assert file.responses() == (b"x" * len(S0),)


@pytest.mark.parametrize(
    "data",
    [
        b"junk",
        b"-----BEGIN OCSP RESPONSE-----\n",
        pem(S0) + b"-----BEGIN OCSP RESPONSE-----\nMAMK",
        pem(S0).replace(b"MII", b"M!I"),
        b"-----BEGIN OCSP RESPONSE-----\nMAMKAQB=\n-----END OCSP RESPONSE-----\n",
        pem(S0).replace(b"OCSP RESPONSE", b"CERTIFICATE"),
    ],
)
def test_a_file_that_is_neither_der_nor_pem_refuses(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "staple"
    path.write_bytes(data)
    assert judged(*StapleFile(path).responses()) == "malformed"


def test_what_a_file_holds_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "staple"
    path.write_bytes(b"x" * 10_000_000)
    (only,) = StapleFile(path).responses()
    assert len(only) == 2 * 4 * 16384 + 1
    assert judged(only) == "too_large"
    path.write_bytes(pem(*[S0] * 5))
    assert judged(*StapleFile(path).responses()) == "too_many"
    path.write_bytes(pem(*[b"x" * 16384] * 4))
    assert StapleFile(path).responses() == (b"x" * 16384,) * 4


def test_what_is_no_file_holds_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert StapleFile(tmp_path / "pipe").responses() == ()
    assert StapleFile(tmp_path).responses() == ()
