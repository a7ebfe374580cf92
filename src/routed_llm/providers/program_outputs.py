"""What a program gives, in whatever form, as an answer of the hub.

A text; an :class:`~routed_llm.results.Answer`; a message of LangChain; a response of LlamaIndex; a pydantic object, as JSON; a
list of documents, as retrievers give them, whose texts are the answer; a dict that holds one of these under one of
:data:`ANSWERS`, beside the documents it is drawn from, under one of :data:`SOURCES`, which become citations. None, or no word
at all, means that the program has no answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from routed_llm.errors import ProviderError
from routed_llm.providers.program_bill import Bill
from routed_llm.providers.whole_source import last_events
from routed_llm.results import (
    CANNOT_ANSWER,
    CONTENT_EXTRAS,
    Answer,
    Event,
    Opaque,
    Reasoning,
    Text,
    ToolCallDelta,
    Usage,
)

__all__ = ["ANSWERS", "NOTHING_FOUND", "SOURCES", "Reading", "answer_from", "closing", "declined", "says_nothing"]

#: where a dict holds its answer: LangChain's retrieval chains and agents, LlamaIndex's, LangGraph's state; the first counts
ANSWERS = ("answer", "output", "result", "response", "text", "content", "messages")
#: those of them that are read while they come; the others may be what the program was asked, handed through
EARLY = ANSWERS[:4]
#: where a dict holds the documents behind it: LangChain's retrieval chains, and the older ones
SOURCES = ("citations", "source_documents", "source_nodes", "context", "sources")
#: what LlamaIndex's engines say where nothing was found (``llama_index.core.response_synthesizers``)
NOTHING_FOUND = "Empty Response"
#: what is told of a program that does not say why
NO_ANSWER = "it has no answer to this"
#: characters of a document that go along with an answer
EXCERPT = 1_000


def answer_from(output: Any) -> Answer:
    """One output as an answer, or one piece of a stream as a part of it; empty where it says nothing.

    Raises:
        ProviderError: ``malformed`` for what is none of the forms.
    """
    if output is None:
        return Answer()
    if isinstance(output, str):
        return Answer(output)
    if isinstance(output, Answer):
        return output
    if isinstance(output, Mapping):
        return _from_mapping(output)
    if isinstance(output, (list, tuple)) and all(hasattr(each, "page_content") or hasattr(each, "node") for each in output):
        return _from_documents(output)
    if hasattr(output, "response_metadata") and hasattr(output, "content"):
        return _from_message(output)
    if hasattr(output, "source_nodes"):
        return _from_response(output)
    if hasattr(output, "message") and hasattr(output.message, "blocks"):
        return _from_chat_response(output)
    if hasattr(output, "blocks") and hasattr(output, "role"):
        return Answer(str(output.content or ""))
    if hasattr(output, "model_dump_json"):
        text = getattr(output, "text", None)  # LlamaIndex's CompletionResponse
        return Answer(text if isinstance(text, str) else output.model_dump_json())
    raise ProviderError("malformed", f"the program gave a {type(output).__name__}: give a text, an Answer, a message, or None")


def _from_mapping(output: Mapping[str, Any]) -> Answer:
    """The first place that holds an answer; pieces of a stream may hold only sources, or nothing of use."""
    name = next((name for name in ANSWERS if name in output), None)
    value = output[name] if name is not None else None
    if name == "messages" and isinstance(value, Sequence) and not isinstance(value, str):
        value = value[-1] if value else None
        if getattr(value, "type", "ai") not in ("ai", "AIMessageChunk"):
            value = None
    if isinstance(value, (list, Mapping)) and not isinstance(value, str):
        answer = Answer(json.dumps(value, ensure_ascii=False, default=str))
    else:
        answer = answer_from(value)
    cited = next((output[name] for name in SOURCES if output.get(name)), None)
    if cited is not None and not isinstance(cited, str) and "citations" not in answer.extras:
        answer.extras["citations"] = citations_of(cited)
    return answer


def _from_documents(found: Sequence[Any]) -> Answer:
    """What a retriever found, as it is: the texts, and the documents as citations."""
    texts = [each.page_content if hasattr(each, "page_content") else each.node.get_content() for each in found]
    return Answer("\n\n".join(texts), extras={"citations": citations_of(found)} if found else None)


def _from_message(message: Any) -> Answer:
    from routed_llm.providers.langchain_hub import message_answer

    return message_answer(message)


def _from_chat_response(response: Any) -> Answer:
    from routed_llm.providers.llama_index_answers import answer_of

    return answer_of(response, False, None)


def _from_response(response: Any) -> Answer:
    """A response of a LlamaIndex engine, with its nodes as citations."""
    value = response.response if hasattr(response, "response") else response.response_txt
    if value is not None and not isinstance(value, str):
        value = answer_from(value).text
    cited = citations_of(response.source_nodes)
    said = "" if value is None or value.strip() == NOTHING_FOUND else value
    return Answer(said, extras={"citations": cited} if cited else None)


def citations_of(sources: Any) -> list[dict[str, Any]]:
    """Documents of either framework, or whatever stands for them, as plain data: text, metadata, id and score where known."""
    found = sources if isinstance(sources, Iterable) and not isinstance(sources, (str, Mapping)) else [sources]
    return [_citation(each) for each in found]


def _citation(source: Any) -> dict[str, Any]:
    if isinstance(source, Mapping):
        return dict(source)
    node = getattr(source, "node", source)  # LlamaIndex's node with a score
    text = getattr(node, "page_content", None)
    if text is None:
        text = node.get_content() if hasattr(node, "get_content") else str(node)
    told: dict[str, Any] = {"cited_text": text[:EXCERPT]}
    named = getattr(node, "node_id", None) or getattr(node, "id", None)
    score, metadata = getattr(source, "score", None), getattr(node, "metadata", None)
    for name, value in (("id", named), ("score", score), ("metadata", metadata)):
        if value not in (None, {}):
            told[name] = value
    return told


class Reading:
    """Reads the pieces of one output as they come, and puts the whole answer together.

    Of dicts in a stream those that LangChain adds up are read piece by piece, under :data:`EARLY`; plain ones are each the
    whole so far (as LangChain's JSON parsers give them), so only the last one counts.
    """

    __slots__ = ("_chunk", "_dict", "_told", "answer")

    def __init__(self) -> None:
        self.answer = Answer()
        self._told: Usage | None = None
        self._dict: Any = None
        self._chunk: Any = None

    def take(self, piece: Any) -> list[Event]:
        """The events that a piece has for the caller now.

        Raises:
            ProviderError: ``malformed`` for what is none of the forms.
        """
        if isinstance(piece, Mapping):
            return self._said(self._of_dict(piece))
        if hasattr(piece, "tool_call_chunks"):
            self._chunk = piece if self._chunk is None else self._chunk + piece
            return self._said(str(piece.text))
        part = answer_from(piece)
        if isinstance(piece, Answer) and part.usage is not None:
            self._told = part.usage
        return self._said(self._joined(part))

    def _of_dict(self, piece: Mapping[str, Any]) -> str:
        if type(piece) is dict or self._dict is None:
            self._dict = piece
        else:
            self._dict = self._dict + piece
        if type(piece) is dict:
            return ""
        name = next((name for name in EARLY if name in self._dict), None)
        return answer_from(piece[name]).text if name is not None and name in piece else ""

    def _joined(self, part: Answer) -> str:
        """Take everything but the text, which is given back."""
        whole = self.answer
        whole.extras.update(part.extras)
        whole.tool_calls += part.tool_calls
        whole.reasoning += part.reasoning
        whole.usage = part.usage or whole.usage
        whole.model, whole.id = part.model or whole.model, part.id or whole.id
        if part.finish != "stop":
            whole.finish, whole.finish_raw = part.finish, part.finish_raw
        return part.text

    def _said(self, text: str) -> list[Event]:
        self.answer.text += text
        return [Text(text)] if text else []

    def end(self) -> list[Event]:
        """What is left to say after the last piece; an only piece that is a dict is said here."""
        events: list[Event] = []
        if self._dict is not None:
            _check(self._dict)
            text = self._joined(answer_from(self._dict))
            events += [] if self.answer.text else self._said(text)
        if self._chunk is not None:
            self._joined(_from_message(self._chunk))
        if self.answer.reasoning:
            events.insert(0, Reasoning(self.answer.reasoning))
        calls = enumerate(self.answer.tool_calls)
        return events + [ToolCallDelta(number, call.id, call.name, call.arguments) for number, call in calls]

    def used(self, bill: Bill) -> Usage | None:
        """What it used: its own word, else what its models told, else what stands in the message that it gave."""
        return self._told or bill.total() or self.answer.usage


def _check(output: Mapping[str, Any]) -> None:
    """Refuse a dict that holds no answer under any of the names.

    Raises:
        ProviderError: ``malformed``, with the names that would do.
    """
    if not any(name in output for name in ANSWERS):
        keys = ", ".join(str(name)[:40] for name in list(output)[:5])
        raise ProviderError("malformed", f"the program gave a dict with {keys or 'nothing'}: its answer belongs under 'answer'")


def says_nothing(answer: Answer) -> bool:
    """Whether there is nothing in it that a caller could use; sources without a word are none."""
    return not answer.text.strip() and not answer.tool_calls and not CONTENT_EXTRAS & answer.extras.keys()


def declined(why: str, usage: Usage | None) -> Answer:
    """The answer of a program that has none."""
    return Answer(usage=usage, finish="other", finish_raw=CANNOT_ANSWER, extras={CANNOT_ANSWER: why or NO_ANSWER})


def closing(answer: Answer) -> list[Event]:
    """The events with which a stream ends whose words have been given out."""
    return [*(Opaque(key, value) for key, value in answer.extras.items()), *last_events(answer)]
