"""Refuses bodies of embeddings that OpenAI would refuse. The names are those of ``openai.types.embedding_create_params``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.providers.sandbox.checks import need, need_choice, need_count, need_list, need_text, only
from routed_llm.providers.sandbox.embedding import SandboxEmbedding
from routed_llm.providers.sandbox.replies import Refusal
from routed_llm.providers.sandbox.tokens import count_text

__all__ = ["MOST_INPUTS", "MOST_TOKENS", "Input", "check_embeddings"]

Input = str | list[int]

#: texts and tokens of one request at most (OpenAI API reference, embeddings)
MOST_INPUTS, MOST_TOKENS = 2_048, 300_000
_KNOWN = frozenset({"model", "input", "dimensions", "encoding_format", "user"})


def check_embeddings(body: Mapping[str, Any], model: SandboxEmbedding) -> list[tuple[Input, int]]:
    """The inputs of a body, each a text or token numbers, with its tokens.

    Raises:
        Refusal: naming the first thing that is wrong.
    """
    only(body, _KNOWN)
    if body.get("dimensions") is not None:
        need_count(body["dimensions"], "dimensions", 1, model.dimensions)
    if body.get("encoding_format") is not None:
        need_choice(body["encoding_format"], "encoding_format", ("float", "base64"))
    if body.get("user") is not None:
        need_text(body["user"], "user")
    counted = [(each, len(each) if isinstance(each, list) else count_text(each)) for each in _inputs(need(body, "input"))]
    for _, tokens in counted:
        if tokens > model.context:
            raise Refusal(
                f"This model's maximum context length is {model.context} tokens, however you requested {tokens} tokens "
                f"({tokens} in your prompt; 0 for the completion). Please reduce your prompt; or completion length."
            )
    total = sum(tokens for _, tokens in counted)
    if total > MOST_TOKENS:
        raise Refusal(
            f"Requested {total} tokens, max {MOST_TOKENS} tokens per request", kind="max_tokens_per_request", param="input",
            code="max_tokens_per_request",
        )  # fmt: skip
    return counted


def _inputs(given: Any) -> list[Input]:
    """The inputs one by one: a text, texts, tokens, or lists of tokens."""
    if isinstance(given, str):
        return [need_text(given, "input", filled=True)]
    listed = need_list(given, "input", least=1)
    if all(_is_token(each) for each in listed):
        return [listed]
    need_list(listed, "input", most=MOST_INPUTS)
    kind = str if isinstance(listed[0], str) else list
    for number, each in enumerate(listed):
        path = f"input[{number}]"
        if kind is str:
            need_text(each, path, filled=True)
        elif not all(_is_token(token) for token in need_list(each, path, least=1)):
            raise Refusal(f"Invalid '{path}': expected token integers.", param=path, code="invalid_type")
    return listed


def _is_token(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
