"""LangChain's partner packages as readers of recorded exchanges; run by ``compare_readers.py`` where they are installed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from operator import add
from types import SimpleNamespace
from typing import Any

from peers import QUESTION, answer, class_of, main

PACKAGES = ("langchain-anthropic", "langchain-aws", "langchain-google-genai", "langchain-openai")
#: langchain-core's exceptions, and those of the clients where a package hands them on -> the classes for which they may stand
CLASSES = {
    "ContextOverflowError": {"context_length"},
    "ModelRefusalError": {"content_policy"},
    "ModelAuthenticationError": {"auth"},
    "ModelPermissionDeniedError": {"permission"},
    "ModelNotFoundError": {"not_found"},
    "ModelRateLimitError": {"rate_limit", "quota"},
    "ModelInvalidRequestError": {"bad_request"},
    "ModelConnectionError": {"connection"},
    "ModelTimeoutError": {"timeout"},
    "ModelAPIError": {"server_error", "overloaded"},
    "AuthenticationError": {"auth"},
    "PermissionDeniedError": {"permission"},
    "NotFoundError": {"not_found"},
    "RateLimitError": {"rate_limit", "quota"},
    "BadRequestError": {"bad_request"},
    "UnprocessableEntityError": {"bad_request"},
    "InternalServerError": {"server_error", "overloaded"},
    "APIConnectionError": {"connection"},
    "APITimeoutError": {"timeout"},
}
#: Bedrock's codes, which botocore tells, or the status where the recording has no header with the code
CODES = {
    "400": {"bad_request"},
    "ThrottlingException": {"rate_limit"},
    "ValidationException": {"bad_request"},
    "ResourceNotFoundException": {"not_found"},
    "AccessDeniedException": {"permission"},
    "UnrecognizedClientException": {"auth"},
    "ServiceUnavailableException": {"overloaded", "server_error"},
    "InternalServerException": {"overloaded", "server_error"},
}


def model_of(exchange: dict[str, Any], url: str) -> Any:
    """The chat model of the dialect, pointed at the server."""
    dialect, model = exchange["dialect"], exchange["model"] or "model"
    if dialect == "anthropic-messages":
        from langchain_anthropic import ChatAnthropic

        return ChatAnthropic(model=model, base_url=url, api_key="k", max_retries=0, timeout=20)
    if dialect == "gemini-generate":
        from langchain_google_genai import ChatGoogleGenerativeAI

        return ChatGoogleGenerativeAI(model=model, base_url=url, api_key="k", max_retries=1, timeout=20)
    if dialect == "bedrock-converse":
        from langchain_aws import ChatBedrockConverse

        more = {"provider": "amazon"} if model.startswith("arn:") else {}
        return ChatBedrockConverse(model=model, endpoint_url=url, region_name="us-east-1", max_retries=0, **more)
    from langchain_openai import ChatOpenAI

    options: dict[str, Any] = {"model": model, "base_url": url, "api_key": "k", "max_retries": 0, "timeout": 20}
    if dialect == "openai-responses":
        return ChatOpenAI(**options, use_responses_api=True, output_version="responses/v1")
    # which interface it asks depends on the model, unless it is told
    return ChatOpenAI(**options, use_responses_api=False, stream_usage=True)


@contextmanager
def reading(exchange: dict[str, Any], url: str) -> Iterator[Callable[[], Any]]:
    """Asks once for each call."""
    model = model_of(exchange, url)
    yield lambda: _answer(reduce(add, model.stream(QUESTION)) if exchange["stream"] else model.invoke(QUESTION))


def _answer(message: Any) -> SimpleNamespace:
    told, about = message.usage_metadata, message.response_metadata
    calls = [(call["name"], call["args"]) for call in (*message.tool_calls, *message.invalid_tool_calls)]
    words = ("finish_reason", "stop_reason", "stopReason")
    finish = next((about[name] for name in words if about.get(name)), None)
    finish = finish or (about.get("incomplete_details") or {}).get("reason") or about.get("status")
    counts = told and (
        told["input_tokens"],
        told["output_tokens"],
        told.get("input_token_details", {}).get("cache_read"),
        told.get("output_token_details", {}).get("reasoning"),
    )
    thought = message.additional_kwargs.get("reasoning_content") or any(
        block["type"] == "reasoning" or "thinking" in str(block.get("value", {}).get("type"))
        for block in message.content_blocks
    )
    return answer(message.text, calls, finish, counts, thought)


def classes(error: BaseException) -> set[str]:
    """What an error may stand for."""
    from botocore.exceptions import ClientError

    if isinstance(error, ClientError):
        return CODES.get(error.response["Error"]["Code"], set())
    return class_of(error, CLASSES)


if __name__ == "__main__":
    os.environ |= {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "k", "AWS_EC2_METADATA_DISABLED": "true"}
    main(lambda dialect: (reading, classes), PACKAGES)
