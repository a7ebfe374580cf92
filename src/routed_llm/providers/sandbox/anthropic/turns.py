"""Messages of the Messages API: roles, blocks, pairs of calls and results, signed thoughts; as messages of chat."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from routed_llm.providers.sandbox.anthropic.blocks import media_of_block, source_of_block
from routed_llm.providers.sandbox.anthropic.marks import mark_of
from routed_llm.providers.sandbox.checks import need, need_choice, need_list, need_object, need_text, only
from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.replies import Refusal
from routed_llm.providers.sandbox.seals import Seals

__all__ = ["Turns"]

#: role -> type of a block -> its keys
_BLOCKS: dict[str, dict[str, set[str]]] = {
    "user": {
        "text": {"type", "text", "cache_control", "citations"},
        "image": {"type", "source", "cache_control"},
        "document": {"type", "source", "title", "context", "citations", "cache_control"},
        "search_result": {"type", "source", "title", "content", "citations", "cache_control"},
        "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control"},
    },
    "assistant": {
        "text": {"type", "text", "cache_control", "citations"},
        "thinking": {"type", "thinking", "signature"},
        "redacted_thinking": {"type", "data"},
        "tool_use": {"type", "id", "name", "input", "cache_control", "caller"},
    },
}
_THOUGHTS = ("thinking", "redacted_thinking")
_ID = re.compile(r"^[a-zA-Z0-9_-]+$")
_TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,128}$")

Block = dict[str, Any]


class Turns:
    """Reads the messages of one body.

    Args:
        body: with ``messages`` and perhaps ``system``.
        model: that is asked.
        seals: that signed its thoughts.
        thinking: whether it is to think.

    Attributes:
        messages: what was said, as chat completions have it.
        called: names of the tools that were called.
        cached_until: how many of ``messages`` the last cache mark covers; -1 without one.
        cached_long: whether that mark asks for an hour.
    """

    def __init__(self, body: Mapping[str, Any], model: SandboxModel, seals: Seals, *, thinking: bool) -> None:
        self._body = body
        self._model = model
        self._seals = seals
        self._thinking = thinking
        self.messages: list[dict[str, Any]] = []
        self.called: list[str] = []
        self.cached_until = -1
        self.cached_long = False

    def read(self) -> Turns:
        """Check all of them.

        Raises:
            Refusal: naming the first thing that is wrong.
        """
        self._system()
        given = need_list(self._body["messages"], "messages")
        if not given:
            raise Refusal("messages: at least one message is required", exact=True)
        turns = [self._turn(message, f"messages[{index}]") for index, message in enumerate(given)]
        self._roles(turns)
        self._pairs(turns)
        self._ending(turns)
        if self._thinking:
            self._begins_with_thought(turns)
        for index, (role, blocks) in enumerate(turns):
            (self._user if role == "user" else self._assistant)(blocks, f"messages[{index}].content")
        mark = mark_of(self._body, "")
        if mark is not None:
            self._mark(mark)
        return self

    def _system(self) -> None:
        system = self._body.get("system")
        if system is None:
            return
        blocks = self._blocks(system, "system", {"text": _BLOCKS["user"]["text"]})
        self.messages.append({"role": "system", "content": "\n".join(block["text"] for block in blocks)})
        self._note_marks(blocks, "system")

    def _turn(self, value: Any, path: str) -> tuple[str, list[Block]]:
        message = need_object(value, path)
        only(message, {"role", "content"}, path)
        role = need_choice(need(message, "role", path), f"{path}.role", ("user", "assistant"))
        return role, self._blocks(need(message, "content", path), f"{path}.content", _BLOCKS[role])

    def _blocks(self, content: Any, path: str, allowed: Mapping[str, set[str]]) -> list[Block]:
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        blocks = [need_object(block, f"{path}[{index}]") for index, block in enumerate(need_list(content, path))]
        if not blocks:
            raise Refusal(f"{_dotted(path)}: must have non-empty content", exact=True)
        for index, block in enumerate(blocks):
            here = f"{path}[{index}]"
            kind = need_choice(need(block, "type", here), f"{here}.type", tuple(allowed))
            only(block, allowed[kind], here)
            self._block(block, kind, here)
        return blocks

    def _block(self, block: Block, kind: str, path: str) -> None:
        if kind == "text":
            if not need_text(need(block, "text", path), f"{path}.text"):
                raise Refusal("messages: text content blocks must be non-empty", exact=True)
            if not block["text"].strip():
                raise Refusal("messages: text content blocks must contain non-whitespace text", exact=True)
        elif kind == "thinking":
            thought = need_text(need(block, "thinking", path), f"{path}.thinking")
            signature = need_text(need(block, "signature", path), f"{path}.signature")
            if not self._seals.holds(signature, "thinking", thought):
                raise Refusal(f"{_dotted(path)}: Invalid `signature` in `thinking` block", exact=True)
        elif kind == "redacted_thinking":  # none of these models ever makes one
            raise Refusal(f"{_dotted(path)}: Invalid `data` in `redacted_thinking` block", exact=True)
        elif kind == "tool_use":
            self._call(block, path)
        elif kind == "tool_result":
            need_text(need(block, "tool_use_id", path), f"{path}.tool_use_id")
            if not isinstance(block.get("is_error", False), bool):
                raise Refusal(f"{_dotted(path)}.is_error: Input should be a valid boolean", exact=True)
            if block.get("content") not in (None, "", []):
                inner = {kind: keys for kind, keys in _BLOCKS["user"].items() if kind != "tool_result"}
                self._blocks(block["content"], f"{path}.content", inner)
        mark_of(block, path)

    def _call(self, block: Block, path: str) -> None:
        call_id = need_text(need(block, "id", path), f"{path}.id")
        if not _ID.match(call_id):
            raise Refusal(f"{_dotted(path)}.tool_use.id: String should match pattern '{_ID.pattern}'", exact=True)
        name = need_text(need(block, "name", path), f"{path}.name")
        if not _TOOL_NAME.match(name):
            raise Refusal(f"{_dotted(path)}.tool_use.name: String should match pattern '{_TOOL_NAME.pattern}'", exact=True)
        need_object(need(block, "input", path), f"{path}.input")
        self.called.append(name)

    def _roles(self, turns: list[tuple[str, list[Block]]]) -> None:
        if turns[0][0] != "user":
            raise Refusal('messages: first message must use the "user" role', exact=True)
        for (role, _), (following, _) in pairwise(turns):
            if role == following:
                raise Refusal(
                    'messages: roles must alternate between "user" and "assistant", but found multiple '
                    f'"{role}" roles in a row',
                    exact=True,
                )

    def _pairs(self, turns: list[tuple[str, list[Block]]]) -> None:
        """Every call has its result at the beginning of the next turn, and every result its call."""
        seen: set[str] = set()
        for index, (_, blocks) in enumerate(turns):
            before = [] if index == 0 else [block["id"] for block in turns[index - 1][1] if block["type"] == "tool_use"]
            self._results(blocks, before, index)
            calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
            following = turns[index + 1][1] if index + 1 < len(turns) else []
            first = [block["tool_use_id"] for block in following[: len(calls)] if block["type"] == "tool_result"]
            if missing := [call for call in calls if call not in first]:
                raise Refusal(
                    f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                    f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the next "
                    "message.",
                    exact=True,
                )
            if len(set(calls)) < len(calls) or seen.intersection(calls):
                raise Refusal("messages: `tool_use` ids must be unique", exact=True)
            seen.update(calls)

    def _results(self, blocks: list[Block], before: list[str], index: int) -> None:
        answered: set[str] = set()
        for place, block in enumerate(blocks):
            if block["type"] != "tool_result":
                continue
            call = block["tool_use_id"]
            if call not in before:
                raise Refusal(
                    f"messages.{index}.content.{place}: unexpected `tool_use_id` found in `tool_result` blocks: {call}. Each "
                    "`tool_result` block must have a corresponding `tool_use` block in the previous message.",
                    exact=True,
                )
            if call in answered:
                raise Refusal(
                    f"messages.{index}.content.{place}: each tool_use must have a single result. Found multiple "
                    f"`tool_result` blocks with id: {call}",
                    exact=True,
                )
            answered.add(call)

    def _ending(self, turns: list[tuple[str, list[Block]]]) -> None:
        role, blocks = turns[-1]
        if role == "assistant" and blocks[-1]["type"] == "text" and blocks[-1]["text"] != blocks[-1]["text"].rstrip():
            raise Refusal("messages: final assistant content cannot end with trailing whitespace", exact=True)
        if role == "assistant" and blocks[-1]["type"] in _THOUGHTS:
            raise Refusal("messages: The final block in an assistant message cannot be `thinking`.", exact=True)

    def _begins_with_thought(self, turns: list[tuple[str, list[Block]]]) -> None:
        """The answers of a running tool loop begin with a thought."""
        for index in reversed(range(len(turns))):
            role, blocks = turns[index]
            if role == "user" and not any(block["type"] == "tool_result" for block in blocks):
                return
            if role == "assistant":
                if blocks[0]["type"] not in _THOUGHTS:
                    raise Refusal(
                        f"messages.{index}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
                        f"`{blocks[0]['type']}`. When `thinking` is enabled, a final `assistant` message must start with a "
                        "thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). To avoid this "
                        "requirement, disable `thinking`.",
                        exact=True,
                    )
                return

    def _user(self, blocks: list[Block], path: str) -> None:
        """Results of tools, each as a message of its own, and what the user says."""
        said: list[dict[str, Any]] = []
        for index, block in enumerate(blocks):
            here = f"{path}[{index}]"
            if block["type"] != "tool_result":
                said.append(self._part(block, here))
                continue
            content = block.get("content") or ""
            inner = [{"type": "text", "text": content}] if isinstance(content, str) else content
            parts = [self._part(each, f"{here}.content[{place}]") for place, each in enumerate(inner)]
            self.messages.append({"role": "tool", "tool_call_id": block["tool_use_id"], "content": parts})
            self._note_marks([block], path)
        if said:
            self.messages.append({"role": "user", "content": said})
            self._note_marks([block for block in blocks if block["type"] != "tool_result"], path)

    def _part(self, block: Block, path: str) -> dict[str, Any]:
        if block["type"] == "text":
            return {"type": "text", "text": block["text"]}
        if block["type"] == "search_result":
            return source_of_block(block, path)
        return media_of_block(block, path, self._model)

    def _assistant(self, blocks: list[Block], path: str) -> None:
        calls = [
            {
                "id": block["id"],
                "type": "function",
                "function": {"name": block["name"], "arguments": json.dumps(block["input"], ensure_ascii=False)},
            }
            for block in blocks
            if block["type"] == "tool_use"
        ]
        text = "\n".join(block["text"] for block in blocks if block["type"] == "text")
        self.messages.append({"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})})
        self._note_marks(blocks, path)

    def _note_marks(self, blocks: list[Block], path: str) -> None:
        for block in blocks:
            if (mark := mark_of(block, path)) is not None:
                self._mark(mark)

    def _mark(self, ttl: str) -> None:
        self.cached_until = len(self.messages)
        self.cached_long = ttl == "1h"


def _dotted(path: str) -> str:
    return path.replace("[", ".").replace("]", "")
