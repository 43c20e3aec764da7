"""`policyjwt evaluate [FILE]`: is this token trusted, and why."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from policyjwt.cli import options, output, policies, staple_files
from policyjwt.cli.evaluate_input import context_from, key_files, read_token
from policyjwt.cli.exit_codes import Exit
from policyjwt.cli.failure import Failure
from policyjwt.cli.times import instant
from policyjwt.errors import PolicyError, PolicyJwtError
from policyjwt.reports.terminal import visible
from policyjwt.reports.verdict_text import as_text

if TYPE_CHECKING:
    from policyjwt.engine import Engine
    from policyjwt.replay import ReplayStore
    from policyjwt.request import Context
    from policyjwt.verdict import Inspection, Verdict

FORMATS = ("text", "json")
_SERVERS = {"redis": "redis", "rediss": "redis", "postgresql": "postgres", "postgres": "postgres"}
"""The extra that each kind of address needs."""
_KNOWN = "known are `redis://…`, `rediss://…`, `postgresql://…`, `sqlite:PATH` and `memory:`"
_MEMORY = 1000
"""Nonces that `memory:` holds: it lives as long as this command, which judges one token."""


@click.command("evaluate")
@click.argument("file", metavar="[FILE]", default="-")
@click.option("--policies", "paths", metavar="PATH", multiple=True, required=True, help="A file or folder. Repeatable.")
@click.option("--use", metavar="U", help="The use that is asked for, where the policies have more than one.")
@click.option("--policy", "name", metavar="NAME", help="Let this policy judge.")
@click.option(
    "--keys",
    metavar="REF=FILE",
    multiple=True,
    help="Take the keys that a policy names so from FILE: url:https://…=jwks.json. Repeatable.",
)
@click.option("--now", metavar="TIME", help="Judge as of this time (RFC 3339 or seconds since the epoch).")
@click.option("--context", "request", metavar="FILE", help="What is known of the request, as JSON.")
@click.option(
    "--staple",
    "staples",
    metavar="FILE",
    multiple=True,
    help="An OCSP response that is handed over beside the token (DER, PEM or base64). Repeatable.",
)
@click.option("--consume", is_flag=True, help="Consume the nonce, as a service would; needs --replay.")
@click.option(
    "--replay", metavar="URL", help="Where nonces are remembered: redis[s]://…, postgresql://…, sqlite:PATH or memory:"
)
@click.option("--single-host", is_flag=True, help="Your word that nothing elsewhere accepts these tokens.")
@click.option("--all", "everything", is_flag=True, help="Show the requirements that are met too.")
@click.option("--values", is_flag=True, help="Show values of the token; for your eyes, not for logs.")
@options.form(*FORMATS)
@options.color
@click.pass_context
def command(
    context: click.Context,
    *,
    file: str,
    paths: tuple[str, ...],
    use: str | None,
    name: str | None,
    keys: tuple[str, ...],
    now: str | None,
    request: str | None,
    staples: tuple[str, ...],
    consume: bool,
    replay: str | None,
    single_host: bool,
    everything: bool,
    values: bool,
    form: str | None,
    color: str | None,
) -> Exit:
    """Judge the token in FILE (default: standard input).

    No nonce is consumed without --consume: the answer is then whether the token would be trusted.
    """
    _agree(consume=consume, replay=replay, single_host=single_host, now=now)
    if file == "-" in paths:
        raise Failure("`-` is standard input: it can't hold both the token and the policies")
    at = time.time() if now is None else instant(now)
    if file == "-" and "-" in staples:
        raise Failure("`-` is standard input: it can't hold both the token and a staple")
    facts = context_from(request, staples=tuple(staple_files.response(staple) for staple in staples))
    given = key_files(keys)
    for path in paths:
        if path != "-":
            policies.must_exist(path)
    store = _store(replay, single_host=single_host)
    context.call_on_close(getattr(store, "close", None) or (lambda: None))
    try:
        engine = _engine(paths, use=use, name=name, keys=given, store=store)
    except PolicyError as error:
        return _refuse(error, paths, color or options.settings_of(context).color)
    except ValueError as fault:
        # Raised for a use, a name or a reference that fits nothing, before any token is read.
        raise Failure(visible(str(fault))) from None
    context.call_on_close(engine.close)
    token = read_token(file)
    told, positive = _judged(engine, token, facts, name=name, now=None if consume else at)
    if options.chosen_form(context, form, *FORMATS) == "json":
        output.result(json.dumps(told.to_dict(values=values), indent=2))
    else:
        style = options.style(context, color)
        output.result(as_text(told, values=values, everything=everything, style=style, hint=" (--all shows them)"))
    return Exit.YES if positive else Exit.NO


def _judged(
    engine: Engine, token: str, facts: Context, *, name: str | None, now: float | None
) -> tuple[Verdict | Inspection, bool]:
    """The verdict; or, where only the nonce was not asked for, the inspection that says so."""
    verdict = engine.evaluate(token, facts, policy=name, now=now)
    if not verdict and now is not None:
        inspection = engine.inspect(token, facts, policy=name, now=now)
        if inspection.would_trust:
            return inspection, True
    return verdict, verdict.trusted


def _agree(*, consume: bool, replay: str | None, single_host: bool, now: str | None) -> None:
    """Options that only make sense together, or not together."""
    if replay is not None and not consume:
        raise Failure("`--replay` needs `--consume`", help="without it no nonce is consumed and no store is asked")
    if consume and replay is None:
        raise Failure("`--consume` needs `--replay`", help="say where nonces are remembered: `--replay sqlite:PATH`")
    if consume and now is not None:
        raise Failure("`--now` and `--consume` exclude each other", help="a nonce is consumed now or not at all")
    if single_host and replay is None:
        raise Failure("`--single-host` needs `--replay`")


def _store(url: str | None, *, single_host: bool) -> ReplayStore:
    from policyjwt.replay import InspectOnly, MemoryReplayStore

    if url is None:
        return InspectOnly()
    if url == "memory:":
        return MemoryReplayStore(_MEMORY, single_process=single_host)
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest:
        return _file(rest, single_host=single_host)
    if scheme in _SERVERS and rest:
        return _server(url, scheme, single_host=single_host)
    # How an address begins is all that is quoted: any other part may be a password.
    what = f"`{scheme}:`" if scheme.isalpha() and len(scheme) < len(url) else "what `--replay` says"
    raise Failure(f"{what} is no replay store", help=_KNOWN)


def _file(path: str, *, single_host: bool) -> ReplayStore:
    from policyjwt.replay import SqliteReplayStore

    try:
        return SqliteReplayStore(path, single_host=single_host)
    except (PolicyJwtError, OSError, ValueError):
        raise Failure(f"the replay store `{visible(path)}` can't be opened") from None


def _server(url: str, scheme: str, *, single_host: bool) -> ReplayStore:
    """A store that all nodes share. It connects when the nonce is consumed: not every token gets so far."""
    from policyjwt.replay import PostgresReplayStore, RedisReplayStore

    extra = _SERVERS[scheme]
    if single_host:
        raise Failure(f"`--single-host` is not for `{scheme}:`", help="a store on a server reaches all nodes anyway")
    try:
        return RedisReplayStore(url) if extra == "redis" else PostgresReplayStore(url)
    except ValueError as fault:  # in words of the stores, which quote nothing of the address
        raise Failure(f"the address of the replay store can't be used: {visible(str(fault))}") from None
    except PolicyJwtError:
        raise Failure(
            f"a replay store at `{scheme}:` needs the extra `{extra}`", help=f"install policyjwt[{extra}]"
        ) from None


def _engine(
    paths: tuple[str, ...], *, use: str | None, name: str | None, keys: dict[str, Path], store: ReplayStore
) -> Engine:
    from policyjwt.engine import Engine
    from policyjwt.errors import LoadError

    names = None if name is None else [name]
    if paths == ("-",):
        text = policies.standard_input()
        return Engine.from_text(text, policies.STDIN, Path.cwd(), use=use, policies=names, keys=keys, replay=store)
    try:
        return Engine.load(*paths, use=use, policies=names, keys=keys, replay=store)
    except LoadError as fault:
        raise Failure(str(fault)) from None


def _refuse(error: PolicyError, paths: tuple[str, ...], color: str) -> Exit:
    """The policies again, for the lines that the diagnostics point at; standard input can't be read twice."""
    sources = {} if paths == ("-",) else policies.read(paths).sources
    return policies.refuse(error.diagnostics, sources, color=color)
