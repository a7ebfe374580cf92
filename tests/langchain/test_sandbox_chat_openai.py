"""The sandbox is good enough for ChatOpenAI to pass LangChain's own standard suite on it, with every switch on."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests
from standard_media import wav

from routed_llm.testing import Sandbox, SandboxServer

Detail = Literal["audio_input", "audio_output", "reasoning_output", "cache_read_input", "cache_creation_input"]


SERVER = SandboxServer(Sandbox(speed=0))


@pytest.fixture(autouse=True, scope="module")
def _serving() -> Iterator[None]:
    with SERVER:
        yield


# ChatOpenAI keeps one async client for all event loops, which breaks when a loop ends: so the tests share one loop.
@pytest.mark.asyncio(loop_scope="class")
@pytest.mark.filterwarnings("ignore:The test .* is marked with:pytest.PytestWarning")
class TestChatOpenAIOnSandbox(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[ChatOpenAI]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "sandbox-large", "base_url": SERVER.base_url, "api_key": "x", "stream_usage": True}

    supports_json_mode = True
    supports_image_inputs = True
    supports_image_urls = True
    supports_pdf_inputs = True
    supports_audio_inputs = True
    supports_anthropic_inputs = True
    model_override_value = "sandbox-medium"
    enable_vcr_tests = False

    @property
    def supported_usage_metadata_details(self) -> dict[Literal["invoke", "stream"], list[Detail]]:
        details: list[Detail] = ["audio_input", "reasoning_output", "cache_read_input"]
        return {"invoke": details, "stream": details}

    def _ask(self, message: Any, stream: bool, **params: Any) -> AIMessage:
        model = ChatOpenAI(**{**self.chat_model_params, **params})
        if not stream:
            answer = model.invoke([message])
            assert isinstance(answer, AIMessage)
            return answer
        chunks = list(model.stream([message]))
        full = chunks[0]
        for chunk in chunks[1:]:
            full = full + chunk
        return full

    def invoke_with_audio_input(self, *, stream: bool = False) -> AIMessage:
        data = base64.b64encode(wav()).decode()
        part = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
        return self._ask(HumanMessage([{"type": "text", "text": "What is this?"}, part]), stream)

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self._ask(HumanMessage("What is 17 * 23?"), stream, reasoning_effort="high")

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        long = HumanMessage("All that was said before. " * 500)
        self._ask(long, stream)
        answer = self._ask(long, stream)
        assert answer.usage_metadata is not None
        assert answer.usage_metadata["input_token_details"]["cache_read"] >= 1024
        return answer
