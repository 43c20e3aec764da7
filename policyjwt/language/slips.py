"""What went wrong at a place. Input: a trouble. Output: the answer of the first rule that knows one.

The order is part of the rules: what is most telling comes first, what fits everywhere last.
"""

from __future__ import annotations

from policyjwt.language import expected
from policyjwt.language import slips_blocks as blocks
from policyjwt.language import slips_items as items
from policyjwt.language import slips_operators as operators
from policyjwt.language import slips_tests as tests
from policyjwt.language import slips_words as words
from policyjwt.language import syntax_messages as say
from policyjwt.language.grammar import END
from policyjwt.language.suggest import quoted
from policyjwt.language.trouble import Answer, Repair, Trouble

RULES = (
    words.secret,
    items.version_again,
    items.allow_excuses_nothing,
    words.item_in_quotes,
    items.line_unfinished,
    blocks.stray_brace,
    items.value_skipped,
    items.reason_without_quotes,
    tests.quantity_alone,
    tests.keyword_claim,
    operators.list_brackets,
    items.trailing_comma,
    operators.is_something,
    operators.negated_operator,
    tests.logic,
    tests.and_or,
    tests.beside_quantifier,
    operators.operator,
    operators.index,
    tests.bare,
    words.lexeme,
    words.comment,
    operators.chained,
    tests.guard,
    tests.no_and,
    tests.comma,
    operators.value_of_other_kind,
    items.line_begin,
    items.no_reason,
    items.at_most,
    words.quotes_not_wanted,
    words.literal,
    tests.spelling,
    words.quotes_missing,
    items.word_twice,
    items.fixed_word,
    items.comma_missing,
    items.comma_between_items,
    items.bracket,
    blocks.no_brace,
    items.value_missing,
    blocks.text_ended,
    blocks.elsewhere,
    blocks.unknown_item,
    blocks.no_word,
)


def answer(trouble: Trouble) -> Answer:
    """What to say about `trouble`, and how to go on."""
    for rule in RULES:
        found = rule(trouble)
        if found is not None:
            return found
    return _anything(trouble)


def _anything(trouble: Trouble) -> Answer:
    """What was expected and what came, where no rule knows better."""
    context = tuple(str(trouble.look(-steps)) for steps in (1, 2))
    wanted = expected.phrase(trouble.accepted, *context)
    if trouble.token.type == END or (trouble.first(trouble.at) and "ALLOW" not in trouble.accepted):
        return Answer(say.line_ended(trouble.span(trouble.at - 1), wanted, None))
    brace = trouble.brace_instead()
    repair = Repair(trouble.at + 1, feed=brace) if brace else None
    return Answer(say.unexpected(trouble.span(), wanted, quoted(str(trouble.token))), repair)
