"""The hub's messages as those of a chat completion, in the form that a provider accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.dialects.hub import Message, bare, plain
from routed_llm.dialects.openai_chat.details import details_in
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request

__all__ = ["messages_of"]


def messages_of(request: Request, wire: Wire) -> list[Message]:
    """The messages of a body; what they cannot say is noted in ``request.losses``."""
    hub: Sequence[Message] = request.hub_messages()
    quirks = wire.quirks
    if "echoes" in quirks or "details" in quirks:
        hub = [_echoed(message, quirks, wire.maker) if message["role"] == "assistant" else message for message in hub]
    if "videos" in quirks:
        hub = [_showing(message) for message in hub]
    messages = plain(hub, request.losses, quirks.get("echoes"))
    if wire.system_role != "system":
        messages = [{**m, "role": wire.system_role} if m["role"] == "system" else m for m in messages]
    messages = [_heard(message, wire.maker, request.losses) if message.get("audio") else message for message in messages]
    return [_joined(message) for message in messages] if "joins_texts" in quirks else messages


def _echoed(message: Message, quirks: Mapping[str, Any], maker: str) -> Message:
    """An answer with its reasoning in the fields in which it goes back, no longer among the parts, where it would be lost."""
    told, left, thoughts = dict(message), [], []
    for part in message.get("parts") or ():
        details = details_in(part, maker) if "details" in quirks else None
        if details is not None:
            told["reasoning_details"] = [*told.get("reasoning_details", ()), *details]
        elif "echoes" in quirks and part["type"] == "reasoning" and not part.get("signature") and not part.get("data"):
            thoughts.append(part["text"])
        else:
            left.append(part)
    if "reasoning_details" in told:  # they hold the text, too
        told.pop("reasoning_content", None)
    elif thoughts:
        told.setdefault("reasoning_content", "".join(thoughts))
    if "parts" in told:
        told["parts"] = left
    return told


def _showing(message: Message) -> Message:
    """What the user says with its videos in their places, no longer among the parts, where they would be lost."""
    parts = message.get("parts") or ()
    if message["role"] != "user" or not any(part["type"] == "video_url" for part in parts):
        return message
    content = []
    for part in parts:
        if part["type"] == "video_url":
            content.append({"type": "video_url", "video_url": {"url": part["video_url"]["url"]}})
        else:
            content += bare([part])
    return {**message, "content": content, "parts": [part for part in parts if part["type"] != "video_url"]}


def _heard(message: Message, maker: str, losses: list[str]) -> Message:
    """An answer that was spoken: OpenAI keeps it by its id, to others goes what was said."""
    audio = message["audio"]
    told = {name: value for name, value in message.items() if name != "audio"}
    if maker in ("openai", "azure_openai"):
        return {**told, "audio": {"id": audio["id"]}}
    losses.append("the audio of an earlier answer")
    return told if told.get("content") else {**told, "content": audio.get("transcript") or ""}


def _joined(message: Message) -> Message:
    """Content of nothing but texts as one text, as a blank line parts them."""
    content = message.get("content")
    if not isinstance(content, list) or any(part.get("type") != "text" for part in content):
        return message
    return {**message, "content": "\n\n".join(part["text"] for part in content)}
