"""Files of `policyjwt staple`. Input: paths. Output: certificates and responses, or a Failure of one clear line."""

from __future__ import annotations

import base64
import binascii
import os
import re
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from policyjwt.cli.failure import Failure
from policyjwt.cli.policies import reason
from policyjwt.reports.terminal import visible

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_MOST_BYTES: Final = 1024 * 1024
_BEGIN: Final = b"-----BEGIN OCSP RESPONSE-----"
_END: Final = b"-----END OCSP RESPONSE-----"
_DURATION: Final = re.compile(r"(?:0|[1-9][0-9]{0,8})[smhd]")


def seconds(text: str, *, option: str) -> int:
    """The seconds of `1h`, as policies write durations; more than none."""
    from policyjwt.language.values import ValueFault, duration

    try:
        found = duration(text) if _DURATION.fullmatch(text) else 0
    except ValueFault:
        found = 0
    if not found:
        raise Failure(f"`{option}` is no duration", help="write a whole number with s, m, h or d, such as `1h`")
    return found


def certificate(file: str) -> Certificate:
    """The one certificate in `file`, PEM or DER."""
    from cryptography import x509

    data = _bytes(file)
    try:
        der = data[:1] == b"\x30"  # a SEQUENCE; PEM begins with a dash or with words
        found = [x509.load_der_x509_certificate(data)] if der else x509.load_pem_x509_certificates(data)
    except Exception:  # noqa: BLE001 - fail-closed border: cryptography raises several kinds here
        raise Failure(f"`{visible(file)}` holds no certificate that can be read") from None
    if len(found) != 1:
        raise Failure(
            f"`{visible(file)}` holds {len(found)} certificates, where one is meant",
            help="write the certificate, and that of its issuer, into a file each",
        )
    return found[0]


def pair(file: str, issuer_file: str) -> tuple[Certificate, Certificate]:
    """A certificate and that of its issuer, which did sign it."""
    from policyjwt.evidence.ocsp_responder import issued

    subject, issuer = certificate(file), certificate(issuer_file)
    if not issued(subject, issuer):
        raise Failure(
            f"`{visible(issuer_file)}` did not issue `{visible(file)}`",
            help="give the certificate whose key signed it: of a chain the next one, not the root",
        )
    return subject, issuer


def response(file: str) -> bytes:
    """The DER of the response in `file` or on standard input: DER, one PEM block, or base64."""
    data = _bytes(file)
    if data[:1] == b"\x30":  # a DER SEQUENCE; its base64 begins with another character
        return data
    text = data.strip()
    if text.startswith(_BEGIN) and text.endswith(_END):
        text = text.removeprefix(_BEGIN).removesuffix(_END)
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        raise Failure(f"`{visible(file)}` is neither DER nor one PEM block nor base64 of an OCSP response") from None


def _bytes(file: str) -> bytes:
    try:
        if file == "-":
            data = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(file).open("rb") as stream:
                data = stream.read(_MOST_BYTES + 1)
    except OSError as fault:
        raise Failure(f"`{visible(file)}` can't be read: {reason(fault)}") from None
    except ValueError:
        raise Failure(f"`{visible(file)}` is no path") from None
    if len(data) > _MOST_BYTES:
        raise Failure(f"`{visible(file)}` has more than {_MOST_BYTES} bytes")
    return data


def as_base64(der: bytes) -> str:
    """As it stands in `x5ocsp`: standard base64, in one line."""
    return base64.b64encode(der).decode("ascii")


def replace(file: str, data: bytes) -> None:
    """Write `data` to `file` at once: a reader finds the old content or the new, never a part or none."""
    target = Path(file)
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), 0o644)  # services of other users read it; it is no secret
            os.fsync(stream.fileno())
        Path(temporary).replace(target)
    except (OSError, ValueError) as fault:
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink()
        why = reason(fault) if isinstance(fault, OSError) else "it is no path"
        raise Failure(f"`{visible(file)}` can't be written: {why}") from None
