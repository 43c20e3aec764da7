"""What the clock says of authentic OCSP responses. Input: AuthenticResponse, `now`. Output: until when it holds.

RFC 6960, sections 2.4 and 4.2.2.1. Boundaries belong to what is accepted; the skew is always in the token's favour.
"""

from __future__ import annotations

from collections.abc import Sequence

from policyjwt.evidence import staple_messages as messages
from policyjwt.evidence.ocsp_model import AuthenticResponse, StapleDemand, check_number
from policyjwt.spans import duration, skew_text, span


def judge_times(
    responses: Sequence[AuthenticResponse], demand: StapleDemand, *, now: float, issued_at: float | None
) -> float:
    """The earliest instant at which this judgement turns. TokenRefused where it has turned already.

    To be asked at every use of a remembered result. `issued_at` is the token's `iat`.
    """
    check_number(now, name="now")
    if issued_at is not None:
        check_number(issued_at, name="issued_at")
    if not responses:  # check: S1
        raise messages.missing(actual="there is no OCSP response", expected="an OCSP response")
    ends = []
    for response in responses:
        _judge_responder(response, demand, now)
        _judge_production(response, demand, now)
        ends.append(_judge_window(response, demand, now))
        _judge_token(response, demand, issued_at)
    return min(ends)


def _judge_responder(response: AuthenticResponse, demand: StapleDemand, now: float) -> None:
    begins, ends = response.responder_not_before, response.responder_not_after
    if begins is not None and now < begins - demand.skew:  # check: S10
        raise messages.responder_expired(
            actual=f"the responder's certificate becomes valid {span(begins - now)} from now"
        )
    if ends is not None and now > ends + demand.skew:  # check: S10
        raise messages.responder_expired(actual=f"the responder's certificate expired {span(now - ends)} ago")


def _judge_production(response: AuthenticResponse, demand: StapleDemand, now: float) -> None:
    begins, ends = response.responder_not_before, response.responder_not_after
    skew, signed, known = demand.skew, response.produced_at, response.this_update
    if known > now + skew:  # check: S21
        raise messages.not_yet_valid(ahead=span(known - now), skew=skew_text(skew))
    if signed > now + skew:  # check: S22
        raise messages.bad_produced_at(actual=f"the OCSP response was signed {span(signed - now)} from now")
    if signed + skew < known:  # check: S22
        raise messages.bad_produced_at(
            actual=f"the OCSP response was signed {span(known - signed)} before its answer was known"
        )
    if begins is not None and signed + skew < begins:  # check: S22
        raise messages.bad_produced_at(
            actual=f"the OCSP response was signed {span(begins - signed)} before the responder's certificate was valid"
        )
    if ends is not None and signed - skew > ends:  # check: S22
        raise messages.bad_produced_at(
            actual=f"the OCSP response was signed {span(signed - ends)} after the responder's certificate had expired"
        )


def _judge_window(response: AuthenticResponse, demand: StapleDemand, now: float) -> float:
    """How far the answer reaches. The earliest of the ends is the result."""
    skew, known, following = demand.skew, response.this_update, response.next_update
    ends = [known + demand.max_age + skew]
    if following is None and demand.next_update_needed:  # check: S23
        raise messages.no_next_update()
    if following is not None:
        if following <= known:  # check: S24
            raise messages.bad_window(
                actual="the OCSP response has a nextUpdate that is not after its thisUpdate",
                limit=duration(demand.max_window),
            )
        if following - known > demand.max_window:  # check: S24
            raise messages.bad_window(
                actual=f"the OCSP response looks {span(following - known)} ahead", limit=duration(demand.max_window)
            )
        if now > following + skew:  # check: S25
            raise messages.expired(ago=span(now - following), skew=skew_text(skew))
        ends.append(following + skew)
    if now - known > demand.max_age + skew:  # check: S26
        raise messages.stale(age=span(now - known), limit=duration(demand.max_age), skew=skew_text(skew))
    if response.responder_not_after is not None:
        ends.append(response.responder_not_after + skew)
    return min(ends)


def _judge_token(response: AuthenticResponse, demand: StapleDemand, issued_at: float | None) -> None:
    if not demand.after_token:
        return
    if issued_at is None:  # check: S29
        raise messages.before_token(actual="the token does not say when it was issued", skew=skew_text(demand.skew))
    if response.this_update < issued_at - demand.skew:  # check: S29
        raise messages.before_token(
            actual=f"the OCSP response is {span(issued_at - response.this_update)} older than the token",
            skew=skew_text(demand.skew),
        )
