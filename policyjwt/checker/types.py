"""Which JSON types a value can have.

Input: a merged block and an operand. Output: the types, and who says so.

What is certain (functions, literals, the request, claims whose type the language itself demands) is told from
what a standard or a provider documents, because a token may differ from its issuer's documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from policyjwt.checker.providers import Claim, Provider, providers_of
from policyjwt.language.model import And, Block, Call, IssuerNames, IsType, Literal, Operand, Test, Value

Kinds: TypeAlias = frozenset[str]
"""Names of JSON types: string, number, boolean, list, object. An integer is a number here."""

STRING, NUMBER, BOOLEAN = frozenset({"string"}), frozenset({"number"}), frozenset({"boolean"})
LIST, OBJECT = frozenset({"list"}), frozenset({"object"})


@dataclass(frozen=True, slots=True)
class Typing:
    """The types that a value can have when it is there. `says` ends the sentence "is a string …"."""

    kinds: Kinds
    says: str
    certain: bool


ENFORCED: Mapping[str, Kinds] = {
    "iss": STRING,
    "sub": STRING,
    "aud": STRING | LIST,
    "exp": NUMBER,
    "nbf": NUMBER,
    "iat": NUMBER,
    "jti": STRING,
    "cnf": OBJECT,
}
"""Claims that have their type in every trusted token (RFC 7519, section 4.1; RFC 7800, section 3.1)."""

_STANDARD: tuple[tuple[str, Kinds, str], ...] = (
    ("RFC 9068", STRING, "client_id"),
    ("RFC 8693", STRING, "scope"),
    ("RFC 8693", OBJECT, "act may_act"),
    ("RFC 9068", LIST, "roles groups entitlements"),
    ("RFC 9396", LIST, "authorization_details"),
    ("RFC 8417", OBJECT, "events"),
    ("RFC 8417", STRING, "txn"),
    ("RFC 8417", NUMBER, "toe"),
    ("OpenID Connect", NUMBER, "auth_time updated_at"),
    ("OpenID Connect", LIST, "amr"),
    ("OpenID Connect", BOOLEAN, "email_verified phone_number_verified"),
    ("OpenID Connect", OBJECT, "address"),
    (
        "OpenID Connect",
        STRING,
        "acr azp nonce at_hash c_hash s_hash name given_name family_name middle_name nickname"
        " preferred_username profile picture website email gender birthdate zoneinfo locale phone_number sid",
    ),
)
_BY_STANDARD: Mapping[Claim, Typing] = {
    (claim,): Typing(kinds, f"by {says}", certain=False) for says, kinds, names in _STANDARD for claim in names.split()
}

_FUNCTIONS: Mapping[str, tuple[Kinds, Kinds]] = {
    "words": (STRING, LIST),
    "lower": (STRING, STRING),
    "count": (LIST, NUMBER),
    "host": (STRING, STRING),
}
"""What each function takes and gives."""

_REQUEST: Mapping[tuple[str, ...], Kinds] = {
    ("context", "method"): STRING,
    ("context", "path"): STRING,
    ("context", "uri"): STRING,
    ("context", "scheme"): STRING,
    ("context", "nonce"): STRING,
    ("context", "headers"): OBJECT,
    ("context", "values"): OBJECT,
    ("header", "alg"): STRING,
    ("header", "typ"): STRING,
    ("header", "kid"): STRING,
    ("header", "crit"): LIST,
    **{
        (root, *name.split(".")): kinds
        for root in ("certificate", "client")
        for kinds, names in (
            (STRING, "subject.cn issuer.cn thumbprint"),
            (LIST, "subject.o subject.organization_id san.uri san.dns policies"),
        )
        for name in names.split()
    },
}


@dataclass(frozen=True, slots=True)
class Types:
    """What is known of the types of values in one policy."""

    declared: Mapping[Claim, Kinds]
    documented: Mapping[Claim, Typing]

    def of(self, operand: Operand) -> Typing | None:
        """The types of `operand`, None if nothing is known."""
        match operand:
            case Literal():
                return Typing(frozenset({kind_of(operand.value)}), "as it stands here", certain=True)
            case Call():
                return Typing(_FUNCTIONS[operand.function][1], f"by `{operand.function}`", certain=True)
            case _ if operand.root == "claim":
                return self._of_claim(operand.members)
            case _ if operand.root == "variable":
                return None
            case _:
                return _of_request(operand.root, operand.members)

    def _of_claim(self, claim: Claim) -> Typing | None:
        if len(claim) == 1 and claim[0] in ENFORCED:
            by = "RFC 7800" if claim[0] == "cnf" else "RFC 7519"
            return Typing(ENFORCED[claim[0]], f"by {by}, and a token where it is not is refused", certain=True)
        if claim in self.declared:
            return Typing(self.declared[claim], "as another test of this policy demands", certain=False)
        return self.documented.get(claim) or _BY_STANDARD.get(claim)


NOTHING_KNOWN = Types(declared={}, documented={})
"""What is known of types without a policy: what the language and the standards say."""


def types_of(block: Block) -> Types:
    """What `block` and the providers behind its issuers say about types."""
    return Types(declared=_declared(block), documented=_documented(block))


def argument_kinds(function: str) -> Kinds:
    """What `function` takes."""
    return _FUNCTIONS[function][0]


def kind_of(value: Value) -> str:
    """The JSON type of a literal."""
    if isinstance(value, tuple):
        return "list"
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number"


def kind_named(name: str) -> str:
    """The JSON type that a type name of the language stands for: an integer is a number."""
    return "number" if name == "integer" else name


def issuers_of(block: Block) -> tuple[str, ...]:
    """The issuers of `block` as written. Empty where it names none."""
    return tuple(name.text for name in block.issuer.names) if isinstance(block.issuer, IssuerNames) else ()


def known_providers(block: Block) -> tuple[Provider, ...]:
    """The known providers whose tokens `block` judges."""
    return providers_of(issuers_of(block))


def _declared(block: Block) -> dict[Claim, Kinds]:
    found: dict[Claim, Kinds] = {(item.claim,): frozenset({kind_named(item.type)}) for item in block.provides}
    for rule in block.rules:
        if rule.kind == "require" and rule.guard is None:
            for test in _conjuncts(rule.test):
                if isinstance(test, IsType) and test.path.root == "claim":
                    found.setdefault(test.path.members, frozenset({kind_named(test.type)}))
    return found


def _conjuncts(test: Test) -> tuple[Test, ...]:
    return test.tests if isinstance(test, And) else (test,)


def _documented(block: Block) -> dict[Claim, Typing]:
    found: dict[Claim, Typing] = {}
    for provider in known_providers(block):
        for claim, name in provider.types.items():
            typing = Typing(frozenset({kind_named(name)}), f"at {provider.name}", certain=False)
            earlier = found.get(claim)
            if earlier is not None and earlier.kinds != typing.kinds:
                typing = Typing(earlier.kinds | typing.kinds, "at the issuers of this policy", certain=False)
            found[claim] = typing
    return found


def _of_request(root: str, members: tuple[str, ...]) -> Typing | None:
    if root == "context" and members[:1] == ("headers",) and len(members) > 1:
        return Typing(LIST, "of every value of that header", certain=True)
    kinds = _REQUEST.get((root, *members))
    return None if kinds is None else Typing(kinds, "always", certain=True)
