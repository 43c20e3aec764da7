"""Check: from what was loaded to policies that decide everything. Input: `Loaded`, the time. Output: `Checked`.

Merges each policy with its baselines, judges each alone and all beside each other, and applies what people allowed.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policyjwt.checker.allows import apply_allows
from policyjwt.checker.assures import check_assures, check_shared
from policyjwt.checker.compose import Composed, compose, family_of
from policyjwt.checker.dates import check_dates
from policyjwt.checker.decisions import check_decisions
from policyjwt.checker.extras import extras_of
from policyjwt.checker.keys import check_keys
from policyjwt.checker.named_files import named_files, without_root
from policyjwt.checker.overlap import check_nonces, check_overlap
from policyjwt.checker.rules import check_rules
from policyjwt.checker.schema import check_schema
from policyjwt.checker.trust import check_trust
from policyjwt.diagnostics import Diagnostic, in_order
from policyjwt.language.load import Loaded
from policyjwt.language.model import Allow, Block, CheckedPolicy
from policyjwt.source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Policies that may judge tokens, and every fault that was found, sorted.

    A policy with a fault that stops loading is not among `policies`. `unchecked` counts what could not be checked here
    (`{"secrets": 3}`), `extras` how many policies need which extra of this package.
    """

    policies: tuple[CheckedPolicy, ...]
    diagnostics: tuple[Diagnostic, ...]
    unchecked: Mapping[str, int]
    extras: Mapping[str, int]


def check(loaded: Loaded, *, now: float) -> Checked:
    """Judge everything that was loaded, as of `now` (seconds since the epoch). Reads no secret and opens no socket."""
    family = family_of(loaded)
    blocks = [compose(block, family) for document in loaded.documents for block in document.blocks]
    policies = [composed for composed in blocks if composed.block.kind == "policy"]
    rootless = [each for each in policies if _root(each, loaded) is None]
    rooted = list(_with_roots(policies, loaded))
    keys = check_keys(rooted, now=now)
    schemas = [check_schema(block, root) for block, root in rooted]
    schema_texts = {block.extent: schema.text for (block, _), schema in zip(rooted, schemas, strict=True)}
    found = [
        *loaded.diagnostics,
        *(diagnostic for composed in blocks for diagnostic in _alone(composed, now=now)),
        *(diagnostic for each in rootless for diagnostic in without_root(each.block)),
        *keys.diagnostics,
        *(diagnostic for schema in schemas for diagnostic in schema.diagnostics),
        *check_shared([each.block for each in policies], keys.diagnostics, roots=loaded.roots),
    ]
    clashes = [*check_overlap([each.block for each in policies]), *check_nonces([each.block for each in policies])]
    found.extend(clash.diagnostic for clash in clashes)
    stopped = {extent for clash in clashes for extent in clash.extents}
    stops = sorted({diagnostic.span for diagnostic in found if diagnostic.stops_loading})
    diagnostics = apply_allows(_once(found), _allows(loaded), unfinished=_unfinished(stops, loaded))
    return Checked(
        policies=tuple(
            _checked_policy(composed, loaded, schema=schema_texts.get(composed.block.extent))
            for composed in policies
            if composed.block.extent not in stopped and _is_sound(composed, stops, loaded)
        ),
        diagnostics=in_order(diagnostics),
        unchecked=keys.unchecked,
        extras=extras_of((block, schema.needs_re2) for (block, _), schema in zip(rooted, schemas, strict=True)),
    )


def _alone(composed: Composed, *, now: float) -> Iterator[Diagnostic]:
    """What is wrong with a block by itself, its baselines included."""
    block = composed.block
    yield from composed.diagnostics
    yield from check_decisions(block, extents=composed.extents)
    yield from check_assures(block)
    yield from check_rules(block)
    yield from check_trust(block)
    yield from check_dates(composed.lineage[-1], now=now)


def _once(found: list[Diagnostic]) -> list[Diagnostic]:
    """Each fault once: that of a baseline is found again in every policy that extends it."""
    first: dict[tuple[str, Span, str], Diagnostic] = {}
    for diagnostic in found:
        first.setdefault((diagnostic.code, diagnostic.span, diagnostic.message), diagnostic)
    return list(first.values())


# ------------------------------------------------------------------------------------ sound


def _is_sound(composed: Composed, stops: list[Span], loaded: Loaded) -> bool:
    """Whether nothing keeps the policy from judging tokens: no fault in it or its baselines, nothing unread."""
    if composed.block.broken or any(extent.file in loaded.incomplete for extent in composed.extents):
        return False
    return not any(_holds_one(extent, stops) for extent in composed.extents)


def _holds_one(extent: Span, stops: list[Span]) -> bool:
    """Whether one of the sorted spans lies in `extent`: the first that begins in it, or one that begins with it."""
    at = bisect_left(stops, (extent.file, extent.start), key=lambda span: (span.file, span.start))
    for span in stops[at:]:
        if span.file != extent.file or span.start >= extent.end:
            return False
        if extent.contains(span):
            return True
    return False


def _checked_policy(composed: Composed, loaded: Loaded, *, schema: str | None) -> CheckedPolicy:
    block = composed.block
    waivers = {waiver.matter.value: waiver for waiver in block.waivers}
    signature, freshness = block.signature, block.freshness
    assert block.use is not None
    assert block.issuer is not None
    assert signature is not None
    assert signature.algorithms is not None
    assert freshness is not None
    assert block.replay is not None
    return CheckedPolicy(
        name=block.name,
        block=block,
        extents=composed.extents,
        root=_root(composed, loaded) or "",
        digest=_digest(composed, loaded, schema=schema),
        schema=schema,
        use=block.use.value,
        issuer=block.issuer,
        audience=block.audience or waivers["audience"],
        type=block.type or waivers["type"],
        signature=signature,
        algorithms=signature.algorithms.values,
        freshness=freshness,
        skew=freshness.skew.amount if freshness.skew is not None else 0,
        replay=block.replay,
        revocation=block.revocation or waivers["revocation"],
        holder=block.holder or waivers.get("holder"),
    )


def _root(composed: Composed, loaded: Loaded) -> str | None:
    """The folder that paths of the policy are relative to, None where it can have none."""
    return loaded.roots.get(composed.block.extent.file)


def _with_roots(policies: list[Composed], loaded: Loaded) -> Iterator[tuple[Block, str]]:
    """The policies with the folders that their files are read below; without one, only those that name no file."""
    for composed in policies:
        root = _root(composed, loaded)
        if root is not None:
            yield composed.block, root
        elif not any(named_files(composed.block)):
            yield composed.block, ""


def _digest(composed: Composed, loaded: Loaded, *, schema: str | None) -> str:
    """Of all the text that the policy was made from: its own file, each baseline's file, and its schema."""
    digests = dict.fromkeys(loaded.digests[extent.file] for extent in composed.extents)
    if schema is not None:
        digests[hashlib.sha256(schema.encode("utf-8")).hexdigest()] = None
    if len(digests) == 1:
        return next(iter(digests))
    return hashlib.sha256("\n".join(digests).encode("ascii")).hexdigest()


# ------------------------------------------------------------------------------------ allows


def _allows(loaded: Loaded) -> Iterator[Allow]:
    """What people allowed. An `allow` of a baseline is an error, and allows nothing."""
    for document in loaded.documents:
        yield from document.allows
        for block in document.blocks:
            yield from block.allows if block.kind == "policy" else ()


def _unfinished(stops: list[Span], loaded: Loaded) -> frozenset[str]:
    """The files in which a fault may have kept others from being looked for."""
    broken = {block.extent.file for document in loaded.documents for block in document.blocks if block.broken}
    return frozenset({*(span.file for span in stops), *broken, *loaded.incomplete})
