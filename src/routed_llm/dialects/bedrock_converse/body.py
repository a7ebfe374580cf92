"""A request as the body of a Converse call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from routed_llm.dialects.bedrock_converse.content import Block, blocks_of
from routed_llm.dialects.bedrock_converse.params import add_params
from routed_llm.dialects.hub import Message, parts_of, spoken
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request, SchemaBinding, ToolBinding

__all__ = ["build_body", "schema_tool"]

_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")
#: said where a turn of the user must stand and nobody said anything
_SILENCE = "."


def schema_tool(request: Request, wire: Wire) -> str | None:
    """Name of the tool that stands for the typed answer at a model without ``outputConfig``; else None."""
    return request.schema.name if request.schema is not None and not _is_native(request.schema, wire) else None


def _is_native(schema: SchemaBinding, wire: Wire) -> bool:
    return wire.native_schema and schema.schema is not None


def build_body(request: Request, wire: Wire) -> dict[str, Any]:
    """The body as plain data; what the model does not take is left out and noted in ``request.losses``."""
    messages, losses = request.hub_messages(), request.losses
    system, turns, called = _turns(messages, wire, losses)
    body: dict[str, Any] = {"messages": turns}
    if system:
        body["system"] = system
    add_params(body, {**wire.params, **request.params}, wire, losses)
    if request.schema is not None and _is_native(request.schema, wire):
        body["outputConfig"] = {"textFormat": _text_format(request.schema), **(body.get("outputConfig") or {})}
    config = _tool_config(request.tools, request.schema if schema_tool(request, wire) else None, called, wire, losses)
    if config:
        body["toolConfig"] = config
    return body


# messages ---------------------------------------------------------------------------------------------------------------------


def _turns(messages: Sequence[Message], wire: Wire, losses: list[str]) -> tuple[list[Block], list[Message], list[str]]:
    """System blocks, messages in turn, and the names of tools that were called."""
    system: list[Block] = []
    turns: list[Message] = []
    called: list[str] = []
    ids = _Ids()
    for message in messages:
        role, parts = message["role"], parts_of(message)
        if message.get("name") and role not in ("tool", "function"):
            losses.append("the name of who speaks")
        if role in ("system", "developer"):
            if turns:
                losses.append("the place of a system message: it stands before the conversation")
            system += blocks_of(parts, wire.maker, losses, {})
            continue
        if role in ("tool", "function"):
            block = _result(message, ids, wire, losses)
            _say(turns, "user", block)
        elif role == "assistant":
            calls = [part for part in parts if part["type"] == "tool_call"]
            called += [part["name"] for part in calls]
            names = ids.open([part["id"] for part in calls])
            _close(turns, ids, losses)
            # the user alone may give images and documents (API reference, Message)
            _say(turns, "assistant", blocks_of(spoken(parts, losses), wire.maker, losses, names))
            ids.opened(names)
        else:
            _say(turns, "user", blocks_of(parts, wire.maker, losses, {}))
    _close(turns, ids, losses)
    if not turns or turns[0]["role"] != "user":
        losses.append("the beginning: a conversation has to begin with the user, so a full stop stands there")
        turns.insert(0, {"role": "user", "content": [{"text": _SILENCE}]})
    return system, turns, called


def _say(turns: list[Message], role: str, blocks: list[Block]) -> None:
    """Blocks in a turn of a role; turns of one role are one, and results stand before all else in it."""
    if not blocks:
        return
    if not turns or turns[-1]["role"] != role:
        turns.append({"role": role, "content": list(blocks)})
        return
    content = turns[-1]["content"]
    if "toolResult" in blocks[0]:
        at = next(
            (n for n, block in enumerate(content) if "toolResult" not in block and "cachePoint" not in block), len(content)
        )
        content[at:at] = blocks
    else:
        content += blocks


def _close(turns: list[Message], ids: _Ids, losses: list[str]) -> None:
    """Calls that have no result get one: without it the whole history is refused."""
    if left := ids.left():
        losses.append("a tool call without a result: sent with an empty one")
        empty = [{"toolResult": {"toolUseId": each, "content": [{"text": "No result."}], "status": "error"}} for each in left]
        _say(turns, "user", list(empty))


class _Ids:
    """Ids of calls in the form that is taken, each once, and which of the last answer wait for a result."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._open: dict[str, str] = {}

    def open(self, given: Sequence[str]) -> dict[str, str]:
        """New ids for the calls of an answer, by the given ones."""
        return {each: self._new(each) for each in given}

    def opened(self, names: Mapping[str, str]) -> None:
        """These wait for a result from now on."""
        self._open.update(names)

    def result(self, given: str) -> str | None:
        """The id for a result; None where nobody waits for it."""
        return self._open.pop(given, None)

    def left(self) -> list[str]:
        """Those that got none."""
        left, self._open = list(self._open.values()), {}
        return left

    def _new(self, given: str) -> str:
        plain = _NOT_IN_IDS.sub("_", given)[:64] or "call"
        found, number = plain, 1
        while found in self._taken:
            number += 1
            found = f"{plain[:56]}_{number}"
        self._taken.add(found)
        return found


def _result(message: Message, ids: _Ids, wire: Wire, losses: list[str]) -> list[Block]:
    given = str(message.get("tool_call_id") or message.get("name") or "")
    parts = parts_of(message)
    marked = [part for part in parts if part.get("cache_control")]
    bare = [{name: value for name, value in part.items() if name != "cache_control"} for part in parts]
    blocks = blocks_of(bare, wire.maker, losses, {})
    call_id = ids.result(given)
    if call_id is None:
        losses.append("the place of a tool's result whose call is not there: sent as a text")
        return [{"text": f"Result of the tool call {given}:"}, *blocks]
    told: Block = {"toolUseId": call_id, "content": blocks or [{"text": _SILENCE}]}
    if (status := message.get("is_error")) is not None:
        told["status"] = "error" if status else "success"
    return [{"toolResult": told}, *([{"cachePoint": {"type": "default"}}] if marked else ())]


# tools and schemas ------------------------------------------------------------------------------------------------------------


def _tool_config(
    tools: ToolBinding | None, schema: SchemaBinding | None, called: Sequence[str], wire: Wire, losses: list[str]
) -> dict[str, Any]:
    listed = [spec for tool in (tools.wire if tools is not None else ()) for spec in _tool(tool, wire, losses)]
    choice = tools.choice if tools is not None and listed else None
    if tools is not None and tools.parallel is False and listed:
        losses.append(f"{wire.model} does not take parallel_tool_calls: left out")
    if schema is not None:
        told = schema.schema or {"type": "object"}
        listed.append(_spec(schema.name, schema.description or "Give the answer in this form.", told))
        choice = "required" if len(listed) > 1 else schema.name
    if choice == "none":
        if not called:
            return {}
        losses.append("tools: Converse cannot be told to call none of them")
        choice = None
    if not listed and called:  # a history with calls is refused without tools
        listed = [_spec(name, "", {"type": "object"}) for name in dict.fromkeys(called)]
    if not listed:
        return {}
    config: dict[str, Any] = {"tools": listed}
    if choice is not None:
        config["toolChoice"] = {"auto": {"auto": {}}, "required": {"any": {}}}.get(choice) or _named(choice)
    return config


def _named(choice: Any) -> dict[str, Any]:
    if isinstance(choice, Mapping):
        return dict(choice)  # Converse's own form
    return {"tool": {"name": choice}}


def _tool(tool: Mapping[str, Any], wire: Wire, losses: list[str]) -> list[Block]:
    """A function as ``toolSpec``; a provider's own tool in Converse's form as it is, with its cache point."""
    function = tool.get("function")
    found: list[Block] = []
    if isinstance(function, Mapping):
        schema = function.get("parameters") or {"type": "object", "properties": {}}
        spec = _spec(str(function.get("name") or ""), function.get("description"), schema)
        if function.get("strict") is not None and wire.strict_tools:
            spec["toolSpec"]["strict"] = function["strict"]
        found.append(spec)
    elif "systemTool" in tool or "toolSpec" in tool:
        found.append({name: value for name, value in tool.items() if name not in ("type", "cache_control")})
    else:
        losses.append(f"a provider's own tool: {tool.get('type')}")
        return []
    if tool.get("cache_control"):
        found.append({"cachePoint": {"type": "default"}})
    return found


def _spec(name: str, description: Any, schema: Mapping[str, Any]) -> Block:
    spec: Block = {"name": name, "inputSchema": {"json": schema}}
    if description:
        spec["description"] = description
    return {"toolSpec": spec}


def _text_format(schema: SchemaBinding) -> dict[str, Any]:
    told: dict[str, Any] = {"name": schema.name, "schema": orjson.dumps(schema.schema).decode()}
    if schema.description:
        told["description"] = schema.description
    return {"type": "json_schema", "structure": {"jsonSchema": told}}
