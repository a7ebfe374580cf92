"""How a router behaves when things go wrong: switches of a router that a call's hints can turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from routed_llm.errors import ConfigurationError
from routed_llm.hints import Hints
from routed_llm.refusing import nearest

__all__ = ["RETRY_ON", "Hedge", "Hedging", "Resilience", "StreamBreak", "for_call"]

StreamBreak: TypeAlias = Literal["raise", "restart"]

#: answers that came, and do not serve: nothing in it; cut by its length where a schema was asked; no JSON, or none of the
#: schema; arguments that are none of the tool's; refused by the model in its own words or by the provider's filter
RETRY_ON: tuple[str, ...] = ("empty", "cut", "invalid_json", "invalid_tool_calls", "refusal", "content_policy")


class Hedge(NamedTuple):
    """Ask a second deployment when the first is late; the first good answer wins.

    ``after``: seconds until the second is asked; None takes what 95 of 100 calls of the first need, as it was learned: until
    then nobody is asked twice. ``share``: extra calls at most, as a share of all; 0.05 as in Dean and Barroso, "The Tail at
    Scale" (2013).
    """

    after: float | None = None
    share: float = 0.05


Hedging: TypeAlias = "Hedge | Mapping[str, float] | bool | None"


class Resilience(NamedTuple):
    """What is done about faults where users may want one thing or another.

    ``on_stream_break``: a stream that breaks after its first content raises :class:`~routed_llm.errors.StreamBroken`, or
    starts anew with the next deployment, behind a marker. ``hedge``: None asks nobody twice. ``at_most_once``: a request whose
    body has left is never sent again, to nobody. ``retry_on``: which answers count as failures, of :data:`RETRY_ON`.
    """

    on_stream_break: StreamBreak = "raise"
    hedge: Hedge | None = None
    at_most_once: bool = False
    retry_on: tuple[str, ...] = ("empty", "cut", "invalid_json", "invalid_tool_calls")

    @classmethod
    def of(
        cls,
        on_stream_break: str | None = None,
        hedge: Hedging = None,
        at_most_once: bool | None = None,
        retry_on: Iterable[str] | None = None,
    ) -> Resilience:
        """Checked switches; None is the default of each.

        Raises:
            ConfigurationError: for a value that cannot be meant, with the name of the switch.
        """
        given: dict[str, Any] = {}
        if on_stream_break is not None:
            if on_stream_break not in ("raise", "restart"):
                meant = nearest(on_stream_break, ("raise", "restart"))
                told = f"must be 'raise' or 'restart', not {on_stream_break!r}.{meant}"
                raise ConfigurationError(told, path="on_stream_break")
            given["on_stream_break"] = on_stream_break
        if hedge is not None:
            given["hedge"] = _hedge(hedge)
        if at_most_once is not None:
            if not isinstance(at_most_once, bool):
                raise ConfigurationError(f"must be True or False, not {at_most_once!r}.", path="at_most_once")
            given["at_most_once"] = at_most_once
        if retry_on is not None:
            given["retry_on"] = _kinds(retry_on)
        return cls(**given)

    @classmethod
    def checked(cls, resilience: object) -> Resilience:
        """The switches as a router was given them; None are the defaults.

        Raises:
            ConfigurationError: for what are no switches, or a value that cannot be meant, with its name.
        """
        if resilience is None:
            return cls()
        if not isinstance(resilience, Resilience):
            raise ConfigurationError(f"must be Resilience({', '.join(cls._fields)}), not {resilience!r}.", path="resilience")
        try:
            return cls.of(*resilience)
        except ConfigurationError as error:
            raise error.below("resilience") from None


def _hedge(value: Hedging) -> Hedge | None:
    if isinstance(value, bool):
        return Hedge() if value else None
    if isinstance(value, Mapping):
        if unknown := [key for key in value if key not in Hedge._fields]:
            raise ConfigurationError(
                f"takes {' and '.join(Hedge._fields)}, not {unknown[0]!r}.{nearest(unknown[0], Hedge._fields)}", path="hedge"
            )
        value = Hedge(**value)
    if not isinstance(value, Hedge):
        raise ConfigurationError(f"must be True, False, or Hedge(after, share), not {value!r}.", path="hedge")
    if value.after is not None and not (_number(value.after) and value.after > 0):
        raise ConfigurationError(f"must be a number of seconds above zero, not {value.after!r}.", path="hedge.after")
    if not (_number(value.share) and 0 < value.share <= 1):
        raise ConfigurationError(f"must be a share above 0 and at most 1, not {value.share!r}.", path="hedge.share")
    return value


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _kinds(values: Iterable[str]) -> tuple[str, ...]:
    if not isinstance(values, Iterable):
        raise ConfigurationError(f"must be some of {', '.join(RETRY_ON)}, not {values!r}.", path="retry_on")
    found = (values,) if isinstance(values, str) else tuple(values)
    for number, value in enumerate(found):
        if value not in RETRY_ON:
            meant = nearest(value, RETRY_ON)
            raise ConfigurationError(f"must be of {', '.join(RETRY_ON)}, not {value!r}.{meant}", path=f"retry_on[{number}]")
    return found


def for_call(resilience: Resilience, hints: Hints) -> Resilience:
    """The switches of one call: its hints win."""
    if not hints.given:
        return resilience
    if hints.on_stream_break is not None:
        resilience = resilience._replace(on_stream_break=hints.on_stream_break)
    if hints.at_most_once is not None:
        resilience = resilience._replace(at_most_once=hints.at_most_once)
    if hints.hedge is not None:
        resilience = resilience._replace(hedge=(resilience.hedge or Hedge()) if hints.hedge else None)
    return resilience
