"""`policyjwt keys fetch|show|pin`: get an issuer's keys, say what a file holds, keep chosen ones in a repository."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from policyjwt.cli import keys_files, options, output, staple_files
from policyjwt.cli.exit_codes import Exit
from policyjwt.cli.failure import Failure
from policyjwt.reports.terminal import visible

if TYPE_CHECKING:
    from policyjwt.tokens import KeySet
    from policyjwt.tokens.key import Key

FORMATS = ("text", "json")

_FETCH_EXAMPLES = """\b
Examples:
  policyjwt keys fetch https://idp.corp.example/jwks.json --output keys/idp.jwks.json
  policyjwt keys fetch https://idp.corp.example --discovery | policyjwt keys show -
"""
_PIN_EXAMPLES = """\b
Examples:
  policyjwt keys pin https://idp.corp.example/jwks.json --all --output keys/idp.jwks.json
  policyjwt keys pin idp.pem --thumbprint NzbLsXh8… --output keys/idp.jwks.json
  policyjwt keys pin https://idp.corp.example/jwks.json --check --output keys/idp.jwks.json
"""


@click.group("keys", no_args_is_help=False)
def command() -> None:
    """Fetch, explain and pin the public keys of issuers.

    For those who want an issuer's keys as a file in the repository, reviewed like the policy, instead of having
    the engine fetch them.
    """


_discovery = click.option(
    "--discovery", is_flag=True, help="The address is an issuer: find its keys by its OpenID discovery document."
)
_ca = click.option("--ca", metavar="PEM", help="Trust these authorities for TLS, and no others. Default: the system's.")
_timeout = click.option(
    "--timeout", metavar="S", type=click.IntRange(1, 300), default=10, help="Give up after S seconds. Default: 10."
)


@command.command("fetch", epilog=_FETCH_EXAMPLES)
@click.argument("url", metavar="URL")
@_discovery
@_ca
@click.option("--output", "file", metavar="FILE", help="Write to FILE. Default: standard output.")
@_timeout
def fetch(*, url: str, discovery: bool, ca: str | None, file: str | None, timeout: int) -> Exit:
    """Fetch the key set at URL, and keep it if it is good.

    What is written are the public numbers of the keys for signatures, and nothing else that stood in the answer.
    A set that is not good is never written: the status is 1, and FILE stays as it is. If no answer comes, the
    status is 2. Proxies of the environment are not used, redirects are not followed.
    """
    from policyjwt.cli.keys_text import counted
    from policyjwt.keys.described import account, public_jwks

    data = keys_files.fetched(url, discovery=discovery, ca=ca, timeout=timeout)
    found = keys_files.public_keys(data, named="the host")
    _write(public_jwks(found.keys), file)
    told = account(data)
    output.remark(f"policyjwt: {counted(told)}")
    for why in dict.fromkeys(told.passed_over):
        output.remark(f"policyjwt: passed over: {why}")
    return Exit.YES


@command.command("show")
@click.argument("file", metavar="FILE")
@options.form(*FORMATS)
@options.color
@click.pass_context
def show(context: click.Context, *, file: str, form: str | None, color: str | None) -> Exit:
    """Explain the public keys in FILE (a JWKS or PEM; - for standard input).

    For each key its id, kind, algorithms and RFC 7638 thumbprint, which `except key sha256` and `keys pin` take; then
    what is passed over, and what is wrong: with a fault the status is 1. Of a private key nothing is shown.
    """
    from policyjwt.cli.keys_text import as_json, as_text
    from policyjwt.keys.described import account

    told = account(keys_files.content(file))
    if options.chosen_form(context, form, *FORMATS) == "json":
        output.result(as_json(told))
    else:
        output.result(as_text(told, style=options.style(context, color)))
    return Exit.NO if told.faults else Exit.YES


@command.command("pin", epilog=_PIN_EXAMPLES)
@click.argument("source", metavar="SOURCE")
@click.option("--output", "file", metavar="FILE", required=True, help="The file in the repository: a JWKS.")
@click.option("--thumbprint", "thumbprints", metavar="T", multiple=True, help="Take this key. Repeatable.")
@click.option("--kid", "kids", metavar="KID", multiple=True, help="Take the key with this id. Repeatable.")
@click.option("--all", "everything", is_flag=True, help="Take every key that SOURCE has now.")
@click.option("--check", is_flag=True, help="Write nothing: is FILE what would be written? Status 1 if it is not.")
@_discovery
@_ca
@_timeout
@options.color
@click.pass_context
def pin(
    context: click.Context,
    *,
    source: str,
    file: str,
    thumbprints: tuple[str, ...],
    kids: tuple[str, ...],
    everything: bool,
    check: bool,
    discovery: bool,
    ca: str | None,
    timeout: int,
    color: str | None,
) -> Exit:
    """Keep chosen keys of SOURCE (a URL, or a JWKS or PEM file) in FILE, and say what changes.

    Printed are the keys that are new, gone, changed and unchanged against FILE, and the line that a policy then
    has. A key that is pinned stays trusted until FILE changes: run --check where you test, to hear of a rotation,
    with the same --thumbprint and --kid, if not all keys were pinned. A path in a policy begins at its root.
    """
    from policyjwt.cli.keys_text import compared
    from policyjwt.keys.described import compare, public_jwks

    if everything and (thumbprints or kids):
        raise Failure("`--all` leaves nothing to choose", help="leave out `--all`, or `--thumbprint` and `--kid`")
    if not (everything or thumbprints or kids or check):
        raise Failure(
            "nothing says which keys are to be pinned",
            help="name them by `--thumbprint` or `--kid`, as `policyjwt keys show` lists them, or take `--all`",
        )
    before = keys_files.kept(file)
    if check and before is None:
        raise Failure(f"`{visible(file)}` does not exist", help="pin keys first, without `--check`")
    found = _source(source, discovery=discovery, ca=ca, timeout=timeout)
    keys = _chosen(found, thumbprints=thumbprints, kids=kids, needed=not check)
    comparison = compare(() if before is None else before.keys, keys)
    output.result(compared(comparison, style=options.style(context, color)))
    if check:
        output.remark(f"policyjwt: `{file}` {'differs' if comparison.differs else 'has the keys of the source'}")
        return Exit.NO if comparison.differs else Exit.YES
    _write(public_jwks(keys), file)
    output.result(f"\nkeys jwks file {json.dumps(file, ensure_ascii=False)}")
    return Exit.YES


def _source(source: str, *, discovery: bool, ca: str | None, timeout: int) -> KeySet:
    if discovery or source.startswith(("https:", "http:")):
        data = keys_files.fetched(source, discovery=discovery, ca=ca, timeout=timeout)
        return keys_files.public_keys(data, named="the host")
    if ca is not None:
        raise Failure("`--ca` is for TLS, and a file is read without", help="leave it out, or name an https URL")
    return keys_files.public_keys(keys_files.content(source), named=f"`{visible(source)}`")


def _chosen(found: KeySet, *, thumbprints: tuple[str, ...], kids: tuple[str, ...], needed: bool) -> tuple[Key, ...]:
    """The keys that are named, all where none is. A name that no key has fails where `needed`, else its key is gone."""
    if not thumbprints and not kids:
        return found.keys
    if needed:
        for name, known in (
            *((each, {key.thumbprint for key in found.keys}) for each in thumbprints),
            *((each, {key.kid for key in found.keys}) for each in kids),
        ):
            if name not in known:
                raise Failure(
                    f"the source has no key `{visible(name)}`",
                    help="`policyjwt keys show` lists the keys of a file; of a URL, after `policyjwt keys fetch`",
                    status=Exit.NO,
                )
    return tuple(key for key in found.keys if key.thumbprint in thumbprints or key.kid in kids)


def _write(data: bytes, file: str | None) -> None:
    if file is None or file == "-":
        output.result(data.decode("ascii"))
    else:
        staple_files.replace(file, data)
