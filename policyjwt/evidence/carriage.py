"""Where OCSP responses come from. Input: the header, the unprotected header, the caller's. Output: DER, unjudged.

There is one place for a policy; responses elsewhere in the token refuse. What the caller hands over is looked at where
the policy says so, and nowhere else. The payload is no place: claims are no evidence.
ETSI TS 119 182-1 (JAdES), section 5.3; the names of the header parameters are this package's own.
"""

from __future__ import annotations

from base64 import b64encode
from binascii import Error, a2b_base64
from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from policyjwt.evidence import staple_messages as messages
from policyjwt.evidence.ocsp_model import MAX_RESPONSE_BYTES, MAX_RESPONSES
from policyjwt.tokens import base64url, strict_json
from policyjwt.tokens.messages import shown

Carrier: TypeAlias = Literal["header", "jades", "caller"]

DEFAULT_NAME: Final = "x5ocsp"
"""The protected header parameter, where a policy names no other."""

_MAX_CHARACTERS: Final = (MAX_RESPONSE_BYTES + 2) // 3 * 4
_JADES_DER: Final = "http://uri.etsi.org/01903/v1.2.2#DER"


def carried(
    carrier: Carrier,
    *,
    name: str | None,
    header: Mapping[str, object],
    unprotected: Mapping[str, object] | None,
    given: Sequence[bytes],
) -> tuple[bytes, ...]:
    """The responses from the one place that the policy names.

    `name` is the parameter of the protected header (`x5ocsp` where it is None), `unprotected` the unprotected header
    of flattened JSON, `given` what the caller hands in. TokenRefused `staple.missing`, `ambiguous`, `malformed`,
    `too_many`, `too_large`.
    """
    wanted = DEFAULT_NAME if name is None else name
    values = _from_jades(unprotected)
    named = [one for one in dict.fromkeys((wanted, DEFAULT_NAME)) if one in header]
    from_caller = bool(given) and carrier == "caller"  # else nobody looks at them
    if len(named) + (values is not None) + from_caller > 1:  # check: S2
        places = [f"the header parameter {shown(one)}" for one in named]
        places.extend(["the unprotected header"] if values is not None else [])
        places.extend(["the caller"] if from_caller else [])
        raise messages.ambiguous(places=" and ".join(places))
    if carrier == "caller":
        found: Sequence[object] | None = given or None
    elif carrier == "jades":
        found = values
    else:
        found = _list(header[wanted], what="the header parameter") if wanted in header else None
    if found is None:  # check: S1
        raise _missing(carrier, wanted)
    if len(found) > MAX_RESPONSES:  # check: S3
        raise messages.too_many(count=len(found), limit=MAX_RESPONSES)
    return tuple(_given(item) if carrier == "caller" else _decoded(item) for item in found)


def _missing(carrier: Carrier, name: str) -> Exception:
    actual, expected = {
        "header": (f"the header has no {shown(name)}", f"OCSP responses in the header parameter {shown(name)}"),
        "jades": (
            "no OCSP response in the unprotected header",
            "OCSP responses in `etsiU`, as `rVals` with `ocspVals`",
        ),
        "caller": ("the caller gave no OCSP response", "OCSP responses from the caller"),
    }[carrier]
    return messages.missing(actual=actual, expected=expected)


def _list(value: object, *, what: str) -> list[object]:
    if not isinstance(value, list) or not value:  # check: S3
        raise messages.malformed(actual=f"{what} is no list with something in it", expected="a list of OCSP responses")
    return value


def _given(item: object) -> bytes:
    if not isinstance(item, bytes):
        raise TypeError("an OCSP response from the caller is bytes")
    if len(item) > MAX_RESPONSE_BYTES:  # check: S3
        raise messages.too_large(limit=MAX_RESPONSE_BYTES)
    return item


def _decoded(item: object) -> bytes:
    """RFC 7515, section 4.1.6, says of `x5c` what holds here: base64, not base64url; and in its one spelling."""
    expected = "OCSP responses as strings, in base64 (not base64url)"
    if not isinstance(item, str):  # check: S3
        raise messages.malformed(actual="an OCSP response that is no string", expected=expected)
    if len(item) > _MAX_CHARACTERS:  # check: S3
        raise messages.too_large(limit=MAX_RESPONSE_BYTES)
    data = _base64(item)
    if data is None or b64encode(data).decode("ascii") != item:  # check: S3
        raise messages.malformed(
            actual="an OCSP response that is not in base64, in its one spelling", expected=expected
        )
    return data


def _base64(text: str) -> bytes | None:
    try:
        return a2b_base64(text, strict_mode=True)
    except (Error, ValueError):  # ValueError: characters that are no ASCII
        return None


# --- JAdES ------------------------------------------------------------------------------------------------


def _from_jades(unprotected: Mapping[str, object] | None) -> list[object] | None:
    """The values of all `rVals` with `ocspVals`, None where there are none. What can't be read refuses."""
    if unprotected is None or "etsiU" not in unprotected:
        return None
    found: list[object] = []
    for item in _items(_list(unprotected["etsiU"], what="`etsiU`")):
        if "rVals" not in item:
            continue
        values = item["rVals"]
        if not isinstance(values, dict):  # check: S3
            raise _no_jades("`rVals` is no object")
        if "ocspVals" in values:
            found.extend(_value(value) for value in _list(values["ocspVals"], what="`ocspVals`"))
    return found or None


def _items(items: list[object]) -> list[dict[str, object]]:
    """All objects, or all base64url strings of one: two readers of a mixture could see different ones."""
    encoded = all(isinstance(item, str) for item in items)
    found = [_decoded_json(item) for item in items] if encoded else items
    objects = [item for item in found if isinstance(item, dict)]
    if len(objects) != len(items):  # check: S3
        raise _no_jades("`etsiU` holds something else than objects alone, or base64url strings of objects alone")
    return objects


def _decoded_json(item: object) -> object:
    try:
        return strict_json.loads(base64url.decode(str(item)))
    except ValueError:
        return None


def _value(value: object) -> object:
    """The base64 of one response: `{"val": …}`, in DER where an encoding is named."""
    if not isinstance(value, dict) or "val" not in value:  # check: S3
        raise _no_jades("an element of `ocspVals` without `val`")
    if value.get("encoding", _JADES_DER) != _JADES_DER:  # check: S3
        raise _no_jades("an element of `ocspVals` in another encoding than DER")
    return value["val"]


def _no_jades(actual: str) -> Exception:
    return messages.malformed(actual=actual, expected="`etsiU` as ETSI TS 119 182-1 has it")
