"""What a policy says, as data. `build` makes it from the text, `compose` merges it, `check` judges whether it is sound.

Every node knows its place. Names are resolved when it is made: a `let` has become a literal, a variable is marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf
from typing import TypeAlias

from policyjwt.source import Place, Span

LANGUAGE_VERSION = 1

Scalar: TypeAlias = str | int | float | bool
"""A literal that stands for one JSON value. Integers are exact."""

Value: TypeAlias = Scalar | tuple[Scalar, ...]

Root: TypeAlias = OneOf["claim", "header", "context", "certificate", "client", "variable"]
ROOTS: tuple[str, ...] = ("claim", "header", "context", "certificate", "client")

Function: TypeAlias = OneOf["words", "lower", "count", "host"]
FUNCTIONS: tuple[str, ...] = ("words", "lower", "count", "host")

TypeName: TypeAlias = OneOf["string", "number", "integer", "boolean", "list", "object"]
TYPE_NAMES: tuple[str, ...] = ("string", "number", "integer", "boolean", "list", "object")

CompareOperator: TypeAlias = OneOf["==", "!=", "<", "<=", ">", ">="]


# ------------------------------------------------------------------------------------------------ operands


@dataclass(frozen=True, slots=True)
class Path:
    """A value of the token or of the request. For a variable of `every`/`some`, `members[0]` is its name.

    The members of `context.headers` are in lower case. `text` is how the author wrote it.
    """

    span: Span
    root: Root
    members: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the policy. `name` is the `let` that it came from, if any."""

    span: Span
    value: Value
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """`words(x)`, `lower(x)`, `count(x)`, `host(x)`."""

    span: Span
    function: Function
    argument: Operand


Operand: TypeAlias = Path | Literal | Call


# ------------------------------------------------------------------------------------------------ tests


@dataclass(frozen=True, slots=True)
class Compare:
    """`left == right` and its kin."""

    span: Span
    operator: CompareOperator
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class In:
    """`left in right`, `left not in right`."""

    span: Span
    left: Operand
    right: Operand
    negated: bool


@dataclass(frozen=True, slots=True)
class Contains:
    """`left contains right` (one), `contains any of`, `contains all of`, `contains only`."""

    span: Span
    left: Operand
    quantity: OneOf["one", "any", "all", "only"]
    right: Operand


@dataclass(frozen=True, slots=True)
class Affix:
    """`left starts with right`, `left ends with right`."""

    span: Span
    where: OneOf["starts", "ends"]
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Like:
    """`left like "glob"`."""

    span: Span
    left: Operand
    glob: str


@dataclass(frozen=True, slots=True)
class Matches:
    """`left matches /pattern/`; `pattern` is the text between the slashes, an escaped slash already read as one."""

    span: Span
    left: Operand
    pattern: str


@dataclass(frozen=True, slots=True)
class Under:
    """`left under "corp.example"`: that host or one below it."""

    span: Span
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Within:
    """`left within 5m`."""

    span: Span
    left: Operand
    seconds: int


@dataclass(frozen=True, slots=True)
class DateTest:
    """`left before DATE`, `left after DATE`; `epoch` is 00:00 UTC of it."""

    span: Span
    left: Operand
    side: OneOf["before", "after"]
    epoch: int


@dataclass(frozen=True, slots=True)
class Presence:
    """`path is present`, `path is absent`."""

    span: Span
    path: Path
    present: bool


@dataclass(frozen=True, slots=True)
class IsType:
    """`path is string` and its kin."""

    span: Span
    path: Path
    type: TypeName


@dataclass(frozen=True, slots=True)
class Not:
    """`not test`."""

    span: Span
    test: Test


@dataclass(frozen=True, slots=True)
class And:
    """`a and b and …`."""

    span: Span
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """`a or b or …`."""

    span: Span
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Quantified:
    """`every v in items satisfies test`, `some v in items satisfies test`."""

    span: Span
    quantity: OneOf["every", "some"]
    variable: str
    items: Operand
    test: Test


Test: TypeAlias = (
    Compare
    | In
    | Contains
    | Affix
    | Like
    | Matches
    | Under
    | Within
    | DateTest
    | Presence
    | IsType
    | Not
    | And
    | Or
    | Quantified
)


# ------------------------------------------------------------------------------------------------ parts of items


@dataclass(frozen=True, slots=True)
class Named:
    """A word or a string with its place: an algorithm, an audience, a label, a baseline's name, a reason."""

    span: Span
    value: str


@dataclass(frozen=True, slots=True)
class Dated:
    """A date. `epoch` is 00:00 UTC of it, `iso` how it is written."""

    span: Span
    iso: str
    epoch: int


@dataclass(frozen=True, slots=True)
class TextItem:
    """`about`, `owner`, `use`, and every other item of one string or word."""

    place: Place
    value: str


@dataclass(frozen=True, slots=True)
class DateItem:
    """`review by DATE`."""

    place: Place
    date: Dated


@dataclass(frozen=True, slots=True)
class Limit:
    """`… at most D`, `… within D`, in seconds; `depth at most N` is a count."""

    place: Place
    amount: int


@dataclass(frozen=True, slots=True)
class Names:
    """`algorithms a, b`, `content a, b`, `anchors "a", "b"`, `needs a, b`."""

    place: Place
    names: tuple[Named, ...]

    @property
    def values(self) -> tuple[str, ...]:
        """The names alone."""
        return tuple(name.value for name in self.names)


@dataclass(frozen=True, slots=True)
class Excused:
    """An exception with its reason: `reusable because …`, `by redeployment because …`, `held by several because …`."""

    place: Place
    because: Named


@dataclass(frozen=True, slots=True)
class Marker:
    """An item that is there or not: `by name only`, `proof once`, `nonce required`, `issued after token`."""

    place: Place


# ------------------------------------------------------------------------------------------------ sections


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`{tid}` of a template and the values that it may have (`where tid in …`)."""

    span: Span
    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IssuerName:
    """One issuer as written; with placeholders it is a template."""

    span: Span
    text: str
    placeholders: tuple[Placeholder, ...] = ()


@dataclass(frozen=True, slots=True)
class IssuerNames:
    """`issuer "a", "b" same party because "…"`."""

    place: Place
    names: tuple[IssuerName, ...]
    same_party: Named | None


@dataclass(frozen=True, slots=True)
class IssuerFrom:
    """`issuer from sub like "glob"`, for tokens without `iss`."""

    place: Place
    claim: Path
    glob: str


Issuer: TypeAlias = IssuerNames | IssuerFrom


@dataclass(frozen=True, slots=True)
class Audience:
    """`audience "a", "b"`, `audience only "a"`; with `claim` it is `audience from claim "a"`."""

    place: Place
    values: tuple[Named, ...]
    only: bool = False
    claim: Path | None = None


@dataclass(frozen=True, slots=True)
class TokenType:
    """`type "at+jwt"`; with `claim` it is `type from claim "access"`. Values of `typ` are as written."""

    place: Place
    values: tuple[Named, ...]
    claim: Path | None = None


@dataclass(frozen=True, slots=True)
class Select:
    """`select repository_id "1", "2"`."""

    place: Place
    claim: Path
    values: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class JwksFile:
    """`keys jwks file "…"`; the path is relative to the root."""

    place: Place
    path: Named


@dataclass(frozen=True, slots=True)
class JwksUrl:
    """`keys jwks url "https://…" { stale at most D  ca "…" }`."""

    place: Place
    url: Named
    stale: Limit | None
    ca: TextItem | None


@dataclass(frozen=True, slots=True)
class Discovery:
    """`keys discovery "https://issuer" { … }`."""

    place: Place
    issuer: Named
    stale: Limit | None
    ca: TextItem | None


@dataclass(frozen=True, slots=True)
class PemFile:
    """`keys pem file "…"`."""

    place: Place
    path: Named


@dataclass(frozen=True, slots=True)
class Leaf:
    """Which leaf certificate speaks for the issuer. `values` is empty for `any`, which has a reason."""

    place: Place
    kind: OneOf["san uri", "san dns", "dn", "key sha256", "any"]
    values: tuple[Named, ...]
    because: Named | None


@dataclass(frozen=True, slots=True)
class X5c:
    """`keys x5c { anchors …  leaf …  usage …  depth … }`."""

    place: Place
    anchors: Names | None
    leaf: Leaf | None
    usage: TextItem | None
    depth: Limit | None


KeySource: TypeAlias = JwksFile | JwksUrl | Discovery | PemFile | X5c


@dataclass(frozen=True, slots=True)
class Secret:
    """`secret env "NAME" as base64url kid "…"` and the `key` of an encryption section. Never the secret itself."""

    place: Place
    origin: OneOf["keyring", "env", "file"]
    parts: tuple[Named, ...]
    encoding: Named | None
    kid: Named | None


@dataclass(frozen=True, slots=True)
class ExceptKey:
    """`except key sha256 "…" because "…"`: RFC 7638 thumbprints (base64url) of keys that are no longer believed."""

    place: Place
    thumbprints: tuple[Named, ...]
    because: Named


@dataclass(frozen=True, slots=True)
class Signature:
    """`signature { … }`. After merging, `secrets` and `keys` are never both there."""

    place: Place
    algorithms: Names | None = None
    keys: KeySource | None = None
    secrets: tuple[Secret, ...] = ()
    held_by_several: Excused | None = None
    except_keys: tuple[ExceptKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Encryption:
    """`encryption { … }`."""

    place: Place
    algorithms: Names | None = None
    content: Names | None = None
    keys: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True)
class IssuedAfter:
    """`issued after DATE because "…"`."""

    place: Place
    date: Dated
    because: Named


@dataclass(frozen=True, slots=True)
class Freshness:
    """`freshness { … }`; amounts are seconds."""

    place: Place
    lifetime: Limit | None = None
    age: Limit | None = None
    expires: Limit | None = None
    skew: Limit | None = None
    needs: tuple[Names, ...] = ()
    issued_after: IssuedAfter | None = None


@dataclass(frozen=True, slots=True)
class Nonce:
    """`nonce jti`, `nonce jti equals context.nonce`."""

    place: Place
    claim: Path
    equals: Path | None


@dataclass(frozen=True, slots=True)
class Replay:
    """`replay { … }`. `unique` is issuer, policy or subject; `reaches` is process, host or nodes."""

    place: Place
    nonce: Nonce | None = None
    unique: TextItem | None = None
    reaches: TextItem | None = None
    hold: Limit | None = None
    proof_once: Marker | None = None
    by_holder: Marker | None = None
    reusable: Excused | None = None


@dataclass(frozen=True, slots=True)
class Staple:
    """`staple ocsp from header "x5ocsp" | jades | caller`."""

    place: Place
    carrier: OneOf["header", "jades", "caller"]
    header: Named | None


@dataclass(frozen=True, slots=True)
class Revocation:
    """`revocation { … }`."""

    place: Place
    staple: Staple | None = None
    crl: TextItem | None = None
    short_lived: Limit | None = None
    key_removal: Limit | None = None
    redeployment: Excused | None = None
    age: Limit | None = None
    window: Limit | None = None
    cover: TextItem | None = None
    responder: TextItem | None = None
    without_nocheck: Excused | None = None
    without_next_update: Excused | None = None
    after_token: Marker | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """`status { list from caller  keys …  uri "…"  age at most D }`."""

    place: Place
    list_from: TextItem | None = None
    keys: KeySource | None = None
    uri: TextItem | None = None
    age: Limit | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """`holder dpop { … }`, `holder mtls { … }`."""

    place: Place
    kind: OneOf["dpop", "mtls"]
    age: Limit | None = None
    algorithms: Names | None = None
    nonce_required: Marker | None = None
    anchors: Names | None = None


@dataclass(frozen=True, slots=True)
class Provided:
    """One claim of a `provides` item; `claim` is a top-level name."""

    place: Place
    claim: str
    type: TypeName
    if_present: bool


@dataclass(frozen=True, slots=True)
class Confidential:
    """`confidential phone, address`."""

    place: Place
    claims: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Promise:
    """One assurance of an `assures` item."""

    place: Place
    assurance: str


@dataclass(frozen=True, slots=True)
class Waiver:
    """`waive audience until DATE because "…"`."""

    place: Place
    matter: Named
    until: Dated | None
    because: Named


@dataclass(frozen=True, slots=True)
class Allow:
    """`allow CODE because "…"`; `covers` is the statement on the line below."""

    place: Place
    code: Named
    because: Named
    covers: Span


@dataclass(frozen=True, slots=True)
class Guard:
    """`when TEST`, `unless TEST`."""

    kind: OneOf["when", "unless"]
    test: Test


@dataclass(frozen=True, slots=True)
class Rule:
    """`require`, `forbid` or `observe` with its tail. `until` is there for `observe` only."""

    place: Place
    kind: OneOf["require", "forbid", "observe"]
    test: Test
    guard: Guard | None = None
    label: Named | None = None
    because: Named | None = None
    until: Dated | None = None


# ------------------------------------------------------------------------------------------------ blocks and files


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A `policy` or a `baseline`, as written or merged. What the text does not say is None or empty.

    `place` is the line up to `{`, `name_span` the name in it, `extent` all from the first word to the closing brace.
    `broken` names the fields of which something could not be read (`file`: something outside the block):
    nothing can be missing there, and a block that has any must never judge a token.
    """

    kind: OneOf["policy", "baseline"]
    name: str
    name_span: Span
    place: Place
    extent: Span
    extends: tuple[Named, ...] = ()
    about: TextItem | None = None
    use: TextItem | None = None
    owner: TextItem | None = None
    review: DateItem | None = None
    by_name_only: Marker | None = None
    issuer: Issuer | None = None
    audience: Audience | None = None
    type: TokenType | None = None
    select: tuple[Select, ...] = ()
    signature: Signature | None = None
    encryption: Encryption | None = None
    freshness: Freshness | None = None
    replay: Replay | None = None
    revocation: Revocation | None = None
    status: Status | None = None
    holder: Holder | None = None
    schema: TextItem | None = None
    provides: tuple[Provided, ...] = ()
    confidential: tuple[Confidential, ...] = ()
    assures: tuple[Promise, ...] = ()
    rules: tuple[Rule, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    allows: tuple[Allow, ...] = ()
    broken: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Let:
    """`let NAME = literal`, `let NAME from "file.json"`."""

    place: Place
    name: Named
    value: Value


@dataclass(frozen=True, slots=True)
class Import:
    """`import "common.policy"`; the path is relative to the root."""

    place: Place
    path: Named


@dataclass(frozen=True, slots=True)
class Document:
    """One policy file, read. `used` holds the SHA-256 digests (hex) of the files that its lets were read from.

    `allows` are those that stand above a `let` or an `import`.
    """

    file: str
    imports: tuple[Import, ...]
    lets: tuple[Let, ...]
    blocks: tuple[Block, ...]
    digest: str
    used: tuple[tuple[str, str], ...] = ()
    allows: tuple[Allow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPolicy:
    """A policy that decides everything: what `check` hands to the compiler.

    `block` is merged with its baselines; `extents` are the blocks that it is made of, baselines first: the order in
    which its lines are judged and shown. `root` is the folder that paths are relative to. `digest` is the SHA-256 (hex)
    of all the text that it was made from. `skew` is in seconds. `schema` is the text of the schema as it was checked.
    """

    name: str
    block: Block
    extents: tuple[Span, ...]
    root: str
    digest: str
    use: str
    issuer: Issuer
    audience: Audience | Waiver
    type: TokenType | Waiver
    signature: Signature
    algorithms: tuple[str, ...]
    freshness: Freshness
    skew: int
    replay: Replay | Waiver
    revocation: Revocation | Waiver
    holder: Holder | Waiver | None
    schema: str | None = None
