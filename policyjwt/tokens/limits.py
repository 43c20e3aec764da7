"""How much of a token or a key set is looked at. Everything that bounds work or memory is named here."""

from __future__ import annotations

from typing import Final

MAX_TOKEN_CHARACTERS: Final = 32 * 1024
"""A longer token is refused before anything of it is decoded. Headers of proxies end at 8 to 32 KiB."""

MAX_JSON_TOKEN_CHARACTERS: Final = 128 * 1024
"""The same for a token in the flattened JSON form, whose unprotected header carries evidence of several kinds."""

MAX_STATUS_LIST_CHARACTERS: Final = 512 * 1024
"""The same for a status list, a token about tokens: 10 million of them, one in a hundred withdrawn, take 250 KiB."""

MAX_JSON_DEPTH: Final = 32
"""Objects and lists inside each other, in headers, claims and key sets. `{}` has the depth 1."""

MAX_INTEGER_DIGITS: Final = 128
"""Enough for a 256-bit number. Larger ones cost quadratic time and turn no clock or counter into sense."""

MAX_CACHED_HEADERS: Final = 256
"""Decoded headers kept, of tokens whose signature has verified."""

MAX_CACHED_HEADER_CHARACTERS: Final = 12 * 1024
"""Longer headers are decoded each time. Certificates and staples of one signer fit in."""

MAX_KEY_SET_BYTES: Final = 512 * 1024
"""A JWKS or PEM file."""

MAX_KEYS: Final = 256
"""Keys in one set."""

MAX_SECRET_BYTES: Final = 64 * 1024
"""A file with one secret, in its encoding."""

MIN_RSA_BITS: Final = 2048
"""RFC 7518, sections 3.3 and 3.5."""

MAX_RSA_BITS: Final = 16384
"""Verification costs grow with the square of the size: a set that is fetched must not choose them."""

MAX_RSA_EXPONENT_BITS: Final = 64
"""The bound of OpenSSL for large moduli; real keys have 65537, old ones 3."""
