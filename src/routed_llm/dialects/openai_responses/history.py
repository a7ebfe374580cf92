"""Messages of the hub as input items: instructions first, answers item by item, every call with its result."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.dialects.hub import Message, Part, parts_of
from routed_llm.dialects.openai_chat.calls import word
from routed_llm.dialects.openai_responses.items import ACTIONS, LOST, Item, custom_input, media_content
from routed_llm.dialects.pairs import RESULT_ROLES, Call, Pairs
from routed_llm.dialects.wire import Wire

__all__ = ["History"]

_SYSTEM = frozenset({"system", "developer"})
#: characters of a call's id (OpenAI API reference, Responses)
_LONGEST_ID = 64
_NO_RESULT = "No result."


class History:
    """Writes one history for one model.

    Args:
        wire: the model.
        losses: what it does not get is noted here.
        custom: names of the custom tools, whose input is a free text.
        stored: whether the conversation so far is kept by the provider: results may then stand without their calls.
        looks_up: whether the provider may know items by their ids alone.
    """

    def __init__(
        self,
        wire: Wire,
        losses: list[str],
        *,
        custom: frozenset[str] = frozenset(),
        stored: bool = False,
        looks_up: bool = False,
    ) -> None:
        self._wire = wire
        self._losses = losses
        self._custom = custom
        self._stored = stored
        self._looks_up = looks_up
        self.instructions: str | None = None
        self.items: list[Item] = []

    def write(self, messages: Sequence[Message]) -> None:
        """Put the messages into ``instructions`` and ``items``; they may have any form, and nothing raises."""
        if messages and messages[0]["role"] in _SYSTEM:
            self.instructions = self._system_text(messages[0])
            messages = messages[1:]
        pairs = Pairs(messages)
        answered = {id(call.result) for number in range(len(messages)) for call in pairs.of(number)}
        for number, message in enumerate(messages):
            role = message["role"]
            if role == "assistant":
                self._assistant(message, number, pairs.of(number))
            elif role in _SYSTEM:
                if text := self._system_text(message):
                    self.items.append({"role": self._wire.system_role, "content": text})
            elif role not in RESULT_ROLES:
                self._user(message)
            elif id(message) not in answered:
                self._orphan(message)
        self._drop_unanswered()
        self._drop_loose_reasoning()

    def _system_text(self, message: Message) -> str:
        parts = parts_of(message)
        if any(part["type"] != "text" for part in parts):
            self._losses.append("what is no text in a system message")
        if any(part.get("cache_control") for part in parts):
            self._losses.append("a cache point")
        return "\n\n".join(part["text"] for part in parts if part["type"] == "text" and part.get("text"))

    def _user(self, message: Message) -> None:
        if message.get("name"):
            self._losses.append("the name of who speaks")
        if not self._holds_items_only(message):
            self.items.append({"role": "user", "content": self._given(message)})

    def _holds_items_only(self, message: Message) -> bool:
        """Write the items in what the user or a tool gives; whether there is nothing else."""
        parts = message.get("parts") or ()
        items = [part for part in parts if _is_item(part)]
        for part in items:
            self._own(part)
        return 0 < len(items) == len(parts)

    def _given(self, message: Message) -> str | list[Item]:
        """What the user or a tool says: a text, or a list where it holds more."""
        if "parts" not in message and isinstance(message.get("content"), str):
            return str(message["content"])
        parts = [part for part in parts_of(message) if not _is_item(part)]
        return media_content(parts, self._wire.maker, self._losses) or ""

    def _assistant(self, message: Message, number: int, calls: Sequence[Call]) -> None:
        """An answer's items in their order, and behind them what its calls gave."""
        following = iter(calls)
        results: list[Item] = []
        said: list[Part] = []
        for part in parts_of(message):
            if part["type"] == "text" and not (said and _starts_another(said[-1], part)):
                said.append(part)
                continue
            self._say(said)
            said = [part] if part["type"] == "text" else []
            if part["type"] == "tool_call":
                call = next(following)
                call_id = _fitting(call.id) or f"call_{number}_{len(results)}"
                self.items.append(self._call(part, call, call_id))
                results.append(self._result(call, call_id))
            elif not said:
                self._own(part)
        self._say(said)
        self.items += results

    def _say(self, said: list[Part]) -> None:
        """The texts of one message."""
        if not said or not any(part.get("text") for part in said):
            return
        told = [self._text(part) for part in said]
        beside = self._beside(said[0])
        if not beside and len(told) == 1 and told[0].keys() == {"type", "text"}:
            self.items.append({"role": "assistant", "content": told[0]["text"]})
        else:
            self.items.append({"type": "message", "role": "assistant", "content": told, **beside})

    def _text(self, part: Part) -> Item:
        if part.get("cache_control"):
            self._losses.append("a cache point")
        mine = part.get("origin") == self._wire.maker
        if part.get("refusal") and mine:
            return {"type": "refusal", "refusal": part["text"]}
        told: Item = {"type": "output_text", "text": part["text"]}
        if part.get("citations"):
            if mine:
                told["annotations"] = list(part["citations"])
            else:
                self._losses.append("citations of an earlier turn")
        if part.get("signature"):
            self._losses.append("a signature of an earlier turn")
        return told

    def _beside(self, part: Part) -> dict[str, Any]:
        """The id and the like of an item, for its maker only; others do without."""
        item = part.get("item")
        return dict(item) if isinstance(item, Mapping) and part.get("origin") == self._wire.maker else {}

    def _call(self, part: Part, call: Call, call_id: str) -> Item:
        if part.get("signature"):
            self._losses.append("a signature of an earlier turn")
        told: Item = {**self._beside(part), "call_id": call_id, "name": call.name}
        if call.name in self._custom:
            return {"type": "custom_tool_call", **told, "input": custom_input(part["arguments"])}
        return {"type": "function_call", **told, "arguments": part["arguments"] or "{}"}

    def _result(self, call: Call, call_id: str) -> Item:
        """What a call gave; one without a result gets one: without it the whole history is refused (OpenAI)."""
        kind = "custom_tool_call_output" if call.name in self._custom else "function_call_output"
        if call.result is None:
            self._losses.append("a tool call without a result: sent with an empty one")
            return {"type": kind, "call_id": call_id, "output": _NO_RESULT}
        if call.result.get("is_error"):
            self._losses.append("the error flag of a tool's result")
        return {"type": kind, "call_id": call_id, "output": self._given(call.result)}

    def _orphan(self, message: Message) -> None:
        """A result without its call: the provider has that, or it is told as the user's words."""
        if self._holds_items_only(message):
            return
        given = str(message.get("tool_call_id") or message.get("name") or "")
        output = self._given(message)
        if self._stored and given:
            kind = "custom_tool_call_output" if message.get("name") in self._custom else "function_call_output"
            self.items.append({"type": kind, "call_id": given, "output": output})
            return
        self._losses.append("the place of a tool's result whose call is not there: sent as a text")
        told = [{"type": "input_text", "text": output}] if isinstance(output, str) else output
        heading = {"type": "input_text", "text": f"Result of the tool call {given}:"}
        self.items.append({"role": "user", "content": [heading, *told]})

    def _own(self, part: Part) -> None:
        """What only its maker reads; anything else has no place in an answer."""
        kind = part["type"]
        data = part.get("data")
        if part.get("origin") != self._wire.maker or not isinstance(data, Mapping) or not word(data.get("type")):
            self._losses.append(LOST.get(kind, "media of an earlier answer"))
        elif kind == "reasoning" and not self._takes(data):
            self._losses.append(LOST[kind])
        else:
            self.items.append({name: value for name, value in data.items() if value is not None})

    def _takes(self, reasoning: Mapping[str, Any]) -> bool:
        """Whether the model can read a reasoning item: encrypted, told in words, or known by its id.

        Models that do not reason refuse all of them; an id alone is known only where answers are stored (OpenAI documentation,
        reasoning models).
        """
        if self._wire.quirks.get("reasoning") is False:
            return False
        return bool(reasoning.get("encrypted_content") or reasoning.get("content")) or self._looks_up

    def _drop_unanswered(self) -> None:
        """Calls of built-in tools that the caller did not carry out; with them the whole history is refused."""
        if self._stored or not any(item.get("type") in ACTIONS for item in self.items):
            return
        outputs = (item for item in self.items if str(item.get("type")).endswith(("_output", "_response")))
        answered = {word(item.get("call_id") or item.get("approval_request_id")) for item in outputs}
        kept = [item for item in self.items if item.get("type") not in ACTIONS or _asked(item) in answered]
        self._losses += ["a call of a built-in tool without its result"] * (len(self.items) - len(kept))
        self.items = kept

    def _drop_loose_reasoning(self) -> None:
        """Reasoning of which the answer was left out is refused (recorded: "provided without its required following item")."""
        kept: list[Item] = []
        for item in reversed(self.items):
            if item.get("type") == "reasoning" and not (kept and _is_answer(kept[-1])):
                self._losses.append(LOST["reasoning"])
            else:
                kept.append(item)
        self.items = kept[::-1]


def _starts_another(before: Part, part: Part) -> bool:
    """Whether a text begins another message than the one before."""
    return bool(before.get("item") != part.get("item"))


def _is_item(part: Part) -> bool:
    """Whether a part is an item by itself, such as the result of a built-in tool, and no piece of content."""
    data = part.get("data") if part["type"] == "opaque" else None
    return isinstance(data, Mapping) and not str(data.get("type") or "input_").startswith("input_")


def _asked(item: Item) -> str:
    """What the result of a built-in tool's call names."""
    return word(item.get("call_id") or item.get("id"))


def _is_answer(item: Mapping[str, Any]) -> bool:
    """Whether an item belongs to an answer."""
    kind = str(item.get("type") or "message")
    return item.get("role") == "assistant" or kind == "reasoning" or (kind != "message" and not kind.endswith("_output"))


def _fitting(call_id: str) -> str:
    """An id of the length that is taken; the same for the same."""
    if len(call_id) <= _LONGEST_ID:
        return call_id
    return f"{call_id[:40]}_{hashlib.sha256(call_id.encode()).hexdigest()[:20]}"
