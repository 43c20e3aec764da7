"""Row D04: what is compressed is inflated to the limit and not further, whatever it would grow to."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
import zlib
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyjwt.tokens.encryption import MAX_PLAINTEXT_BYTES
from policyjwt.tokens.inflate import NotInflatedError, inflate
from policyjwt.tokens.limits import MAX_TOKEN_CHARACTERS
from tests.shared import ROOT
from tests.tokens.encrypting import code, deflated, opened, private, sealed
from tests.tokens.minting import b64

DIRECT = private("dir", "A256GCM")
MEGABYTE = 1024 * 1024
ALLOWED = 10 * MEGABYTE


@cache
def bomb(megabytes: int = 1024) -> bytes:
    """DEFLATE of so many megabytes of zeros: one block, flushed to whole bytes, again and again."""
    made = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = made.compress(bytes(MEGABYTE)) + made.flush(zlib.Z_FULL_FLUSH)
    return block * megabytes + b"\3\0"


def bomb_token() -> str:
    """As much of the bomb as a token can hold."""
    room = (MAX_TOKEN_CHARACTERS - 200) * 3 // 4
    return sealed({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}, DIRECT, plaintext=bomb()[:room])


def test_the_bomb_is_one() -> None:
    assert len(bomb()) < 1.1 * MEGABYTE
    assert zlib.decompress(bomb(3), -15) == bytes(3 * MEGABYTE)
    assert MAX_TOKEN_CHARACTERS - 200 < len(bomb_token()) <= MAX_TOKEN_CHARACTERS
    held = zlib.decompressobj(-15)
    assert len(held.decompress(bomb()[: len(bomb_token()) * 3 // 4])) > 20 * MEGABYTE


def test_d04_bomb_in_a_token() -> None:
    token = bomb_token()
    opened(sealed({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}, DIRECT, plaintext=deflated(b"x")), DIRECT)
    tracemalloc.start()
    try:
        assert code(token, DIRECT) == "decryption.size"
        assert tracemalloc.get_traced_memory()[1] < ALLOWED
    finally:
        tracemalloc.stop()


def test_d04_bomb_of_a_gigabyte() -> None:
    data = bomb()
    tracemalloc.start()
    try:
        with pytest.raises(NotInflatedError) as caught:
            inflate(data, limit=MAX_PLAINTEXT_BYTES)
        assert caught.value.reason == "size"
        assert tracemalloc.get_traced_memory()[1] < ALLOWED
    finally:
        tracemalloc.stop()


CHILD = """
import base64, json, resource, sys
from policyjwt.errors import TokenRefused
from policyjwt.tokens.decryption import decrypt
from policyjwt.tokens.decryption_key import from_secret
from policyjwt.tokens.decryption_keyset import DecryptionKeySet
given = json.load(sys.stdin)
keys = DecryptionKeySet((from_secret(bytes.fromhex(given["key"])),))
def tried(token):
    try:
        return len(decrypt(token, keys, ["dir"], ["A256GCM"]).plaintext)
    except TokenRefused as refused:
        return refused.code
small = tried(given["small"])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
codes = [tried(given["bomb"]) for _ in range(20)]
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
json.dump({"small": small, "codes": codes, "grown": (after - before) * 1024}, sys.stdout)
"""


def test_d04_memory_of_the_process() -> None:
    small = sealed({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}, DIRECT, plaintext=deflated(b"x" * 1000))
    given = json.dumps({"key": DIRECT.hex(), "small": small, "bomb": bomb_token()})
    run = subprocess.run(
        [sys.executable, "-c", CHILD], cwd=ROOT, input=given, capture_output=True, text=True, check=True, timeout=120
    )
    found = json.loads(run.stdout)
    assert found["small"] == 1000
    assert found["codes"] == ["decryption.size"] * 20
    assert found["grown"] < ALLOWED


@pytest.mark.parametrize("size", [0, 1, MAX_PLAINTEXT_BYTES - 1, MAX_PLAINTEXT_BYTES])
def test_d04_up_to_the_limit(size: int) -> None:
    token = sealed({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}, DIRECT, plaintext=deflated(bytes(size)))
    assert opened(token, DIRECT) == bytes(size)


@pytest.mark.parametrize("size", [MAX_PLAINTEXT_BYTES + 1, MAX_PLAINTEXT_BYTES + 2, 250 * 1024, 251 * 1024])
def test_d04_beyond_the_limit(size: int) -> None:
    token = sealed({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}, DIRECT, plaintext=deflated(bytes(size)))
    assert code(token, DIRECT) == "decryption.size"


def reference(data: bytes, limit: int) -> bytes | str:
    """Without a bound, for what is small."""
    stream = zlib.decompressobj(-15)
    try:
        found = stream.decompress(data) + stream.flush()
    except zlib.error:
        return "zip"
    return "size" if len(found) > limit else found if stream.eof and not stream.unused_data else "zip"


def result(data: bytes, limit: int) -> bytes | str:
    try:
        return inflate(data, limit=limit)
    except NotInflatedError as fault:
        return fault.reason


@given(st.binary(max_size=300), st.integers(0, 9), st.integers(0, 400), st.data())
def test_inflate_is_what_it_says(plain: bytes, level: int, limit: int, data: st.DataObject) -> None:
    made = zlib.compressobj(level, zlib.DEFLATED, -15)
    stream = made.compress(plain) + made.flush()
    assert result(stream, limit) == (plain if len(plain) <= limit else "size")
    at = data.draw(st.integers(0, len(stream)))
    extra = data.draw(st.binary(max_size=3))
    spoilt = stream[:at] + extra
    found = result(spoilt, limit)
    # Beyond the limit nothing is looked at, so that a fault that comes later is not seen.
    assert found == reference(spoilt, limit) or found == "size"
    assert found != "size" or len(_all_of(spoilt)) > limit


def _all_of(data: bytes) -> bytes:
    stream: Any = zlib.decompressobj(-15)
    found = b""
    for byte in data:
        try:
            found += stream.decompress(bytes([byte]))
        except zlib.error:
            break
    return found


def test_the_limit_is_that_of_a_token() -> None:
    assert MAX_PLAINTEXT_BYTES == MAX_TOKEN_CHARACTERS
    assert len(b64(bytes(3))) == 4
