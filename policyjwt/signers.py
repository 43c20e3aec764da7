"""Signers that are known by certificates. Input: a header, and what came beside it. Output: a key, and its evidence.

A signer's path and staples are the same for many tokens, and its authorities and their responder for many signers: so
what mathematics has shown of them is remembered; whatever a clock decides, or the next signer's certificate, is judged
anew at each use. Only what belongs to a verified token is remembered.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from types import NoneType
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

from policyjwt.evidence import crl, ocsp
from policyjwt.evidence.carriage import DEFAULT_NAME, Carrier, carried
from policyjwt.evidence.short_lived import check_short_lived
from policyjwt.expressions.explanation import Explanation
from policyjwt.requirements.evidence import told
from policyjwt.requirements.line import MET, EvidenceResult
from policyjwt.spans import duration, skew_text, span
from policyjwt.tokens.authorities import Authorities, authorities_of
from policyjwt.tokens.certificate_path import CertificatePath, PathDemand, find_path, holds_at
from policyjwt.tokens.key_roles import Roles
from policyjwt.tokens.messages import signs_and_decrypts

if TYPE_CHECKING:
    from policyjwt.tokens.decode import UnverifiedToken

MAX_REMEMBERED = 256
"""Signers of one policy that are remembered, and sets of staples."""

MAX_REMEMBERED_AUTHORITIES = 64
"""What stands above the signers of one policy, and responders that were delegated."""

Cover = Literal["leaf", "chain"]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StapleUse:
    """`staple ocsp from …`: where responses come from, and what they must show."""

    carrier: Carrier
    name: str | None
    cover: Cover
    demand: ocsp.StapleDemand


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CrlUse:
    """`crl snapshot …`. `reference` is its file."""

    reference: str
    snapshot: crl.CrlSnapshot
    cover: Cover
    demand: crl.CrlDemand


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Signers:
    """The signers of one policy with `keys x5c`. Thread-safe."""

    path: PathDemand
    staple: StapleUse | None = None
    crl: CrlUse | None = None
    short_lived: int | None = None
    _paths: _Memory[CertificatePath] = field(default_factory=lambda: _Memory(MAX_REMEMBERED))
    _staples: _Memory[_Judged] = field(default_factory=lambda: _Memory(MAX_REMEMBERED))
    _authorities: _Memory[Authorities] = field(default_factory=lambda: _Memory(MAX_REMEMBERED_AUTHORITIES))
    _delegations: _Memory[Literal[True]] = field(default_factory=lambda: _Memory(MAX_REMEMBERED_AUTHORITIES))

    def find(self, header: Mapping[str, object], *, alg: str, now: float) -> Found:
        """The path of the token's certificate. TokenRefused(`x5c.…`)."""
        signer = _signer(header, alg)
        known = self._paths.get(signer)
        if known is not None and holds_at(known, now):
            return Found(known, None)
        above = _above(header)
        authorities = self._authorities.get(above)
        path = find_path(header, self.path, alg=alg, now=now, known=authorities)
        return Found(path, signer, above if authorities is None else None)

    def remember(self, found: Found) -> None:
        """Keep the path for the signer's next token, and what is above it for others.

        Call it only after the signature verified.
        """
        if found.signer is not None:
            self._paths.put(found.signer, found.path)
        if found.above is not None:
            authorities = authorities_of(found.path.certificates)
            if authorities is not None:
                self._authorities.put(found.above, authorities)

    def judge(
        self,
        path: CertificatePath,
        token: UnverifiedToken,
        staples: Sequence[bytes],
        *,
        now: float,
        keep: bool = True,
        roles: Roles,
    ) -> dict[str, EvidenceResult]:
        """What became of the evidence about the certificates of `path`, by the names of the lines.

        With `keep` it is remembered for the signer's next token. `roles` tells which keys may not vouch.
        """
        found = {"path": EvidenceResult(MET, _path_words, path.not_after)}
        staple, revoked, most = self.staple, self.crl, self.short_lived
        if staple is not None:
            found["staple"] = told(lambda: self._staple(staple, path, token, staples, now=now, keep=keep, roles=roles))
        if revoked is not None:
            found["crl"] = told(lambda: _crl(revoked, path, now=now))
        if most is not None:
            found["short_lived"] = told(lambda: _short_lived(path, most))
        return found

    def _staple(
        self,
        use: StapleUse,
        path: CertificatePath,
        token: UnverifiedToken,
        given: Sequence[bytes],
        *,
        now: float,
        keep: bool,
        roles: Roles,
    ) -> EvidenceResult:
        presented = _presented(use, path, token, given) if keep else None
        known = self._staples.get(presented)
        if known is None or not known.since <= now <= known.until or use.demand.after_token:
            known = self._authenticated(use, path, token, given, known=known, now=now)
            self._staples.put(presented, known)
            for response in known.responses if keep else ():
                self._delegations.put(response.delegation, True)
        responses = known.responses
        if roles.forbid(each.responder for each in responses):  # check: K7
            raise signs_and_decrypts("the response about the signer's certificate")
        return EvidenceResult(MET, lambda: _staple_words(use, responses, now), known.until)

    def _authenticated(
        self,
        use: StapleUse,
        path: CertificatePath,
        token: UnverifiedToken,
        given: Sequence[bytes],
        *,
        known: _Judged | None,
        now: float,
    ) -> _Judged:
        """What holds of the responses by mathematics, and from now until when it holds by the clock."""
        if known is None:
            responses = carried(
                use.carrier, name=use.name, header=token.header, unprotected=token.unprotected, given=given
            )
            authentic = ocsp.authenticate(
                responses, path.certificates, use.demand, cover=use.cover, known=self._delegations
            )
        else:
            authentic = known.responses
        until = ocsp.judge_times(authentic, use.demand, now=now, issued_at=_issued_at(token.claims))
        return _Judged(authentic, now, until)


class Found(NamedTuple):
    """A path, what it was found for, and what in that stands above the leaf. None: that is remembered, or can't be."""

    path: CertificatePath
    signer: Hashable | None
    above: Hashable | None = None


class _Judged(NamedTuple):
    """Responses that are authentic, and a span in which the clock refuses none of them.

    A response that has begun to hold does not stop before the end of it: between the two no limit is crossed.
    """

    responses: tuple[ocsp.AuthenticResponse, ...]
    since: float
    until: float


def _path_words() -> Explanation:
    return Explanation("the certificate path leads to an anchor", "")


def _staple_words(use: StapleUse, responses: tuple[ocsp.AuthenticResponse, ...], now: float) -> Explanation:
    oldest = min(response.this_update for response in responses)
    counted = "a stapled OCSP response says" if len(responses) == 1 else f"{len(responses)} OCSP responses say"
    return Explanation(
        f"{counted} good, {_age(now - oldest)}",
        f"at most {duration(use.demand.max_age)} old{skew_text(use.demand.skew)}",
    )


def _crl(use: CrlUse, path: CertificatePath, *, now: float) -> EvidenceResult:
    authentic = crl.authenticate(use.snapshot, path.certificates, cover=use.cover)
    until = crl.judge_times(authentic, use.demand, now=now)

    def words() -> Explanation:
        oldest = min(each.this_update for each in authentic)
        return Explanation(
            f"a revocation list that is {_age(now - oldest)} does not name the certificate",
            f"at most {duration(use.demand.max_age)} old{skew_text(use.demand.skew)}",
        )

    return EvidenceResult(MET, words, until)


def _short_lived(path: CertificatePath, most: int) -> EvidenceResult:
    check_short_lived(path.certificates[0], most=most)
    words = Explanation("the signer's certificate is short-lived", f"valid for at most {duration(most)} in all")
    return EvidenceResult(MET, lambda: words)


def _age(seconds: float) -> str:
    return f"{span(seconds)} old" if seconds > 0 else "made just now"


def _issued_at(claims: Mapping[str, Any]) -> float | None:
    iat = claims.get("iat")
    return iat if isinstance(iat, (int, float)) and not isinstance(iat, bool) else None


def _signer(header: Mapping[str, object], alg: str) -> Hashable | None:
    """What a path was found for: everything in the header that `find_path` looks at. None for what is no list.

    It may hold what can't be a key of a mapping; that is remembered of nobody.
    """
    x5c = header.get("x5c")
    if not isinstance(x5c, list):
        return None
    marks = (header.get("x5t"), "x5t" in header, header.get("x5t#S256"), "x5t#S256" in header)
    return (alg, *marks, *x5c)


def _above(header: Mapping[str, object]) -> Hashable | None:
    """The certificates of the header that are not the leaf's own. None where there are none."""
    x5c = header.get("x5c")
    return tuple(x5c[1:]) or None if isinstance(x5c, list) else None


def _presented(
    use: StapleUse, path: CertificatePath, token: UnverifiedToken, given: Sequence[bytes]
) -> Hashable | None:
    """What the responses were found for: the path, and all that `carried` looks at. None for what is not remembered.

    The path counts as the object that it is: an answer about one path is never used for another.
    """
    if token.unprotected is not None:
        return None
    places = []
    for name in (use.name or DEFAULT_NAME, DEFAULT_NAME):
        value = token.header.get(name)
        if not isinstance(value, (list, NoneType)):
            return None
        places.append((name in token.header, None if value is None else tuple(value)))
    return (path, *places, *(given if use.carrier == "caller" else ()))


class _Memory(Generic[Value]):
    """A bounded memory: of more than `most`, the first that came is the first to go."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._kept: dict[Hashable, Value] = {}

    def get(self, key: Hashable | None) -> Value | None:
        try:
            return None if key is None else self._kept.get(key)
        except TypeError:  # a token may hold lists where texts belong: no such key is kept
            return None

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def put(self, key: Hashable | None, value: Value) -> None:
        """Keep a value. Only what has verified comes here, and so nothing but texts is in its key."""
        if key is None:
            return
        with self._lock:
            self._kept.pop(key, None)
            while len(self._kept) >= self._most:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = value
