"""The whole flow for holders: engines with `holder dpop` and `holder mtls`, requests, and a store that counts."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from policyjwt import Context, Engine, Verdict
from policyjwt.replay import MemoryReplayStore
from tests.evidence.proofs import URI, ath, bound, proof
from tests.issuer import NOW, URL, Issuer, b64, claims, policy
from tests.pki import Party, authority, party, usage

ISSUER = Issuer()
DPOP = "holder dpop { age at most 60s  algorithms ES256 }"
MTLS = 'holder mtls { anchors "clients.pem" }'
ONCE = "replay { proof once }"
BY_HOLDER = "replay { by holder }"
WAYS = ("evaluate", "evaluate_async")


class Clock:
    """A clock that tests set."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Counting(MemoryReplayStore):
    """Remembers every question that it was asked."""

    def __init__(self, *, capacity: int = 1000, clock: Clock | None = None) -> None:
        super().__init__(capacity, single_process=True, clock=clock or Clock())
        self.asked: list[tuple[bytes, int]] = []

    def consume(self, key: bytes, ttl: int, note: bytes) -> bool:
        self.asked.append((key, ttl))
        return super().consume(key, ttl, note)


@dataclass(kw_only=True)
class Door:
    """An engine, its policy's text, its store and its clock."""

    text: str
    root: Path | None = None
    replay: Any = None
    clock: Clock = field(default_factory=Clock)
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = self.replay if self.replay is not None else Counting(clock=self.clock)
        self.engine = Engine.from_text(
            self.text,
            root=self.root,
            keys={f"url:{URL}": ISSUER.keys()},
            replay=self.store,
            clock=self.clock,
            **self.settings,
        )

    @property
    def asked(self) -> int:
        """How often the store was asked."""
        return len(self.store.asked)

    def judge(self, token: str | None, request: Context, way: str = "evaluate") -> Verdict:
        """The verdict by one of the two ways to ask for it."""
        if way == "evaluate":
            return self.engine.evaluate(token, request)

        async def asked() -> Verdict:
            return await self.engine.evaluate_async(token, request)

        return asyncio.run(asked())

    def line(self, words: str) -> int:
        """The line of the policy that begins with these words."""
        (found,) = (n for n, line in enumerate(self.text.splitlines(), 1) if line.strip().startswith(words))
        return found


def text(holder: str = DPOP, *, replay: str = ONCE, rules: Sequence[str] = (), **changes: str) -> str:
    """A policy with this `holder` and these rules behind it."""
    return policy(replay=replay, rest="\n  ".join(["provides sub is string", holder, *rules]), **changes)


def door(holder: str = DPOP, *, root: Path | None = None, settings: dict[str, Any] | None = None, **given: Any) -> Door:
    """The door of `text(holder, …)`; `clock` and `store` are its own where they are given."""
    clock, store = given.pop("clock", None) or Clock(), given.pop("store", None)
    return Door(text=text(holder, **given), root=root, replay=store, clock=clock, settings=settings or {})


def told(verdict: Any) -> list[tuple[str, int | None]]:
    """Each failing finding: its code, and the line of the policy that it points at."""
    return [(each.code, each.location.line if each.location else None) for each in verdict.failing]


def codes(verdict: Any) -> list[str]:
    return [each.code for each in verdict.failing]


def assured(verdict: Any) -> set[str]:
    return {each.name for each in verdict.assurances if each.assured}


# --- DPoP ---------------------------------------------------------------------------------------------------


def token(*, cnf: Any = ..., header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A token of ISSUER that is bound to the usual holder's key, or says another `cnf`."""
    return ISSUER.token(claims(cnf=bound() if cnf is ... else cnf, **changes), header)


def unbound(**changes: Any) -> str:
    """A token without `cnf`."""
    return ISSUER.token(claims(**changes))


def proof_for(presented: str, *, by: Any = None, header: Any = None, **changes: Any) -> str:
    """A right proof for this token, but for the changes."""
    return proof(by, header, **({"ath": ath(presented)} | changes))


def request(*proofs: str, **changes: Any) -> Context:
    """The request that the usual proof is for."""
    return Context(**({"method": "POST", "uri": URI, "scheme": "DPoP", "dpop": proofs} | changes))


# --- mutual TLS ---------------------------------------------------------------------------------------------


@cache
def clients() -> Party:
    """Who issues certificates to clients."""
    return authority("Clients")


@cache
def client(name: str = "service a") -> Party:
    return certificate(name)


def certificate(name: str = "service a", above: Party | None = None, **more: Any) -> Party:
    """A client's certificate."""
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),
        (usage("digital_signature"), True),
    ]
    return party(name, above or clients(), extensions=extensions, **more)


def certified(one: Party | None = None) -> dict[str, object]:
    """`cnf` of a token that is bound to this certificate."""
    return {"x5t#S256": b64(hashlib.sha256((one or client()).der).digest())}


def mtls_door(root: Path, *, replay: str = BY_HOLDER, holder: str = MTLS, **given: Any) -> Door:
    """The door of a policy with `holder mtls`, its anchors in `root`."""
    (root / "clients.pem").write_bytes(clients().pem)
    return door(holder, root=root, replay=replay, **given)


# --- both things that are consumed --------------------------------------------------------------------------

KINDS = ("nonce", "proof")
NONCE = "replay { nonce jti }"


def text_of(kind: str, **changes: Any) -> str:
    """A policy that consumes the nonce, or the proof."""
    return text("", replay=NONCE, **changes) if kind == "nonce" else text(replay=ONCE, **changes)


def at_the(kind: str, *, store: Any = None, clock: Clock | None = None, **changes: Any) -> Door:
    return Door(text=text_of(kind, **changes), replay=store, clock=clock or Clock())


def use(kind: str, identity: str = "j1", **changes: Any) -> tuple[str, Context]:
    """A token, and the request that it comes with. `identity` is what is consumed."""
    if kind == "nonce":
        return unbound(jti=identity, **changes), Context()
    presented = token(**changes)
    return presented, request(proof_for(presented, jti=identity))
