"""Where a router's prices come from, beside what its models say and what the package knows."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from routed_llm.errors import ConfigurationError
from routed_llm.providers.downloads import is_url, shown_source
from routed_llm.refusing import refuse_unknown

__all__ = ["VARIABLE", "Prices", "seconds_of"]

#: names the file for routers that say nothing of prices
VARIABLE = "ROUTED_LLM_PRICES"
#: a list is not asked for more often, in seconds
SOONEST = 60.0
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")


def seconds_of(given: Any, path: str) -> float:
    """A time as users write it, such as ``"1h"`` or a number of seconds, in seconds.

    Raises:
        ConfigurationError: for what is none, and for less than a minute.
    """
    if isinstance(given, str) and (found := _TIME.fullmatch(given.strip())):
        given = float(found[1]) * _UNITS[found[2]]
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not SOONEST <= given <= 366 * 86_400:
        told = "must be a time such as '30m', '1h' or '1d', or seconds, of at least a minute and at most a year"
        raise ConfigurationError(f"{told}, not {given!r}.", path=path)
    return float(given)


@dataclass(frozen=True)
class Prices:
    """Where prices and windows come from. What a user says of a model stays, whatever a list tells.

    Args:
        file: a list of prices as ``routed-llm models refresh`` writes it; it goes before what the package knows. Where a
            ``source`` is named, too, the last good list is kept there, and the file need not be there at first.
        source: where newer lists are had while the router works: ``https://...``, a path, or ``env:NAME`` for an address that
            holds a secret. None asks nobody.
        refresh: how often, such as ``"1h"``, or seconds; by default once a day.
        timeout: seconds that one try may take.

    Raises:
        ConfigurationError: for what cannot be meant.

    Example:
        >>> from routed_llm.pricing.settings import Prices
        >>> Prices(source="https://example.com/models.json", refresh="1h").every
        3600.0
    """

    file: str | os.PathLike[str] | None = None
    source: str | os.PathLike[str] | None = None
    refresh: str | float = "1d"
    timeout: float = 10.0

    def __post_init__(self) -> None:
        for name in ("file", "source"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, (str, os.PathLike)) and os.fspath(value)):
                raise ConfigurationError(
                    f"must be a path{' or a URL' * (name == 'source')}, not {value!r}.", path=f"prices.{name}"
                )
        if isinstance(self.file, str) and is_url(self.file):
            raise ConfigurationError("must be a path: a URL is a source.", path="prices.file")
        if self.file is None and self.source is None:
            raise ConfigurationError("name a file, a source, or both.", path="prices")
        if self.source is None and self.refresh != "1d":
            raise ConfigurationError("needs a source from which newer prices are had.", path="prices.refresh")
        seconds_of(self.refresh, "prices.refresh")
        if self.source is not None:
            scheme, found, _ = self.address.partition("://")
            if found and scheme not in ("http", "https", "file"):
                raise ConfigurationError(
                    f"must be http://, https://, file:// or a path, not {scheme}://.", path="prices.source"
                )
        late = isinstance(self.timeout, bool) or not isinstance(self.timeout, (int, float)) or not 0 < self.timeout <= 600
        if late:
            raise ConfigurationError(f"must be seconds from above 0 to 600, not {self.timeout!r}.", path="prices.timeout")

    @property
    def every(self) -> float:
        """Seconds between two tries."""
        return seconds_of(self.refresh, "prices.refresh")

    @property
    def address(self) -> str:
        """Where lists are had: the source, else the file.

        Raises:
            ConfigurationError: where it is in a variable that is not set.
        """
        told = self._told
        if not told.startswith("env:"):
            return told
        found = os.environ.get(told.removeprefix("env:"))
        if not found:
            raise ConfigurationError(f"the variable {told.removeprefix('env:')!r} is not set.", path="prices.source")
        return found

    @property
    def _told(self) -> str:
        return os.fspath(self.file if self.source is None else self.source)  # type: ignore[arg-type]  # one is named

    @property
    def shown(self) -> str:
        """Where lists come from, without secrets: of an address in a variable, the variable."""
        told = self._told
        return told if told.startswith("env:") else shown_source(told)

    @property
    def path(self) -> Path | None:
        """The file."""
        return None if self.file is None else Path(self.file).expanduser()

    @classmethod
    def of(cls, given: Any) -> Prices | None:
        """What the argument ``prices`` of a router means: one of these, a table of the same, or a path.

        None takes the file that ``ROUTED_LLM_PRICES`` names, if it names one.

        Raises:
            ConfigurationError: for what cannot be meant.
        """
        if given is None:
            named = os.environ.get(VARIABLE)
            return cls(named) if named else None
        if isinstance(given, (str, os.PathLike)):
            return cls(source=given) if isinstance(given, str) and is_url(given) else cls(given)
        if isinstance(given, Mapping):
            for key in given:
                refuse_unknown(key, tuple(cls.__dataclass_fields__), "prices")
            return cls(**given)
        if not isinstance(given, cls):
            raise ConfigurationError(f"must be Prices(...), a table or a path, not {given!r}.", path="prices")
        return given

    def __repr__(self) -> str:
        source = None if self.source is None else self.shown
        return f"Prices(file={self.file!r}, source={source!r}, refresh={self.refresh!r})"
