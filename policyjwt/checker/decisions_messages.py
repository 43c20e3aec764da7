"""The messages about what a policy decides: missing answers, and answers that don't go together (PJ300 to PJ349)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from policyjwt.diagnostics import Diagnostic, Level, Related
from policyjwt.language.suggest import quoted
from policyjwt.requirements.describe import one_of
from policyjwt.source import Place, Span
from policyjwt.spans import duration


def _error(
    code: str, span: Span, message: str, help: str | None = None, related: tuple[Related, ...] = ()
) -> Diagnostic:
    return Diagnostic(code, Level.ERROR, message, span, help, related)


def _see(span: Span, message: str) -> tuple[Related, ...]:
    return (Related(span, message),)


# ------------------------------------------------------------------------------------ not decided

_UNDECIDED: Mapping[str, tuple[str, str, str]] = {
    "use": ("PJ300", "does not say which door it guards", 'add `use "payments-api"`'),
    "issuer": (
        "PJ301",
        "does not say whose claims it trusts",
        'add `issuer "https://idp.corp.example"`; for tokens without `iss`: `issuer from sub like "…"`',
    ),
    "audience": (
        "PJ302",
        "does not say for whom a token must be",
        'add `audience "payments-api"`, or `waive audience because "…"`',
    ),
    "type": (
        "PJ303",
        "does not say which type of token it takes",
        'add `type "at+jwt"`, or `waive type because "…"`',
    ),
    "signature": (
        "PJ304",
        "does not say how tokens are signed",
        'add `signature { algorithms ES256  keys jwks url "https://…" }`',
    ),
    "freshness": (
        "PJ305",
        "does not say how long a token holds",
        "add `freshness { lifetime at most 1h  skew at most 30s }`",
    ),
    "replay": (
        "PJ306",
        "does not say whether a token may be used twice",
        'add `replay { nonce jti }`, or `replay { reusable because "…" }`',
    ),
    "revocation": (
        "PJ307",
        "does not say how the signer's key is withdrawn",
        "add `revocation { by key removal within 24h }` for keys from a URL,"
        ' `revocation { by redeployment because "…" }` for keys from files and secrets,'
        ' or `waive revocation because "…"`',
    ),
}


def undecided(span: Span, *, policy: str, decision: str) -> Diagnostic:
    """A decision that a policy does not take."""
    code, what, help_ = _UNDECIDED[decision]
    return _error(code, span, f"policy {quoted(policy)} {what}", help_)


def no_algorithms(span: Span) -> Diagnostic:
    """A signature without algorithms."""
    return _error("PJ308", span, "`signature` names no algorithms", "add `algorithms ES256`")


def no_keys(span: Span, *, symmetric: bool) -> Diagnostic:
    """A signature without keys."""
    help_ = 'add `keys jwks url "https://…"`, `keys jwks file "…"`, `keys pem file "…"` or `keys x5c { … }`'
    if symmetric:
        help_ = 'add `secret env "NAME" as base64url`'
    return _error("PJ309", span, "`signature` does not say where its keys come from", help_)


def no_limit(span: Span) -> Diagnostic:
    """A freshness that limits nothing."""
    help_ = (
        "add `lifetime at most 1h` (tokens with `exp` and `iat`), `age at most 10m` (with `iat`) or"
        " `expires within 1h` (with `exp`)"
    )
    return _error("PJ310", span, "`freshness` limits neither lifetime nor age", help_)


def no_replay_answer(span: Span) -> Diagnostic:
    """A replay section without an answer."""
    help_ = 'add `nonce jti`, or `reusable because "…"`; with `holder`: `proof once` or `by holder`'
    return _error("PJ311", span, "`replay` does not say whether a token may be used twice", help_)


def no_revocation_answer(span: Span) -> Diagnostic:
    """A revocation section without an answer."""
    help_ = (
        "add `by key removal within 24h` (keys from a URL), `by redeployment because …` (keys from files and"
        " secrets), or with `keys x5c` `staple ocsp …`, `crl snapshot …` or `short-lived certificate at most …`"
    )
    return _error("PJ312", span, "`revocation` does not say how the signer's key is withdrawn", help_)


def part_missing(span: Span, *, section: str, part: str, help: str) -> Diagnostic:
    """A section without a part that it can't do without."""
    return _error("PJ313", span, f"{quoted(section)} needs {quoted(part)}", help)


def no_age(span: Span, *, evidence: str) -> Diagnostic:
    """Revocation evidence of any age."""
    help_ = "add `age at most 1h`: so long a revoked certificate may still be believed"
    return _error("PJ314", span, f"{quoted(evidence)} needs `age at most`: it is the latency of revocation", help_)


# ------------------------------------------------------------------------------------ waivers


def not_waivable(span: Span, *, matter: str) -> Diagnostic:
    """Waiving what every policy must decide."""
    help_ = _UNDECIDED[matter][2] if matter != "replay" else 'write `replay { reusable because "…" }`'
    return _error("PJ315", span, f"`{matter}` can't be waived", help_)


def waived_and_decided(span: Span, *, matter: str, earlier: Span) -> Diagnostic:
    """A matter that is both waived and decided."""
    message = f"`{matter}` is both waived and decided: see line {earlier.line}"
    return _error("PJ316", span, message, "keep one of them", _see(earlier, "the earlier line"))


# ------------------------------------------------------------------------------------ signature, encryption


def mixed_algorithms(span: Span, *, symmetric: Iterable[str], asymmetric: Iterable[str]) -> Diagnostic:
    """Symmetric and asymmetric algorithms in one policy."""
    help_ = "write one policy for each: a public key taken for a secret lets anybody sign"
    message = f"{_all_of(symmetric)} and {_all_of(asymmetric)} never stand together"
    return _error("PJ317", span, message, help_)


def _all_of(names: Iterable[str]) -> str:
    return one_of(names).replace(" or ", " and ")


def confidential_unencrypted(span: Span) -> Diagnostic:
    """Confidential claims where tokens are only signed."""
    help_ = "add `encryption { … }`, or take the line out: a signed token shows its claims to everybody"
    return _error("PJ320", span, "`confidential` needs `encryption { … }`", help_)


# ------------------------------------------------------------------------------------ freshness, replay


def skew_too_wide(span: Span, *, skew: int, most: int) -> Diagnostic:
    """An allowance for clocks that is no allowance any more."""
    message = f"a skew of {duration(skew)} is too wide: at most {duration(most)}"
    return _error("PJ321", span, message, "clocks that differ by more need repair; 30s is usual")


def age_too_long_for_nonce(span: Span, *, age: int, most: int, nonce: Span) -> Diagnostic:
    """A nonce that would have to be remembered for days."""
    message = f"an age of {duration(age)} is too long with a nonce: at most {duration(most)}"
    help_ = "each nonce is held as long as its token may be used; shorten the age, or write `reusable because`"
    return _error("PJ322", span, message, help_, _see(nonce, "the nonce"))


def header_taken(span: Span, *, name: str) -> Diagnostic:
    """A staple where something else stands."""
    message = f"the header parameter {quoted(name)} has another meaning: no OCSP response can stand in it"
    return _error("PJ335", span, message, 'write `from header "x5ocsp"`, or a URI of your own')


def nonce_and_proof(span: Span, *, nonce: Span) -> Diagnostic:
    """Two things that are consumed: a token that is accepted once needs no more."""
    message = "`proof once` beside a nonce: a token that is accepted once can't come with a second proof"
    return _error("PJ333", span, message, "keep one of them", _see(nonce, "the nonce"))


def proof_too_old(span: Span, *, age: int, most: int) -> Diagnostic:
    """A proof that would have to be remembered for longer than any store holds one."""
    message = f"a proof of the holder may be {duration(age)} old: more than {duration(most)}"
    return _error("PJ334", span, message, "a proof is made for one request: 60s is usual")


def proof_of_no_age(span: Span) -> Diagnostic:
    """A proof that is too old as soon as it is made."""
    return _error("PJ337", span, "no proof of the holder arrives in the moment in which it was made", "write 60s")


def proof_by_secret(span: Span, *, name: str) -> Diagnostic:
    """A proof that whoever verifies it could have made."""
    message = f"a proof with {quoted(name)} shows no holder: the service has the secret too"
    return _error("PJ338", span, message, "list asymmetric algorithms: `algorithms ES256`")


def needs_holder(span: Span, *, item: str, kind: str, other: Span | None) -> Diagnostic:
    """A replay answer that rests on a holder's proof that nobody asks for."""
    related = () if other is None else _see(other, "the holder's proof is another one")
    return _error("PJ323", span, f"`{item}` needs `holder {kind}`", f"add `holder {kind}`", related)


def reusable_and_not(span: Span, *, other: Span, item: str) -> Diagnostic:
    """`reusable` beside what forbids it."""
    message = f"`reusable` and `{item}` contradict each other"
    return _error("PJ324", span, message, "keep one of them", _see(other, f"`{item}` stands here"))


def needs_beside(span: Span, *, item: str, needs: str, related: Span | None = None) -> Diagnostic:
    """An item that says nothing without another."""
    see = () if related is None else _see(related, f"`{item}` stands here")
    help_ = f"add {needs}, or take `{item}` out"
    return _error("PJ325", span, f"`{item}` says nothing without {needs}", help_, see)


# ------------------------------------------------------------------------------------ revocation


def evidence_needs_x5c(span: Span, *, evidence: str, source: Span | None) -> Diagnostic:
    """Evidence about a certificate where there is none."""
    help_ = "use `keys x5c { … }`; for other keys: `by key removal within D` or `by redeployment because …`"
    see = () if source is None else _see(source, "the keys")
    message = f"`{evidence}` is about the signer's certificate and needs `keys x5c`"
    return _error("PJ326", span, message, help_, see)


def removal_needs_url(span: Span, *, source: Span | None) -> Diagnostic:
    """Key removal where nothing is fetched again."""
    help_ = "write `by redeployment because …` for keys from files and secrets; revocation evidence for `keys x5c`"
    see = () if source is None else _see(source, "the keys")
    message = "`by key removal` needs keys that are fetched again: `keys jwks url` or `keys discovery`"
    return _error("PJ327", span, message, help_, see)


def stale_too_long(span: Span, *, within: int, stale: int, written: bool, source: Span) -> Diagnostic:
    """A key set that outlives the promise."""
    says = "`stale at most` is" if written else "without `stale at most` it is"
    message = f"a removed key may be believed for longer than {duration(within)}: {says} {duration(stale)}"
    help_ = f"write `{{ stale at most {_short(within)} }}` behind the URL, or `within {_short(stale)}` here"
    return _error("PJ328", span, message, help_, _see(source, "the keys"))


def redeployment_needs_files(span: Span, *, source: Span | None) -> Diagnostic:
    """Redeployment where keys come from elsewhere."""
    help_ = "write `by key removal within D` for keys from a URL, revocation evidence for `keys x5c`"
    see = () if source is None else _see(source, "the keys")
    return _error("PJ329", span, "`by redeployment` needs keys from files or secrets", help_, see)


def evidence_too_old(span: Span, *, age: int, most: int) -> Diagnostic:
    """Revocation evidence that may be older than anybody issues it."""
    message = f"evidence of {duration(age)} is too old: at most {duration(most)}"
    help_ = "so long a revoked certificate would be believed; 1h to 24h is usual"
    return _error("PJ330", span, message, help_)


def _short(seconds: int) -> str:
    """A duration as the language writes it, in one unit."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


# ------------------------------------------------------------------------------------ names and roots


def root_without_section(span: Span, *, root: str, text: str, needs: str) -> Diagnostic:
    """`certificate.x` or `client.x` where no certificate is at hand."""
    inner = text.removeprefix(root)
    help_ = f"add {needs}; if a claim is meant, write its name in backquotes: `{root}`{inner}"
    return _error("PJ331", span, f"{quoted(text)} needs {needs}", help_)


def client_without_anchors(span: Span, *, text: str) -> Diagnostic:
    """What a certificate says that nobody is known to have issued."""
    message = f"{quoted(text)} is known only of certificates that an anchor has issued"
    help_ = 'write `holder mtls { anchors "…" }`; without anchors `client.thumbprint` alone can be tested'
    return _error("PJ336", span, message, help_)


def two_readers_of_a_nonce(span: Span) -> Diagnostic:
    """One nonce for the proof of any session, and for the token of this one."""
    message = "`context.nonce` is the nonce of the holder's proof here, and can't be the token's too"
    return _error(
        "PJ339", span, message, "hand the token's nonce over as `context.values.…`, or leave `nonce required` out"
    )


def reason_is_an_outcome(span: Span, *, reason: str, labelled: bool) -> Diagnostic:
    """A rule whose code could be taken for the outcome of another."""
    what = "the label" if labelled else "the reason of this rule"
    help_ = "choose another label" if labelled else f"label the rule: `as {reason.replace('_', '-')}-claim`"
    message = f"{what} is {quoted(reason)}, which is the name of an outcome"
    return _error("PJ332", span, message, help_)


# ------------------------------------------------------------------------------------ policies beside each other


def overlap(span: Span, *, other: str, where: Place, why: str) -> Diagnostic:
    """Two policies that can fit one token."""
    message = f"a token can fit this policy and {quoted(other)}: {why}"
    help_ = (
        "tell them apart by audience, type or `select`, or mark all but one `by name only`;"
        " a token that fits two is refused"
    )
    return _error("PJ340", span, message, help_, _see(where.span, f"policy {quoted(other)}"))


def nonce_differs(span: Span, *, what: str, other: str, where: Span) -> Diagnostic:
    """Two policies of one issuer that count second uses differently."""
    message = f"`{what}` differs from policy {quoted(other)}, which has the same use and issuer"
    help_ = "a token that is used once by each would be used twice: write the same in both"
    return _error("PJ341", span, message, help_, _see(where, f"policy {quoted(other)} says it here"))


# ------------------------------------------------------------------------------------ assurances


def never_assured(span: Span) -> Diagnostic:
    """`assures authorisation`."""
    message = "a token never gives authorisation: the service decides, with data that it holds"
    return _error("PJ350", span, message, "take it out; what a token may be used for, `require` can judge")


def not_assured(span: Span, *, assurance: str, blamed: str | None, why: str, remedy: str | None) -> Diagnostic:
    """An assurance that the policy's mechanisms can't give."""
    message = f"{blamed or 'this policy'} cannot assure {assurance}: {why}"
    return _error("PJ351", span, message, remedy)
