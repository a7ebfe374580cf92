"""A LangChain Runnable as a program: a chain, a graph, whatever has ``invoke``.

What it takes is read from its input schema: messages, a text, or a dict of which one key is the question. It gets the very
messages that the caller gave where these are LangChain's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from langchain_core.messages import BaseMessage, convert_to_messages
from langchain_core.runnables import Runnable, RunnableGenerator, RunnableLambda, RunnableSequence
from langchain_core.runnables.base import RunnableBindingBase

from routed_llm.dialects.hub import plain
from routed_llm.providers.program import Program, given, said
from routed_llm.providers.program_function import signature_of
from routed_llm.requests import Request

__all__ = ["runnable_program"]

#: names that a chain gives to the question, the likeliest first: LangChain's retrieval chains, agents and prompts
QUESTIONS = ("input", "question", "query", "text", "topic")
#: names for the whole conversation, and for what came before the question
CONVERSATIONS, HISTORIES = ("messages",), ("chat_history", "history")


def runnable_program(runnable: Runnable[Any, Any], form: Any = None) -> Program:
    """How a Runnable is asked; ``form`` is what the user says of its input.

    Raises:
        TypeError: where its input schema names several keys, and none of them is known to be the question.
    """
    kind, takes = f"Runnable {runnable.get_name()}", _takes(runnable)
    make = _maker(runnable, form)
    # a graph's stream tells of its steps, and what a step says need not be the answer
    streams = not hasattr(runnable, "stream_mode")

    def ask(request: Request, stream: bool) -> Any:
        value, more = make(request), given(request, takes, kind)
        return runnable.stream(value, **more) if stream and streams else runnable.invoke(value, **more)

    def aask(request: Request, stream: bool) -> Any:
        value, more = make(request), given(request, takes, kind)
        return runnable.astream(value, **more) if stream and streams else runnable.ainvoke(value, **more)

    return Program(kind, None if _is_async_only(runnable) else ask, aask, takes)


def _takes(runnable: Any) -> frozenset[str] | None:
    """What it takes beside its input: what the function that it begins with names; a chain of other parts takes nothing."""
    if isinstance(runnable, RunnableBindingBase):
        return _takes(runnable.bound)
    if isinstance(runnable, RunnableSequence):
        return _takes(runnable.first)
    if isinstance(runnable, RunnableLambda):
        return signature_of(runnable.func if hasattr(runnable, "func") else runnable.afunc)[1]
    return frozenset()


def _is_async_only(runnable: Any) -> bool:
    """Whether a step of it is an async function without a sync twin."""
    if isinstance(runnable, RunnableBindingBase):
        return _is_async_only(runnable.bound)
    if isinstance(runnable, RunnableSequence):
        return any(map(_is_async_only, runnable.steps))
    if isinstance(runnable, RunnableLambda):
        return not hasattr(runnable, "func")
    return isinstance(runnable, RunnableGenerator) and not hasattr(runnable, "_transform")


def _messages(request: Request) -> list[BaseMessage]:
    if request.dialect == "langchain":
        return list(request.payload)
    return convert_to_messages(plain(request.hub_messages(), request.losses))


def _maker(runnable: Runnable[Any, Any], form: Any) -> Callable[[Request], Any]:
    """What makes its input."""
    if form == "text":
        return said
    if form == "messages":
        return _messages
    if form is not None:
        return lambda request: form(_messages(request))
    schema = _resolved(runnable.get_input_jsonschema())
    if schema.get("type") == "string":
        return said
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, Mapping) or not properties:
        return _messages
    return _filler(properties, schema.get("required") or ())


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema that stands behind a reference in it."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return (schema.get("$defs") or {}).get(name, schema) if name else schema


def _filler(properties: Mapping[str, Any], required: Any) -> Callable[[Request], dict[str, Any]]:
    """Fills the dict of a chain: the whole conversation, or the question and what came before it.

    Raises:
        TypeError: where none of several keys is known to be the question.
    """
    whole = [name for name in CONVERSATIONS if name in properties]
    before = [name for name in HISTORIES if name in properties]
    left = [name for name in required if name not in (*whole, *before)]
    left = left or ([] if whole else [name for name in properties if name not in before])
    question = next((name for name in QUESTIONS if name in left), left[0] if len(left) == 1 else None)
    if (question is None and not whole) or any(name != question for name in left):
        keys = ", ".join(left or properties)
        raise TypeError(f"its input is a dict with {keys}: say how it is made, by Model(..., input=lambda messages: {{...}}).")

    def fill(request: Request) -> dict[str, Any]:
        messages = _messages(request) if whole or before else []
        told: dict[str, Any] = dict.fromkeys(whole, messages)
        told.update(dict.fromkeys(before, messages[:-1]))
        if question is not None:
            told[question] = request.view.user_text() if whole or before else said(request)
        return told

    return fill
