"""Which result belongs to which call of a history, for dialects that want all results of a turn right behind it, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from routed_llm.dialects.hub import Message, parts_of

__all__ = ["RESULT_ROLES", "Call", "Pairs"]

RESULT_ROLES = frozenset({"tool", "function"})


class Call(NamedTuple):
    """A call in the history: an id that no other call has, its name, and the message with its result, if there is one."""

    id: str
    name: str
    result: Message | None


class Pairs:
    """The calls of a history.

    Args:
        messages: in the hub's form.

    Attributes:
        orphans: results without a call.
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        self._calls: dict[int, list[Call]] = {}
        self.orphans = 0
        #: (message, place among its calls) -> name and id of the calls that wait for a result, in their order
        waiting: dict[tuple[int, int], tuple[str, str]] = {}
        used: set[str] = set()
        for number, message in enumerate(messages):
            if message["role"] == "assistant":
                told = [part for part in parts_of(message) if part["type"] == "tool_call"]
                self._calls[number] = [Call(_unique(part["id"], used), part["name"], None) for part in told]
                waiting |= {(number, place): (part["id"], part["name"]) for place, part in enumerate(told)}
            elif message["role"] in RESULT_ROLES:
                place = _answered(message, waiting)
                if place is None:
                    self.orphans += 1
                else:
                    del waiting[place]
                    self._calls[place[0]][place[1]] = self._calls[place[0]][place[1]]._replace(result=message)

    def of(self, number: int) -> list[Call]:
        """The calls of a message, by its place in the history."""
        return self._calls.get(number, [])


def _unique(call_id: str, used: set[str]) -> str:
    """An id that is not used yet: some providers give the same ones again in each answer."""
    unique, again = call_id, 1
    while unique in used:
        again += 1
        unique = f"{call_id}_{again}"
    if unique:
        used.add(unique)
    return unique


def _answered(message: Message, waiting: dict[tuple[int, int], tuple[str, str]]) -> tuple[int, int] | None:
    """The call that a result answers: the first of its id in the last message that has such; by its name where it has no id."""
    call_id, name = message.get("tool_call_id"), message.get("name")
    fitting = [place for place, (its_id, its_name) in waiting.items() if (its_id == call_id if call_id else its_name == name)]
    last = max((place[0] for place in fitting), default=0)
    return next((place for place in fitting if place[0] == last), None)
