"""A request as the body of the Messages API."""

from __future__ import annotations

from typing import Any

from routed_llm.dialects.anthropic_messages.content import Block
from routed_llm.dialects.anthropic_messages.params import add_params, add_reasoning, drop_what_thinking_forbids, thinks
from routed_llm.dialects.anthropic_messages.tools import add_schema, add_tools, schema_tool
from routed_llm.dialects.anthropic_messages.turns import CALLED_WITHOUT_THOUGHT, Turns, begins_with_thought
from routed_llm.dialects.hub import Message
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request

__all__ = ["build_body", "is_bedrock", "version_in_body"]


def build_body(request: Request, wire: Wire) -> dict[str, Any]:
    """The body as plain data; what the model does not take is left out and noted in ``request.losses``.

    ``wire.quirks``: ``in_path`` (the model stands in the path, and a stream has a path of its own), ``anthropic_version`` (of
    such a body), ``max_output`` (tokens), ``forced_tools`` (False where no tool can be forced).
    """
    losses = request.losses
    turns = Turns.of(request.hub_messages(), wire, losses)
    body: dict[str, Any] = {}
    version = version_in_body(wire)
    if version is None:
        body["model"] = wire.model
    else:
        body["anthropic_version"] = version
    body["messages"] = turns.turns
    params = {**wire.params, **request.params} if wire.params else request.params
    add_params(body, params, wire, losses)
    add_reasoning(body, None if "reasoning_effort" in wire.drops else params.get("reasoning_effort"), wire, losses)
    add_tools(body, request, wire)
    system = [*turns.system]
    instruction = add_schema(body, request, wire)
    _name_called_tools(body, turns.turns)
    if (body.get("thinking") or {}).get("type") == "enabled" and not begins_with_thought(turns.turns):
        del body["thinking"]
        losses.append(CALLED_WITHOUT_THOUGHT)
    if thinks(body):
        drop_what_thinking_forbids(body, wire, losses)
    if thinks(body) or wire.quirks.get("forced_tools") is False:
        instruction = _without_force(body, request, wire) or instruction
    if instruction is not None:
        system.append({"type": "text", "text": instruction})
    if system:
        body["system"] = _as_text(system)
    for turn in body["messages"]:
        turn["content"] = _as_text(turn["content"])
    if request.stream and not is_bedrock(version):
        body["stream"] = True
    return body


def version_in_body(wire: Wire) -> str | None:
    """The version that stands in the body where the model stands in the path: at Bedrock and Vertex AI; else None."""
    if not wire.quirks.get("in_path"):
        return None
    return str(wire.quirks.get("anthropic_version") or "bedrock-2023-05-31")


def is_bedrock(version: str | None) -> bool:
    """Whether a version of the body is Bedrock's, where the path alone asks for a stream."""
    return version is not None and version.startswith("bedrock")


def _as_text(blocks: list[Block]) -> str | list[Block]:
    """A single bare text as a string, which is the same and shorter."""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"} and blocks[0]["type"] == "text":
        return str(blocks[0]["text"])
    return blocks


def _without_force(body: dict[str, Any], request: Request, wire: Wire) -> str | None:
    """Let the model choose where it cannot be forced; gives words that ask for the typed answer instead."""
    choice = body.get("tool_choice") or {}
    if choice.get("type") not in ("any", "tool"):
        return None
    body["tool_choice"] = {**{k: v for k, v in choice.items() if k == "disable_parallel_tool_use"}, "type": "auto"}
    if (name := schema_tool(request, wire)) is not None:
        return f"Give your final answer by calling the tool {name}."
    request.losses.append(f"a forced tool call: {wire.model} chooses by itself")
    return None


def _name_called_tools(body: dict[str, Any], turns: list[Message]) -> None:
    """Tools that were called before must be named, also where none may be called any more."""
    if "tools" in body:
        return
    blocks = [block for turn in turns for block in turn["content"] if block["type"] == "tool_use"]
    names = dict.fromkeys(block["name"] for block in blocks)
    if names:
        body["tools"] = [{"name": name, "input_schema": {"type": "object"}} for name in names]
        body["tool_choice"] = {"type": "none"}
