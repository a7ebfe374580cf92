"""What is known of a model for choosing: quality, strengths, agreements, place, limits ... as a user says it, checked.

What is not said is unknown: an unknown value is never the best and never compliant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Literal, TypedDict, cast

from routed_llm.catalog.strengths import check_kind_of_call, check_strength_name
from routed_llm.errors import ConfigurationError
from routed_llm.refusing import nearest, refuse_unknown

__all__ = ["LATENCY", "LIMITS", "NOTHING", "PLACES", "PREPAID", "USAGE_POLICY", "Known", "Place", "parsed"]

Place = Literal["device", "on_premises", "cloud"]
PLACES: tuple[Place, ...] = ("device", "on_premises", "cloud")
#: keys of ``limits``, ``latency``, ``prepaid`` and ``usage_policy``
LIMITS = ("requests_per_minute", "tokens_per_minute", "concurrent")
LATENCY = ("first_content", "tokens_per_second")
PREPAID = ("tokens_per_minute",)
USAGE_POLICY = ("forbids", "requires")

#: nothing is known
NOTHING: Mapping[str, Any] = MappingProxyType({})

_LANGUAGE = re.compile(r"[a-z]{2,3}")
_MONTH = re.compile(r"\d{4}-\d{2}")


class Known(TypedDict, total=False):
    """The fields of a :class:`~routed_llm.catalog.deployments.Deployment` that choosing looks at; all may be missing."""

    quality: float
    strengths: Mapping[str, float]
    knowledge: str
    factuality: float
    agreements: tuple[str, ...]
    residency: tuple[str, ...]
    place: Place
    languages: tuple[str, ...]
    traits: Mapping[str, str | float | bool]
    network: float
    prepaid: Mapping[str, float]
    latency: Mapping[str, float]
    limits: Mapping[str, int]
    usage_policy: Mapping[str, tuple[str, ...]]
    retires: str


def parsed(given: Mapping[str, Any], path: str) -> Known:
    """What was said, checked, in the forms that deployments hold; None and what is empty is left out.

    Args:
        given: values by the names of :class:`Known`.
        path: where they were given, such as ``models[1]``.

    Raises:
        ConfigurationError: with the path of the offending key.
    """
    told = {name: value for name, value in given.items() if value is not None and not _empty(value)}
    return cast("Known", {name: _PARSERS[name](value, f"{path}.{name}") for name, value in told.items()})


def _empty(value: Any) -> bool:
    return isinstance(value, (Mapping, tuple, list, set, frozenset)) and not value


def _number(value: Any, path: str, low: float, high: float, words: str) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not low <= value <= high or not math.isfinite(value):
        raise ConfigurationError(f"must be {words}, not {value!r}.", path=path)
    return float(value)


def _share(value: Any, path: str) -> float:
    return _number(value, path, 0, 1, "a number from 0 to 1")


def _seconds(value: Any, path: str) -> float:
    return _number(value, path, 0, math.inf, "a number of seconds of at least zero")


def _positive(value: Any, path: str) -> float:
    return _number(value, path, math.ulp(0.0), math.inf, "a number above zero")


def _whole(value: Any, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ConfigurationError(f"must be a whole number above zero, not {value!r}.", path=path)
    return value


def _mapping(value: Any, path: str, example: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"must be a dict such as {example}, not {value!r}.", path=path)
    for key in value:
        if not isinstance(key, str) or not key.strip():
            raise ConfigurationError(f"a key must be a non-empty text, not {key!r}.", path=path)
    return value


def _closed(keys: tuple[str, ...], parse: Callable[[Any, str], Any], example: str) -> Callable[[Any, str], dict[str, Any]]:
    def read(value: Any, path: str) -> dict[str, Any]:
        found = _mapping(value, path, example)
        for key in found:
            refuse_unknown(key, keys, path)
        return {key: parse(found[key], f"{path}.{key}") for key in keys if key in found}

    return read


def _usage_policy(value: Any, path: str) -> dict[str, tuple[str, ...]]:
    found = _mapping(value, path, "{'forbids': ['legal'], 'requires': ['baa']}")
    for key in found:
        refuse_unknown(key, USAGE_POLICY, path)
    parsers = {"forbids": _forbidden, "requires": _words}
    return {key: words for key in USAGE_POLICY if key in found and (words := parsers[key](found[key], f"{path}.{key}"))}


def _words(value: Any, path: str) -> tuple[str, ...]:
    """One text or several, in lower case, each once, in order."""
    if isinstance(value, str):
        value = (value,)
    if not isinstance(value, (list, tuple, set, frozenset)) or not all(isinstance(v, str) and v.strip() for v in value):
        raise ConfigurationError(f"must be a list of non-empty texts, not {value!r}.", path=path)
    each = sorted(value) if isinstance(value, (set, frozenset)) else value
    return tuple(dict.fromkeys(word.strip().lower() for word in each))


def _languages(value: Any, path: str) -> tuple[str, ...]:
    words = _words(value, path)
    for word in words:
        if not _LANGUAGE.fullmatch(word):
            raise ConfigurationError(f"must be codes of ISO 639 such as 'de', not {word!r}.", path=path)
    return words


def _strengths(value: Any, path: str) -> dict[str, float]:
    found = _mapping(value, path, "{'code': 0.8, 'language:de': 0.7}")
    told = {key.strip().lower(): _share(number, f"{path}.{key}") for key, number in found.items()}
    for key in told:
        check_strength_name(key, path)
    return dict(sorted(told.items()))


def _traits(value: Any, path: str) -> dict[str, str | float | bool]:
    found = _mapping(value, path, "{'tone': 'concise'}")
    for key, each in found.items():
        if not isinstance(each, (str, int, float, bool)) or (isinstance(each, float) and not math.isfinite(each)):
            raise ConfigurationError(f"must be a text, a number, True or False, not {each!r}.", path=f"{path}.{key}")
    return dict(sorted(found.items()))


def _day(value: Any, path: str) -> str:
    """A day as an ISO date; of a month (``2026-03``) its first day, which is surely known."""
    try:
        if isinstance(value, str) and _MONTH.fullmatch(value):
            value = f"{value}-01"
        return (value if isinstance(value, date) else date.fromisoformat(value)).isoformat()[:10]
    except (TypeError, ValueError):
        raise ConfigurationError(f"must be a date such as '2026-03-31', not {value!r}.", path=path) from None


def _forbidden(value: Any, path: str) -> tuple[str, ...]:
    words = _words(value, path)
    for word in words:
        check_kind_of_call(word, path)
    return words


def _last_day(value: Any, path: str) -> str:
    """A day as an ISO date; empty for False, which says that no known day counts."""
    if value is False:
        return ""
    if isinstance(value, str) and _MONTH.fullmatch(value):
        raise ConfigurationError(f"must be a whole date such as '2026-12-31', not {value!r}.", path=path)
    return _day(value, path)


def _place(value: Any, path: str) -> Place:
    if value not in PLACES:
        raise ConfigurationError(f"must be one of {', '.join(PLACES)}, not {value!r}.{nearest(value, PLACES)}", path=path)
    return cast("Place", value)


_PARSERS: dict[str, Callable[[Any, str], Any]] = {
    "quality": _share,
    "strengths": _strengths,
    "knowledge": _day,
    "factuality": _share,
    "agreements": _words,
    "residency": _words,
    "place": _place,
    "languages": _languages,
    "traits": _traits,
    "network": _seconds,
    "prepaid": _closed(PREPAID, _positive, "{'tokens_per_minute': 100_000}"),
    "latency": _closed(LATENCY, _positive, "{'first_content': 0.4, 'tokens_per_second': 80}"),
    "usage_policy": _usage_policy,
    "retires": _last_day,
    "limits": _closed(LIMITS, _whole, "{'requests_per_minute': 500, 'concurrent': 20}"),
}
