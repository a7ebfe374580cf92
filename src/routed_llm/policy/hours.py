"""A time of day as data: ``{"from": "09:00", "to": "17:00", "days": ["monday"], "zone": "Europe/Berlin"}``.

``to`` may lie past midnight; the hours behind it still belong to the day on which they began. What is left out does not limit:
the whole day, every day, and UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import Any

from routed_llm.errors import ConfigurationError
from routed_llm.policy.features.clock import DAYS, zone_of

__all__ = ["in_hours"]

_KEYS = ("from", "to", "days", "zone")


def in_hours(given: Any, path: str) -> tuple[dict[str, Any], Callable[[float], bool]]:
    """The table as plain data, and whether a moment (seconds since 1970, UTC) lies in it.

    Raises:
        ConfigurationError: for an unknown key, no time of day, no day or no zone, with its path.
    """
    if not isinstance(given, Mapping) or not given:
        raise ConfigurationError("must be a table such as {from = '09:00', to = '17:00'}.", path=path)
    for key in given:
        if key not in _KEYS:
            raise ConfigurationError(f"{key!r} is not known here. It takes: {', '.join(_KEYS)}.", path=path)
    begin, end = _time(given.get("from", "00:00"), f"{path}.from"), _time(given.get("to", "00:00"), f"{path}.to")
    zone = zone_of(given.get("zone", "UTC"), f"{path}.zone")
    days = _days(given.get("days", DAYS), f"{path}.days")
    data = {key: value.isoformat() if isinstance(value, time) else value for key, value in given.items()}
    if "days" in given:
        data["days"] = list(days)

    def inside(moment: float) -> bool:
        try:
            local = datetime.fromtimestamp(moment, zone)
        except (ValueError, OverflowError, OSError):  # no clock shows such a time
            return False
        clock, day = local.time(), local.weekday()
        if begin < end:
            return begin <= clock < end and DAYS[day] in days
        # past midnight, or the whole day where both are the same
        return (clock >= begin and DAYS[day] in days) or (clock < end and DAYS[day - 1] in days)

    return data, inside


def _time(given: Any, path: str) -> time:
    try:
        found = given if isinstance(given, time) else time.fromisoformat(given)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{given!r} is no time of day such as '09:00': {error}.", path=path) from None
    if found.tzinfo is not None:
        raise ConfigurationError("say the zone as zone = 'Europe/Berlin', not with the time.", path=path)
    return found


def _days(given: Any, path: str) -> tuple[str, ...]:
    many = (given,) if isinstance(given, str) else given
    if not isinstance(many, (list, tuple)) or not many:
        raise ConfigurationError(f"must be a list of days, not {given!r}.", path=path)
    for day in many:
        if day not in DAYS:
            raise ConfigurationError(f"{day!r} is no day. Days: {', '.join(DAYS)}.", path=path)
    return tuple(many)
