"""LangChain's standard suites with every switch on, shared by the test modules that run them."""

import ast
import base64
import inspect
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests
from standard_media import wav

from routed_llm import RoutedChatModel
from routed_llm.providers.sandbox import DEFAULT_MODELS
from routed_llm.providers.sandbox_endpoint import sandbox_entries
from routed_llm.testing import Sandbox, SandboxServer

__all__ = ["EverySwitch", "SERVER", "dialect_entries", "entries"]


def signed_by_claude() -> list[str]:
    """Signatures in the suite's own histories, which Claude made and no simulated model can check."""
    tree = ast.parse(inspect.getsource(ChatModelIntegrationTests))
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return [text for text in texts if text.startswith("ErUB")]


SERVER = SandboxServer(Sandbox(speed=0, trusted=signed_by_claude()))


def entries(*names: str):
    """Entries of the served simulated models, by name."""
    by_name = {entry.model: entry for entry in sandbox_entries(DEFAULT_MODELS, SERVER.base_url)}
    return [by_name[name] for name in names]


def dialect_entries(dialect: str, *names: str):
    """The same, spoken to in another dialect; in this order."""
    url = {"anthropic.messages": SERVER.anthropic_url, "gemini.generate": SERVER.gemini_url}.get(dialect, SERVER.base_url)
    by_name = {model.name: model for model in DEFAULT_MODELS}
    return sandbox_entries([by_name[name] for name in names], url, dialect=dialect)


class EverySwitch(ChatModelIntegrationTests):
    """All features on; what a suite's own hooks must supply."""

    __test__ = False
    model_class = RoutedChatModel

    supports_json_mode = True
    supports_image_inputs = True
    supports_image_urls = True
    supports_image_tool_message = True
    supports_pdf_inputs = True
    supports_pdf_tool_message = True
    supports_audio_inputs = True
    supports_anthropic_inputs = True
    enable_vcr_tests = True

    @property
    def chat_model_class(self):
        return RoutedChatModel

    @property
    def model_override_value(self):
        return "sandbox-medium"

    @property
    def supported_usage_metadata_details(self):
        details = ["audio_input", "reasoning_output", "cache_read_input"]
        return {"invoke": details, "stream": details}

    def _ask(self, message: Any, stream: bool, **params: Any) -> AIMessage:
        model = RoutedChatModel(**self.chat_model_params)
        if not stream:
            return model.invoke([message], **params)
        chunks = list(model.stream([message], **params))
        full = chunks[0]
        for chunk in chunks[1:]:
            full = full + chunk
        return full

    def invoke_with_audio_input(self, *, stream=False):
        data = base64.b64encode(wav()).decode()
        part = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
        return self._ask(HumanMessage([{"type": "text", "text": "What is this?"}, part]), stream)

    def invoke_with_reasoning_output(self, *, stream=False):
        return self._ask(HumanMessage("What is 17 * 23?"), stream, reasoning_effort="high")

    def invoke_with_cache_read_input(self, *, stream=False):
        long = HumanMessage("All that was said before. " * 500)
        self._ask(long, stream)
        return self._ask(long, stream)
