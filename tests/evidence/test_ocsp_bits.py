"""No bit of a good staple can be flipped, whoever signed it: what is flipped is never trusted."""

from __future__ import annotations

import pytest

from tests.evidence.staples import PKI, judged, rsa_pki
from tests.pki import Pki, staple

SIGNERS = {
    "the issuer": lambda pki: staple(pki.leaf),
    "a delegate": lambda pki: staple(pki.leaf, signer=pki.responder),
}


def flipped(der: bytes, bit: int) -> bytes:
    changed = bytearray(der)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def trusted(pki: Pki, der: bytes, bits: range) -> list[int]:
    """The bits without which the response is as good as before."""
    path = tuple(each.certificate for each in (pki.leaf, pki.intermediate, pki.root))
    assert judged(der, path=path) == "met"
    return [bit for bit in bits if judged(flipped(der, bit), path=path) == "met"]


@pytest.mark.parametrize("signer", SIGNERS)
def test_every_bit_counts(signer: str) -> None:
    der = SIGNERS[signer](PKI)
    assert trusted(PKI, der, range(len(der) * 8)) == []


@pytest.mark.parametrize("signer", SIGNERS)
def test_every_bit_counts_with_rsa(signer: str) -> None:
    der = SIGNERS[signer](rsa_pki())
    assert trusted(rsa_pki(), der, range(len(der) * 8)) == []


@pytest.mark.parametrize("signer", SIGNERS)
def test_no_byte_can_be_left_out_or_doubled(signer: str) -> None:
    der = SIGNERS[signer](PKI)
    shorter = [der[:at] + der[at + 1 :] for at in range(len(der))]
    longer = [der[:at] + der[at : at + 1] + der[at:] for at in range(len(der))]
    assert "met" not in {judged(each) for each in shorter + longer}
