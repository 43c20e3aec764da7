"""How tests are joined, and what is no test. Input: a trouble in a rule. Output: an answer, or None."""

from __future__ import annotations

from policyjwt.language import syntax_messages as say
from policyjwt.language.grammar import language
from policyjwt.language.slips_operators import negation
from policyjwt.language.suggest import closest
from policyjwt.language.trouble import OPERATOR_WORDS, TAIL, Answer, Repair, Trouble

_LOGIC = {"&&": "and", "&": "and", "||": "or", "|": "or", "!": "not"}
_GUARDS = {"if": "when", "where": "when", "given": "when", "except": "unless", "otherwise": "unless"}


def logic(trouble: Trouble) -> Answer | None:
    """`&&`, `||`, `!`."""
    found = str(trouble.token)
    meant = _LOGIC.get(found)
    if meant is None:
        return None
    if meant == "not" and "CONTAINS" in trouble.accepted:
        return negation(trouble, trouble.at)
    said = say.other_logic(trouble.span(), found, meant)
    return _unless_mixed(trouble, meant) or Answer(said, Repair(trouble.at + 1, feed=(meant.upper(),)))


def _unless_mixed(trouble: Trouble, meant: str) -> Answer | None:
    if meant != "not" and meant.upper() not in trouble.accepted and "CONTAINS" in trouble.accepted:
        return bare(trouble)
    return None


def quantity_alone(trouble: Trouble) -> Answer | None:
    """`roles contains any`, `roles contains only`: no list follows."""
    before, found = trouble.before, trouble.token
    ends = trouble.at_end or found in TAIL
    if before.type == "ONLY" and not ({"STRING", "LSQB"} <= trouble.accepted and ends):
        return None
    if before.type in {"ANY", "ALL"} and (trouble.accepted != {"OF"} or not (ends or found.type == "COMPARE")):
        return None
    if before.type not in {"ANY", "ALL", "ONLY"}:
        return None
    return Answer(say.quantity_alone(trouble.span(trouble.at - 1), str(before)), Repair(trouble.at, test=True))


def keyword_claim(trouble: Trouble) -> Answer | None:
    """`not == "x"`, `every == "x"`, `some in ["x"]`."""
    first = trouble.at - 1
    quantifiers = {"NOT", "EVERY", "SOME"}
    if trouble.look(-2).type in quantifiers and trouble.before in OPERATOR_WORDS:
        first -= 1  # in `not in [...]` the operator was read as a name
    else:
        compares = trouble.token.type in {"COMPARE", "EQUAL"} or trouble.token in OPERATOR_WORDS
        if trouble.before.type not in quantifiers or trouble.accepted == {"IN"} or not compares:
            return None
    end = max(trouble.test_end(trouble.at), trouble.at)
    claim, rest = str(trouble.tokens[first]), trouble.text(first + 1, max(end - 1, trouble.at - 1))
    said = say.word_as_claim(trouble.span(first), claim, f"write `` `{claim}` {rest} ``")
    return Answer(said, Repair(end, test=True))


def and_or(trouble: Trouble) -> Answer | None:
    """`a and b or c`: both readings, ready to paste."""
    found = str(trouble.token)
    other = {"and": "OR", "or": "AND"}.get(found)
    if other is None or other not in trouble.accepted or found.upper() in trouble.accepted:
        return None
    first, end = trouble.expression()
    readings = tuple(_reading(trouble, first, end, inner) for inner in ("and", "or"))
    return Answer(say.and_with_or(trouble.span(), (readings[0], readings[1])), Repair(end))


def _reading(trouble: Trouble, first: int, end: int, inner: str) -> str:
    """The expression with parentheses around each run of tests that `inner` joins."""
    outer = "or" if inner == "and" else "and"
    runs = [
        trouble.text(start, stop - 1) if start < stop else "…" for start, stop in _split(trouble, first, end, {outer})
    ]
    joined = [
        f"({run})" if len(list(_split(trouble, *bounds, {inner}))) > 1 else run
        for run, bounds in zip(runs, _split(trouble, first, end, {outer}), strict=True)
    ]
    return f" {outer} ".join(joined)


def _split(trouble: Trouble, first: int, end: int, words: set[str]) -> list[tuple[int, int]]:
    """The stretches between `words` that stand outside brackets."""
    stretches, start, depth = [], first, 0
    for at in range(first, end):
        token = trouble.tokens[at]
        depth += (token in {"(", "["}) - (token in {")", "]"})
        if not depth and token in words:
            stretches.append((start, at))
            start = at + 1
    return [*stretches, (start, end)]


def beside_quantifier(trouble: Trouble) -> Answer | None:
    """`every v in l satisfies a and b`, `every … when c`: it is open what belongs to it."""
    found = str(trouble.token)
    if found not in {"and", "or", "when", "unless"} or trouble.first(trouble.at):
        return None
    first, end = trouble.expression()
    quantifiers = [at for at in range(first, trouble.at) if trouble.tokens[at].type in {"EVERY", "SOME"}]
    satisfies = [at for at in range(first, trouble.at) if trouble.tokens[at].type == "SATISFIES"]
    if not quantifiers or not satisfies or found.upper() in trouble.accepted:
        return None
    alone = f"({trouble.text(quantifiers[0], trouble.at - 1)})"
    if found in {"when", "unless"}:
        end = trouble.test_end(trouble.at + 1)
        guard = trouble.text(trouble.at, end - 1)
        said = say.quantifier_beside(trouble.span(), found, str(trouble.tokens[quantifiers[0]]), (f"{alone} {guard}",))
        return Answer(said, Repair(end))
    rest = trouble.text(trouble.at, end - 1)
    lead = trouble.text(quantifiers[0], satisfies[-1])
    tested = trouble.text(satisfies[-1] + 1, trouble.at - 1)
    readings = (f"{alone} {rest}", f"{lead} ({tested} {rest})")
    said = say.quantifier_beside(trouble.span(), found, str(trouble.tokens[quantifiers[0]]), readings)
    return Answer(said, Repair(end))


def bare(trouble: Trouble) -> Answer | None:
    """A value where a test is asked for: `require email_verified`, `role == "a" or "b"`."""
    ends = trouble.at_end or trouble.token in TAIL or trouble.token.type in {"COMMA", "BAD_OPERATOR"}
    if "CONTAINS" not in trouble.accepted or "COMPARE" not in trouble.accepted or not ends:
        return None
    first = trouble.operand()
    value = trouble.text(first, trouble.at - 1)
    literal = trouble.tokens[first].type in {"STRING", "NUMBER", "TRUE", "FALSE", "LSQB", "DATE", "DURATION"}
    said = say.bare_value(
        trouble.span(first, trouble.at - 1),
        value,
        literal=literal,
        help=_bare_help(trouble, first, value, literal=literal),
    )
    feed = ("COMPARE", "TRUE")
    return Answer(said, Repair(trouble.at, feed=feed))


def _bare_help(trouble: Trouble, first: int, value: str, *, literal: bool) -> str:
    if not literal:
        return (
            f"write `{value} == true`, or `{value} is present`"
            if "(" not in value
            else f"compare it, as in `{value} == …`"
        )
    joint, right = trouble.tokens[first - 1], trouble.tokens[first - 2]
    if joint.type == "OR" and right.type == trouble.tokens[first].type and trouble.tokens[first - 3] == "==":
        left = trouble.text(first - 4, first - 4)
        return f"write `{left} in [{right}, {value}]`"
    return "compare a claim with it"


def no_and(trouble: Trouble) -> Answer | None:
    """`a == "x" b == "y"`."""
    joint = next((word for word in ("AND", "OR") if word in trouble.accepted), None)
    if joint is None or "CONTAINS" in trouble.accepted or trouble.first(trouble.at) or "RSQB" in trouble.accepted:
        return None
    following = trouble.look(1)
    begins = trouble.token.type == "LPAR" or trouble.token in {"not", "every", "some"}
    compared = trouble.is_word and (following.type == "COMPARE" or following in OPERATOR_WORDS or following == "(")
    if not (begins or compared):
        return None
    said = say.word_missing(
        trouble.span(trouble.at),
        joint.lower(),
        str(trouble.token),
        "two tests are joined by `and` or `or`",
        side="before",
    )
    return Answer(said, Repair(trouble.at, feed=(joint,)))


def comma(trouble: Trouble) -> Answer | None:
    """A comma between two tests."""
    if trouble.token.type != "COMMA" or "AND" not in trouble.accepted or trouble.first(trouble.at):
        return None
    return Answer(say.comma_between_tests(trouble.span()), Repair(trouble.at + 1, feed=("AND",)))


def guard(trouble: Trouble) -> Answer | None:
    """`require x if y`."""
    meant = _GUARDS.get(str(trouble.token).lower())
    if meant is None or meant.upper() not in trouble.accepted or trouble.first(trouble.at):
        return None
    said = say.other_guard(trouble.span(), str(trouble.token), meant)
    return Answer(said, Repair(trouble.at + 1, feed=(meant.upper(),)))


def spelling(trouble: Trouble) -> Answer | None:
    """A word that is close to a keyword that may stand here: `contians`, `AND`, `becuase`."""
    if not trouble.is_word or trouble.first(trouble.at):
        return None
    written = language().written
    words = [written[terminal] for terminal in sorted(trouble.accepted) if written.get(terminal, " ")[0].isalpha()]
    meant = closest(str(trouble.token), words)
    if meant is None:
        return None
    feed = (language().keywords[meant],)
    return Answer(say.misspelled(trouble.span(), str(trouble.token), meant), Repair(trouble.at + 1, feed=feed))
