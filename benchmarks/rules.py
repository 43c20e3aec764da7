"""Twelve rules alone: the generated function against one by hand that checks types and stops at the first fault."""

from __future__ import annotations

from benchmarks.evaluate import CLAIMS, NOW
from benchmarks.paired import ratio, report, rounds
from policyjwt.checker.check import check
from policyjwt.compiler.generate import generate
from policyjwt.compiler.reference import judge
from policyjwt.compiler.validator import compile_policy
from policyjwt.language.load import load_text
from policyjwt.requirements.line import MET, Facts
from policyjwt.requirements.rules import RuleLine
from tests.issuer import policy

RULES = """provides sub is string
  require tenant in ["acme", "globex"]
  require words(scope) contains "pay:write" as pay-scope
  require email_verified == true
  require email ends with "@corp.example"
  require amr contains any of ["hwk", "fido"]
  require acr in ["aal2", "aal3"]
  require auth_time within 12h
  require azp != "legacy-batch"
  require sub starts with "user-"
  require locale == "de"
  require count(realm_access.roles) < 10
  require realm_access.roles contains "ops"
"""


def by_hand(c: dict[str, object], now: float) -> bool:
    """The same twelve rules."""
    tenant, scope, email, amr = c.get("tenant"), c.get("scope"), c.get("email"), c.get("amr")
    acr, at, azp, sub, access = (
        c.get("acr"),
        c.get("auth_time"),
        c.get("azp"),
        c.get("sub"),
        c.get("realm_access"),
    )
    if not isinstance(tenant, str) or tenant not in ("acme", "globex"):
        return False
    if not isinstance(scope, str) or "pay:write" not in scope.split(" "):
        return False
    if c.get("email_verified") is not True:
        return False
    if not isinstance(email, str) or not email.endswith("@corp.example"):
        return False
    if not isinstance(amr, list) or not ("hwk" in amr or "fido" in amr):
        return False
    if not isinstance(acr, str) or acr not in ("aal2", "aal3"):
        return False
    if isinstance(at, bool) or not isinstance(at, (int, float)) or not now - 43200 <= at <= now:
        return False
    if not isinstance(azp, str) or azp == "legacy-batch":
        return False
    if not isinstance(sub, str) or not sub.startswith("user-"):
        return False
    if not isinstance(c.get("locale"), str) or c["locale"] != "de":
        return False
    roles = access.get("roles") if isinstance(access, dict) else None
    return isinstance(roles, list) and len(roles) < 10 and "ops" in roles


def main() -> None:
    """Print the ratios."""
    checked = check(load_text(policy(rest=RULES), "bench.policy", None), now=float(NOW))
    validator = compile_policy(checked.policies[0])
    lines = tuple(line for line in validator.lines if isinstance(line, RuleLine))
    rules = generate(lines)
    facts = Facts(claims=CLAIMS, header={}, context={}, now=float(NOW))
    assert set(rules(CLAIMS, {}, {}, float(NOW), {}, {}, {})) == {MET}
    assert by_hand(CLAIMS, float(NOW))
    cases = {
        "generated": lambda: rules(CLAIMS, {}, {}, float(NOW), {}, {}, {}),
        "reference": lambda: judge(lines, facts),
        "by hand": lambda: by_hand(CLAIMS, float(NOW)),
    }
    found = rounds(cases, number=300)
    report(
        f"{len(lines)} rules, an outcome for each, against one function by hand that gives yes or no",
        [
            ("the generated function", ratio(found, "generated", "by hand"), 2.2),
            ("the reference evaluator", ratio(found, "reference", "by hand"), None),
        ],
    )


if __name__ == "__main__":
    main()
