"""Refuses messages that OpenAI's chat completions would refuse: roles, keys, content parts, pairs of calls and results."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from routed_llm.providers.sandbox.checks import need, need_choice, need_list, need_object, need_text, only
from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.replies import Refusal

__all__ = ["check_base64", "check_media", "check_messages", "media_kind", "unable"]

_ROLES = {
    "system": {"role", "content", "name"},
    "developer": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "refusal", "tool_calls"},
    "tool": {"role", "content", "tool_call_id"},
}
# the caching mark is in OpenAI's own parameter types; cache_control is taken and ignored by the real endpoint
_PART_KEYS = {"type", "prompt_cache_breakpoint", "cache_control"}
_PARTS = {
    "user": ("text", "image_url", "input_audio", "file"),
    "assistant": ("text", "refusal"),
}
_NAME = re.compile(r"^[^\s<|\\/>]{1,64}$")
_TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")
_DATA_URL = re.compile(r"^data:([\w.+/-]+);base64,(.*)$", re.DOTALL)


def unable(model: SandboxModel, what: str, param: str) -> Refusal:
    """The model lacks an ability that the request needs."""
    return Refusal(f"The model '{model.name}' does not support {what}.", param=param, code="unsupported_parameter")


def check_messages(value: Any, model: SandboxModel) -> list[dict[str, Any]]:
    """The messages, all of them sound.

    Raises:
        Refusal: naming the first thing that is wrong.
    """
    messages = need_list(value, "messages", least=1)
    for index, message in enumerate(messages):
        _message(need_object(message, f"messages[{index}]"), f"messages[{index}]", model)
    _pairs(messages)
    return messages


def _message(message: dict[str, Any], path: str, model: SandboxModel) -> None:
    role = need_choice(need(message, "role", path), f"{path}.role", tuple(_ROLES))
    allowed = _ROLES[role]
    if role == "assistant" and "reasoning" in model.abilities:
        allowed = allowed | {"reasoning_content"}
    only(message, allowed, path)
    if message.get("name") is not None and not _NAME.match(need_text(message["name"], f"{path}.name")):
        raise Refusal(
            f"Invalid '{path}.name': string does not match pattern. Expected a string that matches the pattern "
            f"'{_NAME.pattern}'.",
            param=f"{path}.name",
            code="invalid_value",
        )
    if role == "assistant":
        _assistant(message, path)
    else:
        need(message, "content", path)
    if role == "tool":
        need_text(need(message, "tool_call_id", path), f"{path}.tool_call_id", filled=True)
    _content(message.get("content"), role, f"{path}.content", model)


def _assistant(message: Mapping[str, Any], path: str) -> None:
    if message.get("content") is None and not message.get("tool_calls") and message.get("refusal") is None:
        raise Refusal(f"Invalid value for '{path}.content': expected a string, got null.", param=f"{path}.content")
    if "tool_calls" not in message:
        return
    for index, call in enumerate(need_list(message["tool_calls"], f"{path}.tool_calls", least=1)):
        _tool_call(call, f"{path}.tool_calls[{index}]")


def _tool_call(value: Any, path: str) -> None:
    call = need_object(value, path)
    only(call, {"id", "type", "function"}, path)
    need_text(need(call, "id", path), f"{path}.id", filled=True)
    need_choice(need(call, "type", path), f"{path}.type", ("function",))
    function = need_object(need(call, "function", path), f"{path}.function")
    only(function, {"name", "arguments"}, f"{path}.function")
    name = need_text(need(function, "name", f"{path}.function"), f"{path}.function.name")
    if not _TOOL_NAME.match(name):
        raise Refusal(
            f"Invalid '{path}.function.name': string does not match pattern '{_TOOL_NAME.pattern}'.",
            param=f"{path}.function.name",
            code="invalid_value",
        )
    need_text(need(function, "arguments", f"{path}.function"), f"{path}.function.arguments")


def _content(value: Any, role: str, path: str, model: SandboxModel) -> None:
    if isinstance(value, str) or (value is None and role == "assistant"):
        return
    for index, part in enumerate(need_list(value, path, least=1)):
        here = f"{path}[{index}]"
        kind = need_choice(need(need_object(part, here), "type", here), f"{here}.type", _PARTS.get(role, ("text",)))
        only(part, _PART_KEYS | {kind}, here)
        inner = need(part, kind, here)
        if kind in ("text", "refusal"):
            need_text(inner, f"{here}.{kind}")
        else:
            check_media(kind, need_object(inner, f"{here}.{kind}"), f"{here}.{kind}", model)


def media_kind(part: Mapping[str, Any]) -> str:
    """``image``, ``audio`` or ``pdf`` for a media part."""
    return {"image_url": "image", "input_audio": "audio", "file": "pdf"}[part["type"]]


def check_media(kind: str, value: dict[str, Any], path: str, model: SandboxModel) -> None:
    """The inner object of a part with an image, a sound or a file is sound, and the model takes such.

    Raises:
        Refusal: naming what is wrong.
    """
    if kind == "image_url":
        _image(value, path, model)
    elif kind == "input_audio":
        if "audio" not in model.abilities:
            raise unable(model, "audio input", path)
        only(value, {"data", "format"}, path)
        need_choice(need(value, "format", path), f"{path}.format", ("wav", "mp3"))
        check_base64(need_text(need(value, "data", path), f"{path}.data", filled=True), f"{path}.data")
    else:
        _file(value, path, model)


def _image(value: dict[str, Any], path: str, model: SandboxModel) -> None:
    if "images" not in model.abilities:
        raise unable(model, "image input", path)
    only(value, {"url", "detail"}, path)
    if value.get("detail") is not None:
        need_choice(value["detail"], f"{path}.detail", ("auto", "low", "high", "original"))
    url = need_text(need(value, "url", path), f"{path}.url", filled=True)
    if url.startswith(("http://", "https://")):
        if "image_urls" not in model.abilities:
            raise unable(model, "images by URL", path)
        return
    _data_url(url, f"{path}.url", "image/")


def _file(value: dict[str, Any], path: str, model: SandboxModel) -> None:
    if "pdf" not in model.abilities:
        raise unable(model, "file input", path)
    only(value, {"file_data", "file_id", "filename"}, path)
    if "file_id" in value:
        raise Refusal(f"No such file: '{value['file_id']}'.", param=f"{path}.file_id", code="file_not_found")
    need_text(value.get("filename", ""), f"{path}.filename")
    data = need_text(need(value, "file_data", path), f"{path}.file_data", filled=True)
    _data_url(data, f"{path}.file_data", "application/pdf")


def _data_url(url: str, path: str, kind: str) -> None:
    match = _DATA_URL.match(url)
    if match is None or not match[1].startswith(kind):
        raise Refusal(
            f"Invalid value for '{path}': expected a base64-encoded data URL of type '{kind}' (or a URL where one is "
            f"allowed), but got a value without it.",
            param=path,
            code="invalid_value",
        )
    check_base64(match[2], path)


def check_base64(data: str, path: str) -> None:
    """A text is base64, of at least one byte.

    Raises:
        Refusal: where it is not.
    """
    try:
        decoded = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not decoded:
        raise Refusal(f"Invalid base64 data in '{path}'.", param=path, code="invalid_base64")


def _pairs(messages: list[dict[str, Any]]) -> None:
    """Every tool call has its result right after it, and every result its call."""
    waiting: dict[str, None] = {}
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                raise Refusal(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                    "'tool_calls'.",
                    param=f"messages.[{index}].role",
                )
            del waiting[message["tool_call_id"]]
            continue
        _answered(waiting, index)
        waiting = {call["id"]: None for call in message.get("tool_calls") or ()}
    _answered(waiting, len(messages))


def _answered(waiting: Mapping[str, None], index: int) -> None:
    if waiting:
        raise Refusal(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(waiting)}",
            param=f"messages.[{index}].role",
        )
