"""The requirements that a policy can make: one module each, in the order of the stages in which they are judged."""

from policyjwt.requirements import (
    audience,
    confidential,
    encryption,
    evidence,
    freshness,
    holder,
    issuer,
    provides,
    registered,
    replay,
    rules,
    schema,
    select,
    signature,
    token_type,
    waived,
)

REQUIREMENTS = (
    encryption,
    signature,
    evidence,
    issuer,
    audience,
    token_type,
    select,
    freshness,
    provides,
    rules,
    schema,
    confidential,
    holder,
    registered,
    waived,
    replay,
)
