"""litellm as a reader of recorded exchanges; run by ``compare_readers.py`` in an environment that has it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from peers import QUESTION, answer, class_of, main

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # no download of a price list while litellm is imported

#: exception -> the classes for which it may stand
CLASSES = {
    "AuthenticationError": {"auth"},
    "PermissionDeniedError": {"permission"},
    "NotFoundError": {"not_found"},
    "RateLimitError": {"rate_limit", "quota"},
    "ContextWindowExceededError": {"context_length"},
    "ContentPolicyViolationError": {"content_policy"},
    "BadRequestError": {"bad_request"},
    "UnprocessableEntityError": {"bad_request"},
    "ServiceUnavailableError": {"overloaded", "server_error"},
    "InternalServerError": {"overloaded", "server_error"},
    "BadGatewayError": {"overloaded", "server_error"},
    "APIConnectionError": {"connection"},
    "Timeout": {"timeout"},
}
#: provider of the recordings -> litellm's own prefix, where it has one for this interface and reads as well by it; all others
#: are asked as OpenAI (so is Groq, whose answers litellm 1.110 reads worse by its own prefix)
PREFIXES = {
    "anthropic-messages": {"": "anthropic"},
    "bedrock-converse": {"": "bedrock/converse"},
    "gemini-generate": {"": "gemini"},
    "openai-responses": {"": "openai"},
    "openai-chat": {
        "": "openai", "cerebras": "cerebras", "deepseek": "deepseek", "mistral": "mistral",
        "openrouter": "openrouter", "perplexity": "perplexity", "together": "together_ai",
    },
}  # fmt: skip


@contextmanager
def reading(exchange: dict[str, Any], url: str) -> Iterator[Callable[[], Any]]:
    """Asks once for each call."""
    import litellm

    litellm.suppress_debug_info = True
    dialect, stream = exchange["dialect"], exchange["stream"]
    prefixes = PREFIXES[dialect]
    # of models that it does not know litellm asks no stream by the Responses API
    model = "gpt-5" if dialect == "openai-responses" else exchange["model"] or "model"
    options: dict[str, Any] = {
        "model": f"{prefixes.get(exchange['provider'], prefixes[''])}/{model}",
        "api_key": "k", "api_base": url, "timeout": 20, "stream": stream, "max_retries": 0, "num_retries": 0,
    }  # fmt: skip
    if dialect == "bedrock-converse":
        options |= {"aws_bedrock_runtime_endpoint": url, "aws_region_name": "us-east-1"}

    def chat() -> Any:
        more = {"stream_options": {"include_usage": True}} if stream and dialect == "openai-chat" else {}
        messages = [{"role": "user", "content": QUESTION}]
        told = litellm.completion(messages=messages, **options, **more)
        return _chat(litellm.stream_chunk_builder(list(told), messages=messages) if stream else told)

    def responses() -> Any:
        told = litellm.responses(input=QUESTION, **options)
        if stream:
            told = next(each.response for each in reversed(list(told)) if getattr(each, "response", None) is not None)
        return _response(told)

    yield responses if dialect == "openai-responses" else chat


def _chat(told: Any) -> SimpleNamespace:
    choice, usage = told.choices[0], getattr(told, "usage", None)
    message = choice.message
    thought = getattr(message, "reasoning_content", None) or getattr(message, "thinking_blocks", None)
    calls = [(call.function.name, call.function.arguments) for call in message.tool_calls or ()]
    counts = usage and (
        usage.prompt_tokens,
        usage.completion_tokens,
        getattr(getattr(usage, "prompt_tokens_details", None), "cached_tokens", None),
        getattr(getattr(usage, "completion_tokens_details", None), "reasoning_tokens", None),
    )
    return answer(message.content, calls, choice.finish_reason, counts, thought)


def _response(told: Any) -> SimpleNamespace:
    items = [each if isinstance(each, dict) else each.model_dump() for each in told.output]
    usage = told.usage
    texts = [part.get("text") or part.get("refusal") or "" for i in items if i["type"] == "message" for part in i["content"]]
    calls = [(item["name"], item["arguments"]) for item in items if item["type"] == "function_call"]
    counts = usage and (
        usage.input_tokens,
        usage.output_tokens,
        getattr(getattr(usage, "input_tokens_details", None), "cached_tokens", None),
        getattr(getattr(usage, "output_tokens_details", None), "reasoning_tokens", None),
    )
    finish = getattr(told.incomplete_details, "reason", None) or told.status
    return answer("".join(texts), calls, finish, counts, any(item["type"] == "reasoning" for item in items))


def classes(error: BaseException) -> set[str]:
    """What an error may stand for."""
    return class_of(error, CLASSES)


if __name__ == "__main__":
    main(lambda dialect: (reading, classes), ("litellm",))
