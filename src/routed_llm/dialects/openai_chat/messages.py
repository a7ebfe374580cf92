"""The hub's messages as those of a chat completion, in the form that a provider accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.dialects.hub import Message, plain
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
    messages = plain(hub, request.losses, quirks.get("echoes"))
    if wire.system_role != "system":
        messages = [{**m, "role": wire.system_role} if m["role"] == "system" else m for m in messages]
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


def _joined(message: Message) -> Message:
    """Content of nothing but texts as one text, as a blank line parts them."""
    content = message.get("content")
    if not isinstance(content, list) or any(part.get("type") != "text" for part in content):
        return message
    return {**message, "content": "\n\n".join(part["text"] for part in content)}
