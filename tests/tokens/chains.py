"""Certificate paths for tests: what a policy demands, what comes of a header, and authorities with a fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509

from policyjwt.errors import TokenRefused
from policyjwt.tokens.authorities import Authorities, authorities_of
from policyjwt.tokens.certificate_path import Anchors, CertificatePath, LeafBinding, PathDemand, find_path
from tests.issuer import NOW
from tests.pki import ISSUER_URI, Party, authority, leaf, party, pki, usage

URI = LeafBinding.make("san uri", frozenset({ISSUER_URI}))
ANY = LeafBinding.make("any", frozenset())


def demand(*anchors: Party, leaf: LeafBinding = URI, usage: str | None = None, depth: int | None = None) -> PathDemand:
    """What a policy wants; the anchor is the root that most tests share."""
    pem = [each.pem for each in anchors or (pki().root,)]
    return PathDemand(anchors=Anchors.from_pem(*pem), leaf=leaf, usage=usage, depth=depth)


def header(*parties: Party, **members: Any) -> dict[str, object]:
    """A header with these certificates."""
    return {"alg": "ES256", "x5c": [each.x5c for each in parties], **members}


def accepted(parties: Sequence[Party], wanted: PathDemand, *, alg: str = "ES256", now: float = NOW) -> CertificatePath:
    """The path of a token with these certificates; the same where their authorities are known from another leaf."""
    path = find_path(header(*parties), wanted, alg=alg, now=now)
    again = find_path(header(*parties), wanted, alg=alg, now=now, known=known(parties, wanted))
    assert again.certificates == path.certificates
    assert (again.not_before, again.not_after) == (path.not_before, path.not_after)
    assert again.key.thumbprint == path.key.thumbprint
    return path


def known(parties: Sequence[Party], wanted: PathDemand) -> Authorities | None:
    """What a good leaf beside the first of these leaves behind at NOW, if there can be one."""
    first, *others = parties
    if first.above is None:
        return None
    beside = leaf("beside", first.above)
    try:
        path = find_path(header(beside, *others), replace(wanted, leaf=ANY, usage=None), alg="ES256", now=NOW)
    except TokenRefused:
        return None
    return authorities_of(path.certificates)


def refusal(
    certificates: Sequence[Party] | dict[str, object],
    wanted: PathDemand | None = None,
    *,
    alg: str = "ES256",
    now: float = NOW,
) -> tuple[str, str]:
    """Code and phrase of the refusal, and nothing of the certificates in any of its texts.

    The same where the authorities are known from another leaf.
    """
    wanted = wanted or demand()
    given = certificates if isinstance(certificates, dict) else header(*certificates)
    with pytest.raises(TokenRefused) as caught:
        find_path(given, wanted, alg=alg, now=now)
    if not isinstance(certificates, dict):
        with pytest.raises(TokenRefused) as again:
            find_path(given, wanted, alg=alg, now=now, known=known(certificates, wanted))
        assert (again.value.code, again.value.actual) == (caught.value.code, caught.value.actual)
    told = f"{caught.value} {caught.value.help}"
    assert "\n" not in told
    assert "issuer.example" not in told
    assert "Name(" not in told
    assert "geheim" not in told
    return caught.value.code, caught.value.actual


def invalid(certificates: Sequence[Party], wanted: PathDemand | None = None, **more: Any) -> str:
    """The phrase of a refusal with `x5c.path_invalid`."""
    code, actual = refusal(certificates, wanted, **more)
    assert code == "x5c.path_invalid"
    return actual


BASIC = (x509.BasicConstraints(ca=True, path_length=None), True)
SIGNS = (usage("key_cert_sign", "crl_sign"), True)
LEAF = (usage("digital_signature"), True)
NAMED = (x509.SubjectAlternativeName([x509.UniformResourceIdentifier(ISSUER_URI)]), False)


def below(change: Callable[[], Party]) -> list[Party]:
    """A leaf below the intermediate that `change` makes."""
    middle = change()
    return [leaf("idp", middle), middle]


def middle(*extensions: tuple[x509.ExtensionType, bool], **more: Any) -> list[Party]:
    """A leaf and an intermediate with exactly these extensions, below the shared root."""
    return below(lambda: party("Middle", pki().root, extensions=extensions, **more))


def end(*extensions: tuple[x509.ExtensionType, bool], subject: x509.Name | str = "idp", **more: Any) -> list[Party]:
    """A leaf with exactly these extensions, below the shared intermediate."""
    return [party(subject, pki().intermediate, extensions=extensions, **more), pki().intermediate]


def ladder(*names: str, top: Party | None = None) -> tuple[Party, list[Party]]:
    """A root, and a leaf below intermediates of these names, the highest first."""
    top = top or authority("Top")
    above, made = top, list[Party]()
    for each in names:
        above = authority(each, above)
        made.insert(0, above)
    return top, [leaf("idp", above), *made]
