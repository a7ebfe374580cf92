"""Answer schemas of a call, and the objects that are made of typed answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from llama_index.core.base.llms.types import ChatResponse
from llama_index.core.bridge.pydantic import BaseModel, ValidationError
from llama_index.core.program.utils import create_flexible_model

from routed_llm.door.schema import schema_of
from routed_llm.llama_index.growing import growing_json, unfenced
from routed_llm.requests import SchemaBinding

__all__ = ["BoundSchema", "Partials", "parsed", "schema_binding", "typed_kwargs"]

#: what LlamaIndex's own programs take out of ``llm_kwargs`` too: a typed answer decides these itself
_DECIDED = ("tool_required", "tool_choice", "allow_parallel_tool_calls", "response_format")


class BoundSchema(dict[str, Any]):
    """An OpenAI ``response_format`` that remembers the caller's own class."""

    def __init__(self, output_cls: type[BaseModel]) -> None:
        super().__init__(type="json_schema", json_schema=_named(output_cls))
        self.original = output_cls

    def __deepcopy__(self, memo: dict[int, Any]) -> BoundSchema:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (dict, (dict(self),))


@lru_cache(maxsize=256)
def _named(output_cls: type[BaseModel]) -> dict[str, Any]:
    """Name, description and JSON schema of a class; dear to make, and extraction asks with one class again and again."""
    schema = output_cls.model_json_schema()
    # OpenAI's rule for names; generic classes have brackets in theirs
    name = re.sub(r"[^a-zA-Z0-9_-]", "_", str(schema.get("title") or output_cls.__name__))[:64]
    named: dict[str, Any] = {"name": name, "schema": schema}
    if schema.get("description"):
        named["description"] = schema["description"]
    return named


def typed_kwargs(output_cls: type[BaseModel], llm_kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Keywords of a call for a typed answer."""
    kwargs = {name: value for name, value in (llm_kwargs or {}).items() if name not in _DECIDED}
    return {**kwargs, "response_format": BoundSchema(output_cls)}


def schema_binding(response_format: Any, strict: bool | None) -> SchemaBinding | None:
    """The answer schema of a call: a pydantic class, or a ``response_format`` as OpenAI takes it; None where there is none."""
    if isinstance(response_format, type) and issubclass(response_format, BaseModel):
        response_format = BoundSchema(response_format)
    if not response_format or not isinstance(response_format, Mapping):
        return None
    return schema_of(response_format, strict, getattr(response_format, "original", None))


def parsed(response: ChatResponse, output_cls: type[BaseModel]) -> BaseModel:
    """The object that a typed answer is.

    Raises:
        ValueError: where it is none; names the model that answered and what is wrong.
    """
    text = response.message.content or ""
    try:
        return output_cls.model_validate_json(unfenced(text))
    except ValidationError as error:
        model = response.additional_kwargs.get("routing", {}).get("model", "the model")
        answer = f"{text[:200]!r}..." if len(text) > 200 else repr(text)
        raise ValueError(
            f"Structured output extraction failed: the answer of {model} could not be parsed into {output_cls.__name__}. "
            f"{_cause(response)}Error: {error}. Answer: {answer}"
        ) from error


def _cause(response: ChatResponse) -> str:
    """What explains an answer that is no object: a refusal, or that there was no room for the rest of it."""
    refusal = response.message.additional_kwargs.get("refusal")
    if isinstance(refusal, str) and refusal:
        return f"The model refused: {refusal[:200]!r}. "
    if isinstance(response.raw, Mapping) and response.raw.get("finish_reason") in ("length", "max_tokens"):
        return "It was cut: there was no room for more tokens; raise max_tokens. "
    return ""


class Partials:
    """Objects of a typed answer that is still growing: flexible ones first, of the class itself as soon as they fit it."""

    __slots__ = ("_current", "_flexible", "_text", "output_cls")

    def __init__(self, output_cls: type[BaseModel]) -> None:
        self.output_cls = output_cls
        self._flexible = create_flexible_model(output_cls)
        self._current: BaseModel = self._flexible()
        self._text: str | None = None

    def of(self, response: ChatResponse) -> BaseModel:
        """The object so far; the one before where the new text says nothing that can be read."""
        text = response.message.content
        if not text or text == self._text:
            return self._current
        self._text = text
        found = growing_json(unfenced(text))
        if isinstance(found, dict):
            self._current = self._validated(found)
        return self._current

    def _validated(self, found: dict[str, Any]) -> BaseModel:
        for cls in (self.output_cls, self._flexible):
            try:
                return cls.model_validate(found)
            except ValidationError:
                continue
        return self._current
