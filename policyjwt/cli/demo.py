"""`policyjwt demo`: a guided run with a throw-away issuer, real keys and real tokens."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from policyjwt.cli import options, output
from policyjwt.cli.exit_codes import Exit
from policyjwt.reports.terminal import Style
from policyjwt.reports.verdict_text import as_text

if TYPE_CHECKING:
    from policyjwt.cli.demo_issuer import Minted
    from policyjwt.engine import Engine
    from policyjwt.request import Context
    from policyjwt.verdict import Verdict

POLICY = """\
policyjwt 1

policy "payments" {
  about    "Access tokens of the identity provider, for the payments API"
  use      "payments-api"                       # the door that this policy guards
  owner    "identity-security@corp.example"

  issuer   "https://idp.corp.example"
  audience "payments-api"
  type     "at+jwt"

  signature {
    algorithms ES256
    keys jwks url "https://idp.corp.example/jwks.json" { stale at most 24h }
  }
  freshness {
    lifetime at most 15m
    age      at most 10m
    skew     at most 30s
  }
  replay     { nonce jti }                      # every token is accepted once
  revocation { by key removal within 24h }

  assures integrity, issuer-authentication, freshness, replay-protection

  provides sub is string, tenant is string

  require words(scope) contains "pay:write" as pay-scope
    because "a token without it is not meant for this API"
  require amr contains any of ["hwk", "fido"] as strong-login
  forbid  azp == "legacy-batch" when azp is present
}
"""

KEYS = "url:https://idp.corp.example/jwks.json"

STAPLED = """\
policyjwt 1

policy "deeds" {
  about    "Deeds of the notary, who signs under a certificate and brings the proof that it is not revoked"
  use      "archive"
  owner    "archive@corp.example"

  issuer   "https://notary.corp.example"
  audience "archive"
  type     "at+jwt"

  signature {
    algorithms ES256
    keys x5c {
      anchors "corp-ca.pem"
      leaf    san uri "https://notary.corp.example"   # this certificate, and no other of the authority
    }
  }
  freshness  { age at most 10m  skew at most 30s }
  replay     { nonce jti }
  revocation {
    staple ocsp from header "x5ocsp"
    age at most 1h                                    # so long a revoked certificate may still be believed
  }

  assures issuer-authentication, non-repudiation, revocation

  provides sub is string
}
"""

NEXT = """\
What to do next
  policyjwt validate policies/                      are these policies sound?
  policyjwt explain policies/                       what do they demand, in plain words?
  policyjwt evaluate token.jwt --policies policies/ is this token trusted, and why?
  policyjwt rule audience.mismatch                  what does a code mean, and what is the threat?"""


_WIDTH = 100


class _UnexpectedError(AssertionError):
    """A verdict of the demo is not the one that its story tells."""


@click.command("demo")
@options.color
@click.pass_context
def command(context: click.Context, color: str | None) -> Exit:
    """Run a guided tour: a throw-away issuer, real keys, real tokens, their verdicts."""
    style = options.style(context, color)
    for part in _tour(style):
        output.result(f"{part}\n\n")
    return Exit.YES


def _tour(style: Style) -> Iterator[str]:
    """The parts of the tour, in order."""
    from policyjwt.cli.demo_encryption import ENCRYPTED, recipients
    from policyjwt.cli.demo_holder import HELD, holders

    steps = Steps(style)
    yield _introduction(style)
    yield from _tokens(steps)
    yield f"{style.paint('A signer with a certificate', 'bold')}\n\n{textwrap.indent(STAPLED.rstrip(), '    ')}"
    yield from _staples(steps)
    yield f"{style.paint('A token of one holder', 'bold')}\n\n{textwrap.indent(HELD.rstrip(), '    ')}"
    yield from holders(steps)
    yield f"{style.paint('For the eyes of one service', 'bold')}\n\n{textwrap.indent(ENCRYPTED.rstrip(), '    ')}"
    yield from recipients(steps)
    yield NEXT


def _tokens(step: Steps) -> Iterator[str]:
    """An issuer whose keys are known by its key set."""
    from policyjwt.cli.demo_issuer import DemoIssuer, claims, tampered, unsigned
    from policyjwt.engine import Engine
    from policyjwt.replay import MemoryReplayStore
    from policyjwt.tokens import KeySet

    issuer = DemoIssuer()
    engine = Engine.from_text(
        POLICY,
        "payments.policy",
        keys={KEYS: KeySet.from_jwks(issuer.jwks())},
        replay=MemoryReplayStore(1000, single_process=True),
    )
    good = issuer.mint(claims())
    yield step(
        engine,
        "A token as it should be",
        "Fresh, for this API, signed by its issuer. Every line of the policy has its answer.",
        good,
        expected=(),
        everything=True,
    )
    yield step(
        engine,
        "Expired",
        "The same claims, an hour older.",
        issuer.mint(claims(iat=-3600, exp=-3300)),
        expected=("freshness.expired", "freshness.too_old"),
    )
    yield step(
        engine,
        "Three faults at once",
        "For another service, too old, and without the scope: one finding each, not just the first.",
        issuer.mint(claims(iat=-843, exp=30, aud="ledger-api", scope="pay:read")),
        expected=("audience.mismatch", "freshness.too_old", "claim.pay-scope"),
    )
    yield step(
        engine,
        "Tampered",
        "Somebody wrote another subject into a signed token. No claim is believed, or even printed.",
        tampered(good, {**good.claims, "sub": "admin"}),
        expected=("signature.invalid",),
    )
    yield step(
        engine,
        "alg: none",
        "The token says that it needs no signature. Which algorithms there are is for the policy to say.",
        unsigned(good),
        expected=("header.algorithm_refused",),
    )
    yield step(
        engine,
        "Replayed",
        "The first token again, bit for bit. A signature can't tell a second use; the nonce can.",
        good,
        expected=("replay.seen",),
    )


def _staples(step: Steps) -> Iterator[str]:
    """A signer that is known by a certificate, with the proof that it still holds."""
    from policyjwt.cli.demo_issuer import DemoIssuer, claims
    from policyjwt.cli.demo_pki import DemoPki
    from policyjwt.engine import Engine
    from policyjwt.replay import MemoryReplayStore

    pki = DemoPki()
    signer = DemoIssuer(pki.leaf.private)
    with TemporaryDirectory() as folder:
        (Path(folder) / "corp-ca.pem").write_bytes(pki.anchor)
        store = MemoryReplayStore(1000, single_process=True)
        engine = Engine.from_text(STAPLED, "deeds.policy", folder, replay=store)
    stories: tuple[tuple[str, str, list[str] | None, tuple[str, ...]], ...] = (
        (
            "Trusted, with its staple",
            "The responder's fresh word that the certificate is good travels in the token. Nothing is looked up.",
            pki.staple(),
            (),
        ),
        (
            "No staple",
            "The same signer, without the proof. What is not known is not trusted.",
            None,
            ("staple.missing",),
        ),
        (
            "A stale staple",
            "Five hours old. Since then the certificate may have been revoked.",
            pki.staple(age=timedelta(hours=5)),
            ("staple.stale",),
        ),
        (
            "Revoked",
            "The responder says so, and the signature is as valid as before.",
            pki.staple(revoked=True),
            ("staple.revoked",),
        ),
        (
            "The staple of another certificate",
            "A good answer of the right responder, about somebody else.",
            pki.staple_of_another(),
            ("staple.wrong_certificate",),
        ),
        (
            "A signer that vouches for itself",
            "The answer is signed with the certificate that it is about: a thief would sign that, too.",
            pki.staple_of_its_own(),
            ("staple.responder_not_delegated",),
        ),
    )
    for title, story, staple, expected in stories:
        members = {"x5c": pki.x5c} | ({} if staple is None else {"x5ocsp": staple})
        of_deed = claims(iss="https://notary.corp.example", aud="archive")
        yield step(engine, title, story, signer.mint(of_deed, **members), expected=expected)


def _introduction(style: Style) -> str:
    policy = textwrap.indent(POLICY.rstrip(), "    ")
    return (
        f"{style.paint('policyjwt: a guided tour', 'bold')}\n\n"
        "Verifying a signature says who signed. Trust is another question: is this token meant for this\n"
        "service, now, for the first time? A policy writes the answer down, and every requirement of it\n"
        "becomes a line of the verdict.\n\n"
        f"{style.paint('The policy', 'bold')}\n\n{policy}"
    )


class Steps:
    """Shows one token and its verdict after the other, numbered."""

    def __init__(self, style: Style) -> None:
        self._style, self._number = style, 0

    def __call__(
        self,
        engine: Engine,
        title: str,
        story: str,
        minted: Minted,
        *,
        expected: tuple[str, ...],
        request: Context | None = None,
        everything: bool = False,
    ) -> str:
        """One step: the token, its verdict, and what the client is told. It must come to what is expected."""
        from policyjwt.request import Context

        self._number += 1
        verdict = engine.evaluate(minted.token, request or Context())
        _must_be(verdict, expected)
        head = self._style.paint(f"── {self._number}. {title} ".ljust(_WIDTH, "─"), "bold")
        token = "\n".join([_wrapped(_short(minted.header)), _wrapped(minted.claims)])
        told = as_text(verdict, values=True, everything=everything, style=self._style)
        shown = f"{head}\n{story}\n\n{token}\n\n{told}"
        if verdict:
            released = ", ".join(f"{name} = {value}" for name, value in verdict.claims.items())
            return f"{shown}\n\n  the service may read: {released}"
        answer = verdict.public()
        said = "".join(f", {name}: {value}" for name, value in answer.headers.items())
        return f"{shown}\n\n  the client is told: {answer.status}{said}"


def _short(header: Mapping[str, object]) -> Mapping[str, object]:
    """Certificates and staples by their size: nobody reads base64."""
    return {
        name: [f"({len(each)} characters of base64)" for each in value] if isinstance(value, list) else value
        for name, value in header.items()
    }


def _wrapped(members: Mapping[str, object]) -> str:
    """JSON in lines of the page's width."""
    text = json.dumps(members)
    return textwrap.fill(
        text, _WIDTH, initial_indent="    ", subsequent_indent="     ", break_long_words=False, break_on_hyphens=False
    )


def _must_be(verdict: Verdict, expected: tuple[str, ...]) -> None:
    """The tour tells no story that is not true."""
    found = tuple(finding.code for finding in verdict.failing)
    if sorted(found) != sorted(expected):
        raise _UnexpectedError(f"expected {expected}, found {found}")
