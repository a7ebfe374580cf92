"""Hour and day of the week."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from routed_llm.driver import Driver
from routed_llm.errors import ConfigurationError
from routed_llm.requests import Request

__all__ = ["DAYS", "Clock", "zone_of"]

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def zone_of(name: Any, path: str) -> ZoneInfo:
    """A time zone by its name in the IANA data base, such as ``Europe/Berlin``.

    Raises:
        ConfigurationError: for a name that is not there.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, TypeError, KeyError, OSError, AttributeError) as error:
        raise ConfigurationError(f"{name!r} is no time zone such as 'Europe/Berlin': {error}.", path=path) from None


class Clock:
    """Facts ``hour`` (0 to 23) and ``weekday`` (``monday`` to ``sunday``) of the moment of the call.

    Args:
        zone: the time zone.

    Raises:
        ConfigurationError: for a zone that does not exist.
    """

    name = "clock"
    gives = ("hour", "weekday")

    def __init__(self, zone: str = "UTC") -> None:
        self.zone = zone
        self._zone = zone_of(zone, "zone")

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Look at the clock."""
        moment = datetime.fromtimestamp(driver.wall(), self._zone)
        return {"hour": moment.hour, "weekday": DAYS[moment.weekday()]}
