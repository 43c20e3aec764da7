"""What the builder and the loader say.

One function for each code. Input: a place and what came. Output: a diagnostic.
"""

from __future__ import annotations

from collections.abc import Iterable

from policyjwt.diagnostics import Diagnostic, Level, Related
from policyjwt.language.files import OUTSIDE_HELP, FileFault
from policyjwt.language.suggest import closest, quoted
from policyjwt.source import Span


def _error(
    code: str, span: Span, message: str, help: str | None = None, related: tuple[Related, ...] = ()
) -> Diagnostic:
    return Diagnostic(code, Level.ERROR, message, span, help, related)


def _earlier(span: Span, message: str = "the earlier one") -> tuple[Related, ...]:
    return (Related(span, message),)


def _list(words: Iterable[str], last: str = "or") -> str:
    shown = [f"`{word}`" for word in words]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {last} {shown[-1]}"


def _meant(word: str, known: Iterable[str]) -> str | None:
    known = tuple(known)
    near = closest(word, known) or next((one for one in known if len(word) > 2 and one.startswith(word)), None)
    return None if near is None else f"did you mean `{near}`?"


def _joined(*parts: str | None) -> str | None:
    return " ".join(part for part in parts if part) or None


# ------------------------------------------------------------------------------ literals


def bad_literal(span: Span, message: str, help: str | None) -> Diagnostic:
    """A string, number, duration or date that stands for no value."""
    return _error("PJ202", span, message, help)


def empty_text(span: Span, what: str) -> Diagnostic:
    """A string that must say something."""
    return _error("PJ203", span, f"{what} is empty", "write what it is between the quotes")


def literal_secret(span: Span, keyword: str) -> Diagnostic:
    """A secret that stands in the policy. Neither the text nor its place is told."""
    return _error(
        "PJ204",
        span,
        f"a {keyword} is never written in a policy" if keyword == "key" else "a secret is never written in a policy",
        f'name where it is kept: `{keyword} env "NAME" as …`, `{keyword} keyring "service" "user" as …`; '
        "and replace it, since whoever reads this file knows it",
    )


def no_plain_value(span: Span, written: str, kind: str) -> Diagnostic:
    """A date or a duration where a value is expected."""
    help_ = (
        "a duration stands after `within` or `at most`: `auth_time within 12h`"
        if kind == "duration"
        else "a date stands after `before`, `after`, `until` or `by`: `auth_time after 2027-01-31`"
    )
    return _error("PJ205", span, f"the {kind} {quoted(written)} is no value to compare with", help_)


def list_in_list(span: Span) -> Diagnostic:
    """A list as an element of a list."""
    return _error("PJ206", span, "a list holds strings, numbers, `true` and `false`, no lists", None)


def too_deep(span: Span, limit: int) -> Diagnostic:
    """Tests nested past the limit."""
    return _error("PJ207", span, f"this is nested deeper than {limit}", "split it into several rules")


# ------------------------------------------------------------------------------ names


def unknown_name(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    """A bare name on the right that is no variable and no `let`."""
    help_ = _joined(_meant(name, known), f"to compare with a claim write `claim.{name}`")
    return _error("PJ210", span, f"{quoted(name)} is no `let` and no variable", help_)


def no_null(span: Span, name: str, left: str | None) -> Diagnostic:
    """`x == null` and its kin."""
    subject = f"`{left}" if left is not None and len(left) <= 40 and "`" not in left and "\n" not in left else "`…"
    help_ = f"write {subject} is absent` or {subject} is present`: a claim that is null counts as absent"
    return _error("PJ211", span, f"there is no {quoted(name)}", help_)


def needs_backquotes(span: Span, name: str, written: str) -> Diagnostic:
    """A name that is not plain."""
    return _error("PJ212", span, f"{quoted(name)} goes in backquotes", f"write {_code(written)}")


def _code(text: str) -> str:
    """Text that holds backquotes itself."""
    return f"`` {text} ``"


def list_index(span: Span, name: str, lst: str) -> Diagnostic:
    """`roles.0`."""
    help_ = f'ask for membership: `{lst} contains "…"`, or test each: `some x in {lst} satisfies …`'
    return _error("PJ213", span, f"a list has no index: {quoted(name)}", help_)


def root_alone(span: Span, root: str) -> Diagnostic:
    """A root without a member."""
    help_ = f"name one: `{root}.NAME`; the claim of that name is `` `{root}` ``"
    return _error("PJ214", span, f"`{root}` is a root and needs a member", help_)


def unknown_member(span: Span, root: str, member: str, known: tuple[str, ...]) -> Diagnostic:
    """A root has no such member."""
    below = [name for name in known if name.startswith(f"{member}.")]
    near = None if below else _meant(member, known)
    help_ = near or f"expected {_list(f'{root}.{name}' for name in below or known)}"
    return _error("PJ215", span, f"`{root}` has no member {quoted(member)}", help_)


def open_member(span: Span, name: str, above: str) -> Diagnostic:
    """`context.values` and `context.headers` with no name, or with more than one."""
    return _error(
        "PJ215",
        span,
        f"{quoted(name)} is no value: expected `{above}.NAME`",
        f"`{above}` has one name below it: `{above}.tenant`, or {_code(f'{above}.`x-tenant`')}",
    )


def let_has_no_members(span: Span, name: str) -> Diagnostic:
    """A `let` followed by a member."""
    help_ = f"write `{name}`, or `claim.{name}` for the claim"
    return _error("PJ216", span, f"{quoted(name)} is a `let` and has no members", help_)


def not_a_claim(span: Span, name: str, what: str) -> Diagnostic:
    """A name of something else where a claim is expected."""
    return _error("PJ217", span, f"`{what}` takes a claim: {quoted(name)} is none", "name a claim of the token")


def not_top_level(span: Span, name: str, top: str) -> Diagnostic:
    """`provides realm_access.roles is list`."""
    help_ = f"provide `{top} is object`, and test what is in it by a rule"
    return _error("PJ217", span, f"`provides` takes a whole top-level claim: {quoted(name)} is a part of one", help_)


def not_a_let(span: Span, name: str) -> Diagnostic:
    """A name of the token or the request where only the policy's own values may stand."""
    return _error("PJ218", span, f"{quoted(name)} is no `let`", "only a value that the policy writes may stand here")


def nonce_equals(span: Span, name: str) -> Diagnostic:
    """`nonce jti equals` something else."""
    help_ = "write `equals context.nonce`: the nonce that the service gave out"
    return _error("PJ218", span, f"a nonce is compared with `context.nonce`: {quoted(name)} came", help_)


def reason_is_no_text(span: Span, name: str) -> Diagnostic:
    """`because` with a `let` that is no string."""
    return _error("PJ218", span, f"a reason is a text: the `let` {quoted(name)} is none", None)


def unknown_word(span: Span, word: str, what: str, known: tuple[str, ...]) -> Diagnostic:
    """A word that is none of a fixed table."""
    help_ = _meant(word, known) or f"expected {_list(known)}"
    came = f": {quoted(word)}" if " after " in what else f" {quoted(word)}"
    return _error("PJ219", span, f"unknown {what}{came}", help_)


def algorithm_none(span: Span, word: str) -> Diagnostic:
    """`none` as an algorithm."""
    help_ = "name the algorithms that the issuer signs with, such as `ES256`"
    return _error("PJ220", span, f"{quoted(word)} cannot be written: it means that nobody signed", help_)


def unknown_function(span: Span, name: str, known: tuple[str, ...]) -> Diagnostic:
    """A function that does not exist."""
    help_ = _meant(name, known) or f"the functions are {_list(known, 'and')}"
    return _error("PJ221", span, f"unknown function {quoted(name)}", help_)


def one_argument(span: Span, name: str, count: int) -> Diagnostic:
    """A function with more than one argument."""
    return _error("PJ221", span, f"`{name}` takes one argument: {count} came", f"write `{name}(x)`")


def not_plain(span: Span, name: str, what: str) -> Diagnostic:
    """A `let`, variable or placeholder with a name that needs backquotes."""
    help_ = "letters, digits and `_`, beginning with no digit"
    return _error("PJ222", span, f"{quoted(name)} can't be the name of a {what}", help_)


def bad_label(span: Span, name: str, *, lower: str | None) -> Diagnostic:
    """A label with other characters. `lower` is the label that it would be without its capitals."""
    help_ = "lower-case letters, digits, `_`, `-` and `+`, without dots and backquotes"
    if lower is not None:
        help_ = f"labels are lower case: write {quoted(lower)}"
    return _error("PJ222", span, f"{quoted(name)} can't be a label", help_)


def no_code(span: Span, name: str) -> Diagnostic:
    """`allow` of what is no code."""
    help_ = "write the code of the warning, such as `PJ501`"
    return _error("PJ222", span, f"{quoted(name)} is no code of a diagnostic", help_)


def name_taken(span: Span, name: str, what: str, by: str) -> Diagnostic:
    """A `let` or variable named like something of the language."""
    return _error("PJ223", span, f"{quoted(name)} is {by} and can't be the name of a {what}", "choose another name")


def like_a_claim(span: Span, name: str, what: str, claim: Span) -> Diagnostic:
    """A `let` or variable named like a claim."""
    return _error(
        "PJ224",
        span,
        f"the {what} {quoted(name)} is named like a claim that is used here",
        "choose another name, so that nobody takes the one for the other",
        _earlier(claim, "the claim"),
    )


def let_twice(span: Span, name: str, earlier: Span) -> Diagnostic:
    """A second `let` of one name, here or by an import."""
    return _error("PJ225", span, f"there is a second `let` {quoted(name)}", "choose another name", _earlier(earlier))


def variable_twice(span: Span, name: str) -> Diagnostic:
    """A variable in the reach of another of its name."""
    return _error("PJ225", span, f"the variable {quoted(name)} is already one around this test", "choose another name")


def variable_like_let(span: Span, name: str, let: Span) -> Diagnostic:
    """A variable named like a `let`."""
    message = f"the variable {quoted(name)} is named like a `let`"
    return _error("PJ225", span, message, "choose another name", _earlier(let, "the `let`"))


# ------------------------------------------------------------------------------ what stands twice


def item_twice(span: Span, item: str, where: str, earlier: Span) -> Diagnostic:
    """An item that may stand once."""
    return _error("PJ226", span, f"`{item}` stands twice in {where}", "keep one of them", _earlier(earlier))


def listed_twice(span: Span, name: str, what: str, earlier: Span) -> Diagnostic:
    """A name that a list names twice."""
    return _error("PJ227", span, f"{quoted(name)} stands twice in `{what}`", "keep one of them", _earlier(earlier))


def tail_twice(span: Span, part: str, earlier: Span) -> Diagnostic:
    """A part of a rule's tail that stands twice."""
    help_ = {
        "when": "join the conditions: `when A and B`",
        "unless": "join the conditions: `unless A or B`",
    }.get(part, "keep one of them")
    return _error("PJ226", span, f"`{part}` stands twice in this rule", help_, _earlier(earlier))


def when_and_unless(span: Span, earlier: Span) -> Diagnostic:
    """Both guards."""
    help_ = "write one of them: `when A and not (B)`"
    return _error("PJ228", span, "a rule has `when` or `unless`, not both", help_, _earlier(earlier, "the other guard"))


def observe_without_until(span: Span) -> Diagnostic:
    """An `observe` that would stay for ever."""
    help_ = "say when it is to become a `require`: `observe … until 2027-01-31`"
    return _error("PJ229", span, "`observe` needs a date: expected `until DATE`", help_)


def until_without_observe(span: Span, kind: str) -> Diagnostic:
    """A `require` or `forbid` with a date."""
    help_ = f"`{kind}` has no end; a claim of time is tested by `before DATE`"
    return _error("PJ229", span, f"`until` stands with `observe` only, not with `{kind}`", help_)


def second_key_source(span: Span, earlier: Span) -> Diagnostic:
    """Secrets and another key source."""
    help_ = "keep one source: secrets, or public keys"
    return _error("PJ230", span, "a signature has one key source", help_, _earlier(earlier, "the other source"))


def not_of_this_holder(span: Span, item: str, kind: str) -> Diagnostic:
    """An item of the other proof."""
    known = {"dpop": "`age`, `algorithms` and `nonce required`", "mtls": "`anchors`"}[kind]
    return _error("PJ230", span, f"`{item}` is nothing of `holder {kind}`", f"`holder {kind}` has {known}")


# ------------------------------------------------------------------------------ issuers


def several_issuers(span: Span) -> Diagnostic:
    """Several names without the word that they are one party."""
    help_ = 'if they are names of one party write `same party because "…"`; else write one policy for each'
    return _error("PJ231", span, "several issuers in one policy must be the same party", help_)


def same_party_of_one(span: Span) -> Diagnostic:
    """`same party` where there is one name."""
    return Diagnostic("PJ232", Level.WARNING, "`same party` speaks of several issuers: one came", span, "take it out")


def placeholder_outside_path(span: Span) -> Diagnostic:
    """A placeholder in scheme or host, or in what is no URL."""
    help_ = 'as in `issuer "https://login.example/{tid}/v2.0" where tid in tenants`'
    return _error("PJ233", span, "a placeholder stands in the path of a URL, never in its scheme or host", help_)


def placeholder_not_whole(span: Span, segment: str) -> Diagnostic:
    """A placeholder that is only a part of a segment."""
    help_ = "write `/{name}/`: letters, digits and `_` between the braces, nothing beside them"
    return _error("PJ233", span, f"a placeholder is one whole segment of the path: {quoted(segment)} came", help_)


def placeholder_twice(span: Span, name: str) -> Diagnostic:
    """One placeholder at two places."""
    return _error("PJ233", span, f"the placeholder `{name}` stands twice in this issuer", "give each its own name")


def placeholder_without_where(span: Span, name: str) -> Diagnostic:
    """A placeholder that could be anything."""
    help_ = f'say what it may be: `where {name} in ["…"]`'
    return _error("PJ234", span, f"the placeholder `{name}` has no `where`", help_)


def where_without_placeholder(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    """A `where` about nothing."""
    known = tuple(known)
    help_ = _meant(name, known) or f"write `{{{name}}}` in the issuer, or take the `where` out"
    return _error("PJ234", span, f"the issuer has no placeholder `{name}`", help_)


def where_needs_strings(span: Span, name: str) -> Diagnostic:
    """Values of a placeholder that are no list of strings."""
    help_ = f'as in `where {name} in ["a", "b"]`, or a `let` that is such a list'
    return _error("PJ235", span, f"`where {name} in` takes a list of strings", help_)


def no_segment(span: Span, value: str, name: str) -> Diagnostic:
    """A value that can't stand in a path."""
    help_ = "a value of a placeholder is made of `A-Z a-z 0-9 . _ ~ -` and is neither `.` nor `..`"
    return _error("PJ235", span, f"{quoted(value)} can never be the `{{{name}}}` of an issuer", help_)


# ------------------------------------------------------------------------------ keys


def secret_without_encoding(span: Span, keyword: str, known: tuple[str, ...]) -> Diagnostic:
    """A secret of which nobody says how it is written."""
    help_ = f"say how it is written where it is kept: {_list(f'as {word}' for word in known)}"
    return _error("PJ236", span, f"a {keyword} needs its encoding: expected `as`", help_)


def secret_without_kid(span: Span, count: int) -> Diagnostic:
    """One of several secrets without its kid."""
    help_ = 'write `kid "…"` at the end of each, so that a token says which one it was made with'
    return _error("PJ237", span, f"each of {count} secrets needs its `kid`", help_)


def kid_of_one(span: Span, kid: str) -> Diagnostic:
    """A kid where there is one secret."""
    help_ = "take it out; when a second secret comes, each gets its kid"
    return _error("PJ237", span, f"the only secret has no `kid`: {quoted(kid)} came", help_)


def no_thumbprint(span: Span) -> Diagnostic:
    """A thumbprint that no key can have."""
    help_ = "the SHA-256 thumbprint of RFC 7638 in base64url: 43 characters"
    return _error("PJ238", span, "this is no thumbprint of a key", help_)


def no_oid(span: Span, text: str) -> Diagnostic:
    """A usage that is no object identifier."""
    return _error("PJ239", span, f"{quoted(text)} is no object identifier", 'as in `usage "1.3.6.1.5.5.7.3.36"`')


def no_depth(span: Span, text: str, limit: int) -> Diagnostic:
    """A depth that is no small whole number."""
    return _error("PJ239", span, f"`depth at most` takes a whole number from 1 to {limit}: {quoted(text)} came", None)


# ------------------------------------------------------------------------------ rules


def bad_pattern(span: Span, message: str, help: str | None) -> Diagnostic:
    """A pattern outside the language's subset."""
    return _error("PJ240", span, message, help)


def bad_glob(span: Span, message: str, help: str | None) -> Diagnostic:
    """A glob that is none."""
    return _error("PJ241", span, message, help)


def number_needed(span: Span, operator: str, came: str) -> Diagnostic:
    """A literal that is no number where numbers are compared."""
    help_ = "strings compare by `==`, `in`, `starts with`, `like` and `matches`" if came == "a string" else None
    return _error("PJ242", span, f"`{operator}` compares numbers: {came} came", help_)


def list_compared(span: Span, operator: str) -> Diagnostic:
    """`x == ["a"]`."""
    help_ = "write `x in [ … ]` if one of them will do, `x contains all of [ … ]` if x is a list"
    return _error("PJ243", span, f"`{operator}` compares single values: a list equals nothing", help_)


def list_needed(span: Span, operator: str, came: str) -> Diagnostic:
    """A single value where a list is looked into."""
    help_ = "to compare with one value write `==`; to look into a text `like` or `words(x) contains`"
    return _error("PJ244", span, f"`{operator}` looks into a list: {came} came", help_)


def literal_list_needed(span: Span, operator: str) -> Diagnostic:
    """`contains any of` with what is no list of the policy."""
    help_ = "a list from the token would let the token choose what is asked of it"
    return _error("PJ244", span, f"`{operator}` takes a list that the policy writes, or a `let` that is one", help_)


def list_as_element(span: Span, *, contains: bool) -> Diagnostic:
    """A list where one element is expected."""
    help_ = (
        "write `contains any of`, `contains all of` or `contains only`"
        if contains
        else "to compare lists write `contains any of`, `contains all of` or `contains only`"
    )
    return _error("PJ244", span, "an element of a list is a single value: a list came", help_)


def list_of_the_policy(span: Span, quantity: str) -> Diagnostic:
    """`every x in ["a"]`."""
    return _error("PJ244", span, f"`{quantity}` goes over a list of the token, not of the policy", None)


def string_needed(span: Span, operator: str, came: str) -> Diagnostic:
    """A literal that is no string where strings are taken apart."""
    return _error("PJ245", span, f"`{operator}` is for strings: {came} came", None)


def empty_affix(span: Span, operator: str) -> Diagnostic:
    """`x starts with ""`."""
    return _error("PJ245", span, f"`{operator}` an empty text fits every string", "write what it must be")


def no_host(span: Span, text: str) -> Diagnostic:
    """`under` something that is no host."""
    help_ = 'a host alone, without scheme, port, path and final dot: `under "corp.example"`'
    return _error("PJ246", span, f"`under` takes a host: {quoted(text)} is none", help_)


def is_needs_a_path(span: Span) -> Diagnostic:
    """`words(x) is list`, `"a" is string`."""
    return _error("PJ247", span, "`is` asks about a claim or another name, not about what is made of it", None)


# ------------------------------------------------------------------------------ files


_FILE_CODES = {
    "outside": "PJ250",
    "missing": "PJ251",
    "unreadable": "PJ252",
    "too_large": "PJ253",
    "not_utf8": "PJ254",
    "content": "PJ255",
    "no_root": "PJ256",
}


def outside_root(span: Span, path: str, fault: str) -> Diagnostic:
    """A path whose text leads out of the root."""
    return _error("PJ250", span, f"the path {quoted(path)} {fault}", OUTSIDE_HELP)


def file_fault(span: Span, path: str, fault: FileFault) -> Diagnostic:
    """A file that a policy names and that can't be had."""
    return _error(_FILE_CODES[fault.kind], span, f"{quoted(path)}: {fault.message}", fault.help)


def policy_fault(span: Span, fault: FileFault) -> Diagnostic:
    """A policy file that can't be had."""
    return _error(_FILE_CODES[fault.kind], span, fault.message, fault.help)


def not_utf8(span: Span, byte: int) -> Diagnostic:
    """A policy that is no UTF-8."""
    help_ = "a policy is text in UTF-8: save it so"
    return _error("PJ254", span, f"the byte 0x{byte:02x} here is not UTF-8", help_)


def surrogate(span: Span) -> Diagnostic:
    """A text that holds half a surrogate pair, which no UTF-8 does."""
    return _error("PJ254", span, "half of a surrogate pair is no text", "a policy is text in UTF-8")


def import_of_no_policy(span: Span, path: str) -> Diagnostic:
    """`import` of another kind of file."""
    help_ = "`import` takes a policy file, whose name ends in `.policy`"
    return _error("PJ257", span, f"{quoted(path)} is no policy file", help_)


def import_with_errors(span: Span, path: str) -> Diagnostic:
    """`import` of a file that has errors of its own."""
    help_ = "mend that file first: what it brings in is not known"
    return _error("PJ258", span, f"the imported {quoted(path)} has errors of its own", help_)


def import_twice(span: Span, path: str, earlier: Span) -> Diagnostic:
    """A second import of one file."""
    return _error("PJ259", span, f"{quoted(path)} is imported twice", "keep one of them", _earlier(earlier))


def policy_twice(span: Span, name: str, earlier: Span) -> Diagnostic:
    """Two policies of one root with one name."""
    help_ = "the names of the policies of a root are unique: choose another"
    return _error("PJ260", span, f"there is a second policy {quoted(name)}", help_, _earlier(earlier))


def baseline_twice(span: Span, name: str, earlier: Span) -> Diagnostic:
    """Two baselines of one name in one file, or brought in."""
    help_ = "choose another name: `extends` could not tell them apart"
    return _error("PJ261", span, f"there is a second baseline {quoted(name)} here", help_, _earlier(earlier))
