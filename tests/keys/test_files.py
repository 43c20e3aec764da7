"""Files with keys: bounded, regular, never blocking; and what a file of public keys may hold."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from policyjwt.errors import KeyRefused
from policyjwt.keys.files import read_bounded, read_jwks, read_pem
from policyjwt.tokens import KeySet
from policyjwt.tokens.limits import MAX_KEY_SET_BYTES
from tests.tokens.minting import accepted, key_refusal, signer

E1 = signer("ES256")


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_jwks_and_pem(tmp_path: Path) -> None:
    jwks = written(tmp_path / "a.json", json.dumps({"keys": [E1.jwk()]}).encode())
    pem = written(tmp_path / "a.pem", E1.pem())
    for keys in (read_jwks(jwks, reference="file:a"), read_pem(str(pem), reference="file:a")):
        assert accepted(E1.token(), keys, ["ES256"]).key.reference == "file:a"


def test_a_shared_secret_in_a_file_of_public_keys(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", json.dumps({"keys": [signer("HS256").jwk()]}).encode())
    assert key_refusal(read_jwks, path) == "key.private_in_public_set"


def test_K1_a_file_that_is_not_there(tmp_path: Path) -> None:  # noqa: N802 - the row's own name
    assert key_refusal(read_jwks, tmp_path / "none") == "key.not_found"
    assert key_refusal(read_jwks, tmp_path / "a\0b") == "key.not_found"
    assert key_refusal(read_jwks, tmp_path / ("x" * 5000)) == "key.not_found"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert key_refusal(read_jwks, tmp_path / "loop") == "key.not_found"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_what_is_no_regular_file_neither_blocks_nor_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path / "link", tmp_path, Path("/dev/zero"), Path("/dev/null")):
        assert key_refusal(read_pem, path) == "key.file_mode"


def test_size(tmp_path: Path) -> None:
    path = written(tmp_path / "a", b" " * 101)
    assert read_bounded(path, limit=101) == b" " * 101
    assert key_refusal(read_bounded, path, limit=100) == "key.malformed"
    assert key_refusal(read_jwks, written(tmp_path / "b", b" " * (MAX_KEY_SET_BYTES + 1))) == "key.malformed"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said by the system; whoever runs these tests may be root, so it is said for it."""
    for failure, text in (
        (PermissionError(13, "geheim"), "the key file may not be read"),
        (IsADirectoryError(21, "geheim"), "the key file is a folder"),
        (OSError(5, "geheim"), "the key file can't be read"),
    ):

        def fail(*_: object, failure: OSError = failure) -> int:
            raise failure

        for name in ("open", "fstat"):
            with monkeypatch.context() as patch:
                patch.setattr(f"policyjwt.keys.files.os.{name}", fail)
                with pytest.raises(KeyRefused) as caught:
                    read_jwks(written(tmp_path / "a", b"{}"))
                assert str(caught.value) == f"key.not_found: {text}"


def test_a_link_is_followed(tmp_path: Path) -> None:
    """As Kubernetes lays out a volume: name -> ..data/name, ..data -> a folder with a date."""
    (tmp_path / "..2026_01").mkdir()
    written(tmp_path / "..2026_01" / "a.pem", E1.pem())
    (tmp_path / "..data").symlink_to("..2026_01")
    (tmp_path / "a.pem").symlink_to("..data/a.pem")
    assert isinstance(read_pem(tmp_path / "a.pem"), KeySet)
