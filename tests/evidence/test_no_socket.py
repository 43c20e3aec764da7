"""No socket is opened while a token is judged, whatever its evidence says of where more could be had."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID as Access

from tests.evidence.flow import engine, in_header, outcome, signed
from tests.evidence.test_engine_lists import CRL, listed
from tests.pki import ISSUER_URI, party, pki, staple, usage

ADDRESSES = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(kind, x509.UniformResourceIdentifier("http://127.0.0.1:9/"))
        for kind in (Access.OCSP, Access.CA_ISSUERS)
    ]
)
POINTS = x509.CRLDistributionPoints(
    [x509.DistributionPoint([x509.UniformResourceIdentifier("http://127.0.0.1:9/crl")], None, None, None)]
)
SIGNER = party(
    "idp",
    pki().intermediate,
    extensions=[
        (usage("digital_signature"), True),
        (x509.SubjectAlternativeName([x509.UniformResourceIdentifier(ISSUER_URI)]), False),
        (ADDRESSES, False),
        (POINTS, False),
    ],
)


@pytest.mark.parametrize(
    ("header", "revocation", "want"),
    [
        ({"x5c": [SIGNER.x5c, pki().intermediate.x5c]}, None, {"staple.missing"}),
        ({"x5c": [SIGNER.x5c]}, None, {"x5c.path_invalid"}),
        ({"x5c": [SIGNER.x5c, pki().intermediate.x5c], "x5ocsp": [in_header(staple(SIGNER))]}, None, set()),
        ({"x5c": [SIGNER.x5c, pki().intermediate.x5c]}, CRL, {"crl.missing"}),
        ({"x5c": [SIGNER.x5c, pki().intermediate.x5c], "x5u": "http://127.0.0.1:9/"}, None, {"header.embedded_key"}),
    ],
)
def test_nothing_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: Any, revocation: str | None, want: set[str]
) -> None:
    files = {"list.crl": listed(issuer=pki().root)}
    judge = engine(tmp_path, files=files, **({"revocation": revocation} if revocation else {}))
    opened: list[object] = []

    def forbidden(*arguments: object, **_: object) -> None:
        opened.append(arguments)
        raise OSError

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, forbidden)
    assert outcome(judge, signed(SIGNER, **header)) == want
    assert opened == []
