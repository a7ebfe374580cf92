"""Media in messages of the hub, and the same messages with words in their place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson

from routed_llm.dialects.hub import Message, Part, as_message, parts_of
from routed_llm.dialects.view import media_of

__all__ = ["Medium", "in_words", "media_in"]

#: fields of a message that are made of its parts
_OF_PARTS = frozenset({"role", "content", "parts", "tool_calls"})


class Medium(NamedTuple):
    """A medium of a conversation: where it stands, and what the user said with it.

    ``ability`` is what whoever reads it must be able to, ``place`` (message, part), ``said`` the text of the user's message
    that it stands in, or that came last before it. ``key`` names its content and what was said: the same in every turn of
    a conversation that is sent again.
    """

    ability: str
    part: Part
    place: tuple[int, int]
    said: str
    key: str


def media_in(messages: Sequence[Message], abilities: frozenset[str]) -> list[Medium]:
    """The media that need some of these abilities, in their order."""
    found, said = [], ""
    for number, message in enumerate(messages):
        parts = parts_of(message)
        if message["role"] == "user" and (text := _text(parts)):
            said = text
        for index, part in enumerate(parts):
            ability = media_of(part)
            if ability in abilities:
                found.append(Medium(ability, part, (number, index), said, _key(ability, part, said)))
    return found


def in_words(messages: Sequence[Message], words: Mapping[tuple[int, int], str]) -> list[Message]:
    """The messages with texts instead of the media at some places; nothing of the given ones is changed."""
    changed = {number for number, _ in words}
    return [
        _in_words(message, {index: text for (n, index), text in words.items() if n == number}) if number in changed else message
        for number, message in enumerate(messages)
    ]


def _in_words(message: Message, words: Mapping[int, str]) -> Message:
    parts: list[Part] = []
    for index, part in enumerate(parts_of(message)):
        text = words.get(index)
        told = part if text is None else {"type": "text", "text": text, **_mark(part)}
        # many servers of text models take a message's content as one text only
        if parts and _bare_text(told) and _bare_text(parts[-1]):
            parts[-1] = {"type": "text", "text": f"{parts[-1]['text']}\n\n{told['text']}"}
        else:
            parts.append(told)
    more = {name: value for name, value in message.items() if name not in _OF_PARTS}
    return as_message(message["role"], parts, **more)


def _text(parts: Sequence[Part]) -> str:
    return "\n".join(part["text"] for part in parts if part["type"] == "text")


def _bare_text(part: Part) -> bool:
    return part.keys() == {"type", "text"} and part["type"] == "text"


def _mark(part: Part) -> Part:
    return {"cache_control": part["cache_control"]} if "cache_control" in part else {}


def _key(ability: str, part: Part, said: str) -> str:
    content = {name: value for name, value in part.items() if name != "cache_control"}
    made = hashlib.blake2b(orjson.dumps(content, default=str, option=orjson.OPT_SORT_KEYS), digest_size=16)
    made.update(b"\0" + said.encode("utf-8", "surrogatepass"))
    return f"{ability} {made.hexdigest()}"
