"""`policyjwt staple fetch|show`: get the OCSP response that goes with a token, and say what one says."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import click

from policyjwt.cli import options, output, staple_files
from policyjwt.cli.exit_codes import Exit
from policyjwt.cli.failure import Failure
from policyjwt.cli.times import instant
from policyjwt.reports.terminal import visible

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from policyjwt.evidence.ocsp import StapleResult

FORMATS = ("text", "json")


@click.group("staple", no_args_is_help=False)
def command() -> None:
    """Fetch and explain stapled OCSP responses.

    A staple is the proof that a signer's certificate is not revoked; it travels with the token.
    """


_issuer = click.option("--issuer", metavar="CA", required=True, help="The certificate that issued it, PEM or DER.")
_pinned = click.option(
    "--responder-certificate",
    "pinned",
    metavar="PEM",
    multiple=True,
    help="A responder that the policies pin. Repeatable.",
)
_age = click.option("--age", metavar="D", help="At most so old, as in the policies: 1h. Default: by its end alone.")
_skew = click.option("--skew", metavar="D", help="Allow clocks to differ, as in the policies: 30s. Default: nothing.")
_without_next_update = click.option(
    "--without-next-update",
    is_flag=True,
    help="Let it name no next update, where the policies allow that. Needs --age.",
)
_without_nocheck = click.option(
    "--without-nocheck",
    is_flag=True,
    help="Let its responder's certificate lack nocheck, where the policies allow that.",
)


@command.command("fetch")
@click.argument("file", metavar="CERT")
@_issuer
@click.option("--responder", metavar="URL", help="Ask here. Default: the responder that CERT names.")
@click.option("--out", metavar="FILE", help="Write DER to FILE. Default: base64 to standard output.")
@_age
@_skew
@_without_next_update
@_without_nocheck
@click.option(
    "--timeout", metavar="S", type=click.IntRange(1, 300), default=10, help="Give up after S seconds. Default: 10."
)
@click.option(
    "--cert-id",
    type=click.Choice(["sha1", "sha256"]),
    default="sha1",
    help="The hash by which CA is named in the request. Default: sha1, which every responder knows; it signs nothing.",
)
@_pinned
def fetch(
    *,
    file: str,
    issuer: str,
    responder: str | None,
    out: str | None,
    age: str | None,
    skew: str | None,
    without_next_update: bool,
    without_nocheck: bool,
    timeout: int,
    cert_id: Literal["sha1", "sha256"],
    pinned: tuple[str, ...],
) -> Exit:
    """Ask the responder of CERT, and keep the answer if it is good.

    An answer that is not good is never written: the status is 1, and FILE stays as it is. If no answer comes, the
    status is 2. Proxies of the environment are not used, redirects are not followed.
    """
    from policyjwt.evidence.ocsp_fetch import FetchFailed, ask, request_for

    certificate, ca = staple_files.pair(file, issuer)
    limits = _limits(
        age=age,
        skew=skew,
        without_next_update=without_next_update,
        without_nocheck=without_nocheck,
        pinned=pinned,
    )
    url = responder or _named_responder(certificate, file)
    try:
        der = ask(url, request_for(certificate, ca, cert_id=cert_id), timeout=timeout)
    except FetchFailed as fault:
        raise Failure(fault.message, help=fault.help) from None
    now = time.time()
    result = limits.judge(der, certificate, ca, now=now)
    if not result.good:
        raise Failure(
            f"the response is not good, {result.code}: {visible(result.actual)}; expected: {visible(result.expected)}",
            help=result.help,
            status=Exit.NO,
        )
    if out is None or out == "-":
        output.result(staple_files.as_base64(der))
    else:
        staple_files.replace(out, der)
    output.remark(f"policyjwt: {_until(result, now)}")
    return Exit.YES


@command.command("show")
@click.argument("file", metavar="FILE")
@click.option("--certificate", "subject", metavar="CERT", required=True, help="The certificate that it is for.")
@_issuer
@_age
@_skew
@_without_next_update
@_without_nocheck
@_pinned
@click.option("--now", metavar="TIME", help="Judge as of this time (RFC 3339 or seconds since the epoch).")
@options.form(*FORMATS)
@options.color
@click.pass_context
def show(
    context: click.Context,
    *,
    file: str,
    subject: str,
    issuer: str,
    age: str | None,
    skew: str | None,
    without_next_update: bool,
    without_nocheck: bool,
    pinned: tuple[str, ...],
    now: str | None,
    form: str | None,
    color: str | None,
) -> Exit:
    """Explain the OCSP response in FILE (DER, PEM or base64; - for standard input).

    For which certificate it is, who signed it, until when it is good, and how large it is in a header.
    """
    from policyjwt.evidence.ocsp_words import account
    from policyjwt.reports.staple_text import as_json, as_text

    at = time.time() if now is None else instant(now)
    certificate, ca = staple_files.pair(subject, issuer)
    limits = _limits(
        age=age,
        skew=skew,
        without_next_update=without_next_update,
        without_nocheck=without_nocheck,
        pinned=pinned,
    )
    der = staple_files.response(file)
    result = limits.judge(der, certificate, ca, now=at)
    told = account(
        der,
        certificate=certificate,
        issuer=ca,
        pinned=limits.pinned,
        nocheck_needed=limits.nocheck_needed,
        now=at,
    )
    if options.chosen_form(context, form, *FORMATS) == "json":
        output.result(as_json(told, result, size=len(der)))
    else:
        style = options.style(context, color)
        output.result(as_text(told, result, size=len(der), now=at, aged=age is not None, style=style))
    return Exit.YES if result.good else Exit.NO


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """What the command line demands of a response."""

    age: int
    skew: int
    next_update_needed: bool
    nocheck_needed: bool
    pinned: tuple[Certificate, ...]

    def judge(self, der: bytes, certificate: Certificate, issuer: Certificate, *, now: float) -> StapleResult:
        """As a verifier would."""
        from policyjwt.evidence.ocsp import check_staple

        return check_staple(
            der,
            certificate=certificate,
            issuer=issuer,
            now=now,
            max_age=self.age,
            skew=self.skew,
            next_update_needed=self.next_update_needed,
            nocheck_needed=self.nocheck_needed,
            pinned=self.pinned,
        )


def _limits(
    *,
    age: str | None,
    skew: str | None,
    without_next_update: bool,
    without_nocheck: bool,
    pinned: tuple[str, ...],
) -> _Limits:
    from policyjwt.checker.decisions_limits import OLDEST_EVIDENCE

    if without_next_update and age is None:
        raise Failure(
            "`--without-next-update` needs `--age`: what names no end is good for an age alone",
            help="write the age of the policies, such as `--age 1h`",
        )
    # Without an age the end of the response decides alone; older than this no policy lets it be.
    return _Limits(
        age=OLDEST_EVIDENCE if age is None else staple_files.seconds(age, option="--age"),
        skew=0 if skew is None else staple_files.seconds(skew, option="--skew"),
        next_update_needed=not without_next_update,
        nocheck_needed=not without_nocheck,
        pinned=tuple(staple_files.certificate(each) for each in pinned),
    )


def _named_responder(certificate: Certificate, file: str) -> str:
    from policyjwt.evidence.ocsp_fetch import responder_urls

    for url in responder_urls(certificate):
        if url.startswith(("http:", "https:")):
            return url
    raise Failure(
        f"`{visible(file)}` names no responder that is asked over http or https",
        help="name it with `--responder`; where there is none, `crl snapshot` may fit the policy",
    )


def _until(result: StapleResult, now: float) -> str:
    from policyjwt.spans import moment, span

    assert result.good_until is not None
    return f"good until {moment(result.good_until)}, for {span(result.good_until - now)}"
