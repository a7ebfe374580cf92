"""``openai.chat`` messages as LlamaIndex's ``ChatMessage``s, for requests that came through another door."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    AudioBlock,
    ChatMessage,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ToolCallBlock,
    VideoBlock,
)

__all__ = ["arguments_of", "from_hub"]

#: OpenAI's ``developer`` is a system message to everybody else, and OpenAI itself takes it as one
_ROLES = {**{role.value: role for role in MessageRole}, "developer": MessageRole.SYSTEM}


def from_hub(messages: Sequence[Mapping[str, Any]], losses: list[str]) -> list[ChatMessage]:
    """The messages in LlamaIndex's form; what has no place there is noted in ``losses``."""
    return [_message(message, losses) for message in messages]


def _message(told: Mapping[str, Any], losses: list[str]) -> ChatMessage:
    content = told.get("content")
    if isinstance(content, str):
        blocks: list[ContentBlock] = [TextBlock(text=content)]
    else:
        blocks = [block for part in content or () if (block := _block(part, losses)) is not None]
    if told.get("name"):
        losses.append("a participant's name")
    if told.get("audio"):
        losses.append("the audio of an earlier answer")
    if isinstance(told.get("refusal"), str) and not blocks:
        losses.append("the mark that a text is a refusal")
        blocks = [TextBlock(text=told["refusal"])]
    blocks += [_call(call) for call in told.get("tool_calls") or ()]
    more = {"tool_call_id": told["tool_call_id"]} if told.get("tool_call_id") else {}
    return ChatMessage(role=_ROLES.get(str(told.get("role")), MessageRole.USER), blocks=blocks, additional_kwargs=more)


def _call(call: Mapping[str, Any]) -> ToolCallBlock:
    function = call.get("function") or {}
    return ToolCallBlock(
        tool_call_id=call.get("id"), tool_name=function.get("name") or "", tool_kwargs=arguments_of(function.get("arguments"))
    )


def arguments_of(text: Any) -> dict[str, Any] | str:
    """Arguments as a dict, which every integration can read; the text itself where it is no JSON object."""
    try:
        told = json.loads(text or "{}", strict=False)
    except (ValueError, TypeError, RecursionError):
        return str(text)
    return told if isinstance(told, dict) else str(text)


def _block(part: Any, losses: list[str]) -> ContentBlock | None:
    kind = part.get("type") if isinstance(part, Mapping) else None
    make = _MAKERS.get(str(kind))
    block = make(part[kind], losses) if make is not None and isinstance(part.get(kind), (str, Mapping)) else None
    if block is None and kind not in ("file", "video_url"):  # these say themselves why
        losses.append(f"a part of type {kind!r}")
    return block


def _data(url: str) -> tuple[str, bytes] | None:
    """Mime type and base64 text of a ``data:`` URL; LlamaIndex's blocks find out that it is base64."""
    if not url.startswith("data:") or "," not in url:
        return None
    head, data = url[5:].split(",", 1)
    return head.split(";", 1)[0], data.encode("ascii", "ignore")


def _image(told: Any, losses: list[str]) -> ImageBlock:
    told = {"url": told} if isinstance(told, str) else told
    data = _data(str(told.get("url") or ""))
    if data is None:
        return ImageBlock(url=str(told.get("url") or ""), detail=told.get("detail"))
    return ImageBlock(image=data[1], image_mimetype=data[0] or None, detail=told.get("detail"))


def _audio(told: Any, losses: list[str]) -> AudioBlock:
    return AudioBlock(audio=str(told.get("data") or "").encode("ascii", "ignore"), format=told.get("format"))


def _video(told: Any, losses: list[str]) -> VideoBlock:
    told = {"url": told} if isinstance(told, str) else told
    data = _data(str(told.get("url") or ""))
    return VideoBlock(url=str(told.get("url") or "")) if data is None else VideoBlock(video=data[1], video_mimetype=data[0])


def _file(told: Any, losses: list[str]) -> ContentBlock | None:
    data = _data(str(told.get("file_data") or ""))
    if data is None:
        losses.append("a file that is not in the message itself")
        return None
    if data[0].startswith("image/"):
        return ImageBlock(image=data[1], image_mimetype=data[0])
    return DocumentBlock(data=data[1], title=told.get("filename"), document_mimetype=data[0] or None)


def _text(told: Any, losses: list[str]) -> TextBlock:
    return TextBlock(text=str(told))


_MAKERS: dict[str, Callable[[Any, list[str]], ContentBlock | None]] = {
    "text": _text,
    "refusal": _text,
    "image_url": _image,
    "input_audio": _audio,
    "video_url": _video,
    "file": _file,
}
