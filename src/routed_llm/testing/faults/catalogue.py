"""All faults by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from routed_llm.refusing import nearest
from routed_llm.testing.faults.bodies import BODIES
from routed_llm.testing.faults.connections import CONNECTIONS
from routed_llm.testing.faults.contents import CONTENTS
from routed_llm.testing.faults.fault import Fault
from routed_llm.testing.faults.statuses import STATUSES
from routed_llm.testing.faults.streams import STREAMS
from routed_llm.testing.faults.tool_calls import TOOL_FAULTS

__all__ = ["FAULTS", "Named", "found", "select"]

#: name -> fault
FAULTS: Mapping[str, Fault] = MappingProxyType(
    {fault.name: fault for group in (CONNECTIONS, BODIES, CONTENTS, STATUSES, STREAMS, TOOL_FAULTS) for fault in group}
)

#: a fault of your own, or a name of :data:`FAULTS`
Named: TypeAlias = Fault | str


def found(fault: Named) -> Fault:
    """The fault of a name.

    Raises:
        ValueError: for a name that the catalogue does not have.
    """
    if isinstance(fault, Fault):
        return fault
    if fault not in FAULTS:
        raise ValueError(
            f"there is no fault {fault!r}.{nearest(fault, list(FAULTS), cutoff=0.4)} See routed_llm.testing.faults.FAULTS."
        )
    return FAULTS[fault]


def select(
    *,
    mode: str | None = None,
    reaction: str | None = None,
    strikes: str | None = None,
    stalls: bool | None = None,
    rows: tuple[int, ...] | None = None,
) -> list[Fault]:
    """The faults of the catalogue that fit everything that is said.

    Args:
        mode: ``unary``, ``stream``, or one of ``invoke``, ``ainvoke``, ``stream``, ``astream``.
        reaction: what should come of it; see :class:`Fault`.
        strikes: ``before`` or ``after`` the first content, or ``never``.
        stalls: whether only a clock notices it.
        rows: rows of the table of faults.
    """
    return [
        fault
        for fault in FAULTS.values()
        if (mode is None or fault.applies_to(mode))
        and (reaction is None or fault.reaction == reaction)
        and (strikes is None or fault.strikes == strikes)
        and (stalls is None or fault.stalls == stalls)
        and (rows is None or not set(rows).isdisjoint(fault.rows))
    ]
