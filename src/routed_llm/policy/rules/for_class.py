"""What a class of sensitive data demands of whoever answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.errors import ConfigurationError
from routed_llm.policy.shapes import Demands, Effects
from routed_llm.refusing import nearest
from routed_llm.requests import Ask

__all__ = ["ForClass", "demands_from"]

_LINES = ("private", "agreements", "region", "models")


class ForClass:
    """Demands for calls that hold a class of sensitive data, and for those of which that is not known.

    The demands hold for every attempt, fallbacks included, and for the policies that ``First`` would ask next.

    Args:
        sensitivity: the class, such as ``health``; None stands for every class that is not among ``others``.
        demands: a table whose lines must all hold: ``private = true`` (marked private, or on this machine), ``agreements``
            (all of these), ``region`` (in one of these), ``models`` (one of these models, aliases, providers or tags); or a
            list of such tables, one of which must hold.
        others: classes that have rules of their own.

    Raises:
        ConfigurationError: for demands that cannot be meant, or that demand nothing.
    """

    reads = ("sensitivity",)

    def __init__(
        self,
        sensitivity: str | None,
        demands: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        others: Sequence[str] = (),
    ) -> None:
        self.sensitivity = sensitivity
        self.demands = demands
        self.others = tuple(others)
        self.name = f"{sensitivity} data" if sensitivity else "other sensitive data"
        found, told = demands_from(demands)
        self._effects = Effects(found._replace(firm=True), advice=self._advice(told))
        #: checked against the router's models when the router is made
        self.names = (*found.allow, *(name for each in found.either for name in each.allow))

    @property
    def effects(self) -> Effects:
        """What it does where it holds."""
        return self._effects

    def apply(self, ask: Ask) -> Effects | None:
        """The demands, where the call holds the class, or where nobody found out whether it does."""
        classes = ask.facts.get("sensitivity")
        if classes is None:
            return self._effects
        held = (classes,) if isinstance(classes, str) else tuple(classes)
        holds = any(each not in self.others for each in held) if self.sensitivity is None else self.sensitivity in held
        return self._effects if holds else None

    def _advice(self, told: str) -> str:
        what = f"{self.sensitivity} data" if self.sensitivity else "sensitive data"
        return (
            f"The call holds {what}, or nobody found out whether it does: add a model that is {told}, "
            "or say routing={'sensitivity': [...]} where the detectors are wrong"
        )


def demands_from(given: Any) -> tuple[Demands, str]:
    """Demands of a table or of a list of tables, and the same in words.

    Raises:
        ConfigurationError: for anything else; paths begin at the table.
    """
    if isinstance(given, Mapping):
        return _all_of(given, None)
    if not isinstance(given, (list, tuple)) or not given:
        raise ConfigurationError(
            f"must be a table such as {{'agreements': ['baa']}}, or a list of tables one of which must hold, not {given!r}."
        )
    found = [_all_of(each, f"[{number}]") for number, each in enumerate(given)]
    if len(found) == 1:
        return found[0]
    return Demands(either=tuple(demands for demands, _ in found)), " or ".join(told for _, told in found)


def _all_of(table: Any, path: str | None) -> tuple[Demands, str]:
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"must be a table such as {{'private': True}}, not {table!r}.", path=path)
    for key in table:
        if key not in _LINES:
            meant = nearest(key, _LINES)
            raise ConfigurationError(f"is not known here.{meant} It takes: {', '.join(_LINES)}.", path=_below(path, key))
    private = table.get("private", False)
    if not isinstance(private, bool):
        raise ConfigurationError(f"must be true or false, not {private!r}.", path=_below(path, "private"))
    agreements, region, models = (_texts(table, key, path) for key in _LINES[1:])
    if not (private or agreements or region or models):
        raise ConfigurationError(f"demands nothing: say {', '.join(_LINES[:-1])} or {_LINES[-1]}.", path=path)
    told = [
        *(["marked private (or on this machine)"] if private else []),
        *([f"known to have {' and '.join(agreements)}"] if agreements else []),
        *([f"in {' or '.join(region)}"] if region else []),
        *([f"one of {', '.join(models)}"] if models else []),
    ]
    lowered = tuple(name.lower() for name in agreements)
    return Demands(allow=models, agreements=lowered, private=private, region=region), " and ".join(told)


def _texts(table: Mapping[str, Any], key: str, path: str | None) -> tuple[str, ...]:
    given = table.get(key, ())
    many = (given,) if isinstance(given, str) else given
    if not isinstance(many, (list, tuple, set, frozenset)) or not all(isinstance(each, str) and each for each in many):
        raise ConfigurationError(f"must be a text or a list of texts, not {given!r}.", path=_below(path, key))
    return tuple(many)


def _below(path: str | None, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)
