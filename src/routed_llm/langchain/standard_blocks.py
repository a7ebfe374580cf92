"""``content_blocks`` of our answers: LangChain's standard blocks, of all that an answer holds and in its order.

An answer of ours has its text as content, and beside it what its provider said more: reasoning with signatures, citations, the
provider's own tools. LangChain asks a translator by the name in ``model_provider`` for the blocks, else makes them of content,
calls and reasoning (``langchain_core.messages.block_translators``). Each provider that answers gets our translator; where
LangChain has one of its own under that name, it is still asked for all messages but ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import AIMessage
from langchain_core.messages.block_translators import get_translator, register_translator
from langchain_core.messages.content import Annotation, ContentBlock

from routed_llm.dialects.hub import Part
from routed_llm.dialects.media_parts import Medium
from routed_llm.door.citations import Cited, cited
from routed_llm.langchain.thoughts import kept_parts

__all__ = ["translated_name"]

#: providers whose integrations keep calls and reasoning in the content, where LangChain's own translators look for them: where
#: ours is not there (a process that only reads stored messages), these would not find them, so their names are other ones
_READ_OTHERWISE = frozenset({"anthropic", "bedrock", "bedrock_converse"})
_names: dict[str, str] = {}

Translator = Callable[[AIMessage], list[ContentBlock]]


def translated_name(provider: str) -> str:
    """What answers of a provider say in ``model_provider``; their blocks are found by it."""
    name = _names.get(provider)
    if name is None:
        name = f"routed-{provider}" if provider in _READ_OTHERWISE else provider
        theirs = get_translator(name) or {}
        whole, chunk = _translator(theirs.get("translate_content")), _translator(theirs.get("translate_content_chunk"))
        register_translator(name, whole, chunk)
        _names[provider] = name
    return name


def _translator(theirs: Translator | None) -> Translator:
    def translate(message: AIMessage) -> list[ContentBlock]:
        if "routing" in message.response_metadata and isinstance(message.content, str):
            return list(_blocks(message))
        if theirs is None:
            raise NotImplementedError  # LangChain's own way
        return theirs(message)

    return translate


def _blocks(message: AIMessage) -> Iterator[ContentBlock]:
    calls = {call["id"]: call for call in (*message.tool_calls, *message.invalid_tool_calls)}
    beside = message.additional_kwargs
    parts: Sequence[Part] = kept_parts(message) or _plain(message)
    if not any(part.get("citations") for part in parts):
        parts = _with_citations(parts, beside.get("citations") or beside.get("annotations") or ())
    for part in parts:
        kind = part["type"]
        if kind == "text":
            if part.get("refusal"):
                yield _refusal(part["text"])
            elif part["text"]:
                yield _text(part["text"], part.get("citations") or ())
        elif kind == "reasoning":
            yield _reasoning(part)
        elif kind == "tool_call":
            yield cast("ContentBlock", dict(calls[part["id"]]))
        elif kind == "image_url":
            yield _image(part["image_url"]["url"])
        else:
            yield {"type": "non_standard", "value": dict(part.get("data") or part)}
    if isinstance(sound := beside.get("audio"), Mapping) and isinstance(sound.get("data"), str):
        yield _audio(sound)
    words = beside.get("refusal")
    if isinstance(words, str) and words and not any(part.get("refusal") for part in parts):
        yield _refusal(words)


def _plain(message: AIMessage) -> list[Part]:
    """The parts of an answer of which nothing more is known than its text, its calls and what it thought."""
    thought = message.additional_kwargs.get("reasoning_content")
    return [
        *([{"type": "reasoning", "text": thought}] if isinstance(thought, str) and thought else ()),
        {"type": "text", "text": str(message.content)},
        *({"type": "tool_call", "id": call["id"]} for call in (*message.tool_calls, *message.invalid_tool_calls)),
    ]


def _with_citations(parts: Sequence[Part], citations: Any) -> Sequence[Part]:
    """The parts with citations that count in the whole text, each at the text in which it begins, else at the last."""
    texts = [number for number, part in enumerate(parts) if part["type"] == "text" and part["text"]]
    left = list(cited(citations, sum(len(parts[number]["text"]) for number in texts)))
    if not left or not texts:
        return parts
    found, begin = list(parts), 0
    for number in texts:
        end = begin + len(parts[number]["text"])
        mine = left if number == texts[-1] else [each for each in left if each.start is not None and each.start < end]
        found[number] = {**parts[number], "citations": [each.moved(-begin, end - begin) for each in mine]}
        left = [each for each in left if each not in mine]
        begin = end
    return found


def _audio(sound: Mapping[str, Any]) -> ContentBlock:
    mime = f"audio/{sound['format']}" if sound.get("format") else Medium("audio", data=sound["data"]).type
    return {"type": "audio", "base64": sound["data"], "mime_type": mime or "audio/wav"}


def _text(text: str, citations: Any) -> ContentBlock:
    annotations = [_annotation(each) for each in cited(citations, len(text))]
    return {"type": "text", "text": text, "annotations": annotations} if annotations else {"type": "text", "text": text}


def _refusal(words: str) -> ContentBlock:
    return cast("ContentBlock", {"type": "refusal", "refusal": words})


def _image(url: str) -> ContentBlock:
    head, comma, data = url.partition(";base64,")
    if not (comma and head.startswith("data:")):
        return {"type": "image", "url": url}
    return {"type": "image", "base64": data, "mime_type": head[5:]}


def _annotation(found: Cited) -> Annotation:
    told: dict[str, Any] = {"url": found.url, "title": found.title, "cited_text": found.text}
    told |= {"start_index": found.start, "end_index": found.end}
    more = {"extras": dict(found.rest)} if found.rest else {}
    return cast("Annotation", {"type": "citation", **{k: v for k, v in told.items() if v not in ("", None)}, **more})


def _reasoning(part: Mapping[str, Any]) -> ContentBlock:
    """Reasoning, and what its provider signed or encrypted of it, as LangChain's own translators tell it."""
    extras = {name: part[name] for name in ("signature",) if part.get(name)}
    data = part.get("data")
    if isinstance(data, Mapping):
        extras |= {name: value for name, value in data.items() if name not in ("type", "text", "thinking")}
    told: dict[str, Any] = {"type": "reasoning", "reasoning": part.get("text") or ""}
    return cast("ContentBlock", {**told, "extras": extras} if extras else told)
