"""Single items of the Responses API and parts of the hub: content, calls, reasoning, what only the provider reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from routed_llm.dialects.hub import Part, as_text, file_kind, is_citable, lost_beside
from routed_llm.dialects.openai_chat.calls import arguments_text, word

__all__ = [
    "ACTIONS", "CUSTOM_ARGUMENT", "LOST", "Item", "called_by", "content_part", "custom_arguments", "custom_input", "item_parts",
    "media_content", "reasoning_text",
]  # fmt: skip

Item = dict[str, Any]

#: the argument that holds the free text of a custom tool, as langchain-openai names it
CUSTOM_ARGUMENT = "__arg1"
#: calls of built-in tools that the caller has to carry out, and requests that it has to allow
ACTIONS = frozenset(
    {"apply_patch_call", "computer_call", "local_shell_call", "mcp_approval_request", "shell_call"}
)  # fmt: skip
#: what is lost of a part that has no place here, or is another maker's
LOST = {
    "input_audio": "audio",
    "video_url": "a video",
    "reasoning": "reasoning of an earlier turn",
    "server_tool": "a tool that the provider ran",
    "opaque": "what only its provider can read",
}
#: what an item of an answer is beside its content; it goes back to its maker with it
_BESIDE = ("id", "status", "phase", "namespace", "caller")


def item_parts(item: Mapping[str, Any], maker: str) -> list[Part]:
    """An item that the model or the provider made, as parts.

    Raises:
        KeyError, TypeError, AttributeError: for a message or a call in an unknown form.
    """
    kind = item["type"]
    if not isinstance(kind, str):
        raise TypeError("the type of an item is no text")
    if kind == "message":
        return [
            _said(part, item, maker) for part in item.get("content") or () if part.get("type") in ("output_text", "refusal")
        ]
    if kind == "function_call":
        return [_called(item, arguments_text(item.get("arguments")), maker)]
    if kind == "custom_tool_call":
        return [_called(item, custom_arguments(item.get("input") or ""), maker)]
    if kind == "reasoning":
        return [{"type": "reasoning", "text": reasoning_text(item), "origin": maker, "data": dict(item)}]
    is_tool = kind.endswith("_call") or kind in ("mcp_list_tools", "mcp_approval_request")
    return [{"type": "server_tool" if is_tool else "opaque", "origin": maker, "data": dict(item)}]


def _said(content: Mapping[str, Any], item: Mapping[str, Any], maker: str) -> Part:
    refused = content["type"] == "refusal"
    text = content["refusal"] if refused else content["text"]
    if not isinstance(text, str):
        raise TypeError("a text that is none")
    part: Part = {"type": "text", "text": text}
    if refused:
        part["refusal"] = True
    if content.get("annotations"):
        part["citations"] = list(content["annotations"])
    return _with_item(part, item, maker)


def _called(item: Mapping[str, Any], arguments: str, maker: str) -> Part:
    call_id, name = called_by(item)
    part: Part = {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}
    return _with_item(part, item, maker)


def called_by(item: Mapping[str, Any]) -> tuple[str, str]:
    """Id and name of a call.

    Raises:
        KeyError, TypeError: for a call without a name, or with one that is no text.
    """
    name = item["name"]
    if not isinstance(name, str):
        raise TypeError("the name of a tool call is no text")
    return word(item.get("call_id")) or word(item.get("id")), name


def _with_item(part: Part, item: Mapping[str, Any], maker: str) -> Part:
    """With what the item is beside its content, for its maker."""
    if beside := {name: item[name] for name in _BESIDE if item.get(name) is not None}:
        part |= {"origin": maker, "item": beside}
    elif part.get("citations") or part.get("refusal"):
        part["origin"] = maker
    return part


def reasoning_text(item: Mapping[str, Any]) -> str:
    """What can be read of a reasoning item: the reasoning itself where it is told, else its summary."""
    for name in ("content", "summary"):
        told = [part["text"] for part in item.get(name) or () if isinstance(part.get("text"), str)]
        if any(told):
            return "\n\n".join(told)
    return ""


def custom_arguments(text: str) -> str:
    """The free text for a custom tool as arguments."""
    return orjson.dumps({CUSTOM_ARGUMENT: text}).decode()


def custom_input(arguments: str) -> str:
    """The way back; arguments in another form are the text as they are."""
    try:
        found = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    if isinstance(found, dict) and len(found) == 1 and isinstance(text := next(iter(found.values())), str):
        return text
    return arguments


def content_part(content: Mapping[str, Any]) -> Part:
    """A piece of what the user or a tool gives, as a part.

    Raises:
        KeyError, TypeError, AttributeError: for one in an unknown form.
    """
    kind = content["type"]
    if not isinstance(kind, str):
        raise TypeError("the type of content is no text")
    if kind in ("input_text", "output_text", "text"):
        return {"type": "text", "text": content["text"]}
    if kind == "input_image" and content.get("image_url"):
        image: dict[str, Any] = {"url": content["image_url"]}
        if content.get("detail"):
            image["detail"] = content["detail"]
        return {"type": "image_url", "image_url": image}
    if kind == "input_image" and content.get("file_id"):
        file = {name: content[name] for name in ("file_id", "detail") if content.get(name)}
        return {"type": "file", "file": file, "media_type": "image/*"}
    if kind == "input_file":
        names = ("file_data", "filename", "file_id", "file_url", "detail")
        return {"type": "file", "file": {name: content[name] for name in names if content.get(name) is not None}}
    if kind == "input_audio":
        return {"type": "input_audio", "input_audio": dict(content["input_audio"])}
    return {"type": "opaque", "origin": "openai", "data": dict(content)}


def media_content(parts: Iterable[Part], maker: str, losses: list[str]) -> list[Item]:
    """Parts that the user or a tool gives, as content; what has no place there is noted in ``losses``."""
    written: list[Item] = []
    for part in parts:
        content = _content(as_text(part) if is_citable(part) else part, maker)
        if isinstance(content, str):
            losses.append(content)
            continue
        losses.extend(lost_beside(part))
        written.append(content)
    return written


def _content(part: Part, maker: str) -> Item | str:
    """A part as content, or what is lost."""
    kind = part["type"]
    if kind == "text":
        return {"type": "input_text", "text": part.get("text") or ""}
    if kind == "image_url":
        given = part["image_url"]
        given = given if isinstance(given, Mapping) else {"url": given}
        # the detail is required in content (OpenAI API reference, Responses), and auto where nobody says it
        return {"type": "input_image", "image_url": given.get("url") or "", "detail": given.get("detail") or "auto"}
    if kind == "file":
        return _file(part)
    if kind == "opaque" and part.get("origin") == maker and isinstance(part.get("data"), Mapping):
        return dict(part["data"])
    return LOST.get(kind, f"a part of the kind {kind}")


def _file(part: Part) -> Item | str:
    file, mime = part["file"], str(part.get("media_type") or "")
    if mime.startswith(("audio/", "video/")):
        return f"{file_kind(part)} in a file"
    if mime.startswith("image/") and (file.get("file_id") or file.get("file_data")):
        data = file.get("file_data")
        where = {"file_id": file["file_id"]} if file.get("file_id") else {"image_url": _as_url(data, mime)}
        return {"type": "input_image", "detail": file.get("detail") or "auto", **where}
    if file.get("file_url") and mime.startswith(("audio/", "video/")):
        return LOST["input_audio" if mime.startswith("audio/") else "video_url"]
    told = {name: file[name] for name in ("file_id", "file_url", "filename", "detail") if file.get(name) is not None}
    data = file.get("file_data")
    if data is not None:
        told["file_data"] = _as_url(data, mime) if mime else data
        # without a name it is refused (OpenAI API reference, file inputs)
        told.setdefault("filename", "file")
    if not any(told.get(name) for name in ("file_id", "file_url", "file_data")):
        return "a file without content"
    return {"type": "input_file", **told}


def _as_url(data: Any, mime: str) -> str:
    text = str(data)
    return text if text[:5] == "data:" else f"data:{mime};base64,{text}"
