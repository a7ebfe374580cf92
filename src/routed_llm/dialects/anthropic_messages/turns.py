"""Messages of the hub as turns: the system's words at the top, users and assistants in turn, every call with its result."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from routed_llm.dialects.anthropic_messages.content import Block, blocks_of, call_of
from routed_llm.dialects.anthropic_messages.models import takes_beginning, takes_late_system
from routed_llm.dialects.hub import Message, parts_of, spoken
from routed_llm.dialects.wire import Wire

__all__ = ["CALLED_WITHOUT_THOUGHT", "Turns", "begins_with_thought"]

#: what is lost where :func:`begins_with_thought` is False
CALLED_WITHOUT_THOUGHT = "reasoning until the tools' results are answered: the calls were made without it"

_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")
#: said where a turn of the user must stand and nobody said anything
_SILENCE = "."


class Turns:
    """Collects messages; see :meth:`of`.

    ``system`` are blocks, ``turns`` messages of the body. What is lost is noted in ``losses``.
    """

    def __init__(self, wire: Wire, losses: list[str]) -> None:
        self._wire = wire
        self._losses = losses
        self._taken: set[str] = set()
        #: ids of the last answer's calls that have no result yet: as they were given -> as they are written
        self._open: dict[str, str] = {}
        #: the system's words within the conversation: they follow the user's turn, wherever in it they were said
        self._late: list[Block] = []
        self.system: list[Block] = []
        self.turns: list[Message] = []

    @classmethod
    def of(cls, messages: Sequence[Message], wire: Wire, losses: list[str]) -> Turns:
        """The turns of a history; it may have any form, and nothing raises."""
        made = cls(wire, losses)
        for message in messages:
            role = message["role"]
            if message.get("name") and role not in ("tool", "function"):
                losses.append("the name of who speaks")
            if role in ("system", "developer"):
                made._system(message)
            elif role == "assistant":
                made._assistant(message)
            elif role in ("tool", "function"):
                made._result(message)
            else:
                made._user(blocks_of(parts_of(message), wire, losses))
        made._close()
        made._say_late()
        made._tidy()
        return made

    def _system(self, message: Message) -> None:
        """At the top, or within the conversation where the model takes that; what only Anthropic reads always stays there."""
        parts = parts_of(message)
        spoken = [part for part in parts if part["type"] in ("text", "opaque")]
        if len(spoken) < len(parts):
            self._losses.append("media in a system message")
        late = bool(self.turns) and takes_late_system(self._wire.model)
        for part in spoken:
            blocks = blocks_of([part], self._wire, self._losses)
            if late or part["type"] == "opaque":
                self._late += blocks
            else:
                if blocks and self.turns:
                    self._losses.append("the place of a system message: it stands before the conversation")
                self.system += blocks

    def _say_late(self) -> None:
        """The user's turn has ended: the system's words in it follow. Behind an answer they have no place."""
        late, self._late = self._late, []
        if late and self.turns and self.turns[-1]["role"] != "user":
            self._losses.append("the place of a system message: it stands before the conversation")
            self.system += [block for block in late if block["type"] == "text"]
            late = [block for block in late if block["type"] != "text"]
        if late:
            self.turns.append({"role": "system", "content": late})

    def _assistant(self, message: Message) -> None:
        blocks: list[Block] = []
        opened: dict[str, str] = {}
        parts = spoken(parts_of(message), self._losses)
        for part in parts:
            if part["type"] == "tool_call":
                if part["id"] not in opened:
                    opened[part["id"]] = self._new_id(part["id"])
                    blocks.append(call_of(part, opened[part["id"]], self._wire, self._losses))
                else:
                    self._losses.append("a second call under the same id")
            else:
                blocks += blocks_of([part], self._wire, self._losses)
        if not blocks:
            return
        if self.turns and self.turns[-1]["role"] == "assistant" and not self._open and not self._late:
            self.turns[-1]["content"] += blocks
        else:
            self._close()
            self._say_late()
            self.turns.append({"role": "assistant", "content": blocks})
        self._open = opened

    def _result(self, message: Message) -> None:
        """A tool's result, in the user's turn; without its call it is told as a text."""
        given = str(message.get("tool_call_id") or message.get("name") or "")
        parts = parts_of(message)
        unmarked = [{name: value for name, value in part.items() if name != "cache_control"} for part in parts]
        blocks = blocks_of(unmarked, self._wire, self._losses)
        mark = next((part["cache_control"] for part in reversed(parts) if part.get("cache_control")), None)
        call_id = self._open.pop(given, None)
        if call_id is None:
            self._losses.append("the place of a tool's result whose call is not there: sent as a text")
            self._user([{"type": "text", "text": f"Result of the tool call {given}:"}, *blocks])
            return
        block: Block = {"type": "tool_result", "tool_use_id": call_id}
        if blocks:
            block["content"] = blocks
        if message.get("is_error"):
            block["is_error"] = True
        if mark is not None:
            block["cache_control"] = mark
        self._add_results([block])

    def _user(self, blocks: list[Block]) -> None:
        if blocks:
            self._users_turn()["content"] += blocks

    def _users_turn(self) -> Message:
        if not self.turns or self.turns[-1]["role"] != "user":
            self.turns.append({"role": "user", "content": []})
        return self.turns[-1]

    def _add_results(self, blocks: Iterable[Block]) -> None:
        """Results stand before all else in their turn (Claude documentation, handling tool calls)."""
        content = self._users_turn()["content"]
        at = next((n for n, block in enumerate(content) if block["type"] != "tool_result"), len(content))
        content[at:at] = blocks

    def _close(self) -> None:
        """Calls that have no result get one: without it the whole history is refused."""
        if self._open:
            self._losses.append("a tool call without a result: sent with an empty one")
            missing = [
                {"type": "tool_result", "tool_use_id": call_id, "content": "No result.", "is_error": True}
                for call_id in self._open.values()
            ]
            self._open = {}
            self._add_results(missing)

    def _new_id(self, given: str) -> str:
        """An id of the form that is taken, and that no call before it has."""
        plain = _NOT_IN_IDS.sub("_", given)[:64] or "call"
        found, number = plain, 1
        while found in self._taken:
            number += 1
            found = f"{plain[:56]}_{number}"
        self._taken.add(found)
        return found

    def _tidy(self) -> None:
        """The user speaks first, and a last word of the assistant ends without white space."""
        if not self.turns or self.turns[0]["role"] != "user":
            self._losses.append("the beginning: a conversation has to begin with the user, so a full stop stands there")
            self.turns.insert(0, {"role": "user", "content": [{"type": "text", "text": _SILENCE}]})
        content = self.turns[-1]["content"] if self.turns[-1]["role"] == "assistant" else []
        if any(block["type"] == "server_tool_use" for block in content):
            return  # a turn that was paused goes on
        if content and not takes_beginning(self._wire.model):
            self._losses.append(
                "the beginning of the answer, which the model does not take: a full stop of the user follows it"
            )
            self.turns.append({"role": "user", "content": [{"type": "text", "text": _SILENCE}]})
        elif content and content[-1]["type"] == "text":
            content[-1]["text"] = content[-1]["text"].rstrip()


def begins_with_thought(turns: Sequence[Message]) -> bool:
    """Whether the answer of a running tool loop begins with a thought, as a budget to think with demands; True without one."""
    for turn in reversed(turns):
        if turn["role"] == "user":
            if not any(block["type"] == "tool_result" for block in turn["content"]):
                return True
        elif turn["role"] == "assistant":
            return any(b["type"] in ("thinking", "redacted_thinking") for b in turn["content"][:1])
    return True
