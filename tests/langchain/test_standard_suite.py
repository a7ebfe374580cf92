"""LangChain's own standard suites, over HTTP against the served simulated models, every switch on.

Three pools: entries of strings, wrapped ``ChatOpenAI`` objects, and one whose first candidate is always down.
"""

import pytest
from langchain_openai import ChatOpenAI
from langchain_tests.unit_tests import ChatModelUnitTests
from standard_suite import SERVER, EverySwitch, entries

from routed_llm import Model, RoutedChatModel
from routed_llm.testing import Sandbox, SandboxServer

DOWN = SandboxServer(Sandbox(speed=0))


@pytest.fixture(autouse=True, scope="module")
def _serving(standard_server):
    with DOWN:
        DOWN.sandbox.fail(status=500)
        yield


class UnitSuite(ChatModelUnitTests):
    __test__ = False
    supports_image_inputs = True
    supports_image_urls = True
    supports_pdf_inputs = True
    supports_audio_inputs = True
    supports_anthropic_inputs = True

    @property
    def chat_model_class(self):
        return RoutedChatModel

    @property
    def init_from_env_params(self):
        return {"OPENAI_API_KEY": "k-env"}, {"models": ["openai:gpt-5-mini"]}, {"model_name": "gpt-5-mini"}


class TestUnit(UnitSuite):
    __test__ = True

    @property
    def chat_model_params(self):
        return {"models": ["openai:gpt-5-mini", "openai:gpt-5"], "api_key": "k"}


class TestUnitWrappedObjects(UnitSuite):
    __test__ = True

    @property
    def chat_model_params(self):
        return {"models": [ChatOpenAI(model=name, api_key="k") for name in ("gpt-5-mini", "gpt-5")]}


class TestUnitFirstCandidateDown(UnitSuite):
    __test__ = True

    @property
    def chat_model_params(self):
        # nothing is called in these tests; the address is that of nobody
        return {"models": ["ollama:nobody-home", "openai:gpt-5-mini"], "api_key": "k"}


class TestStrings(EverySwitch):
    __test__ = True

    @property
    def chat_model_params(self):
        return {"models": entries("sandbox-large", "sandbox-medium", "sandbox-reasoner")}


class TestFirstCandidateDown(EverySwitch):
    __test__ = True

    @property
    def chat_model_params(self):
        down = Model("sandbox-large", name="down", base_url=DOWN.base_url)
        return {"models": [down, *entries("sandbox-large", "sandbox-medium")], "quiet_fallbacks": True}


# ChatOpenAI keeps one async client for all event loops, which breaks when a loop ends: so these tests share one loop
@pytest.mark.asyncio(loop_scope="class")
@pytest.mark.filterwarnings("ignore:The test .* is marked with:pytest.PytestWarning")
class TestWrappedObjects(EverySwitch):
    __test__ = True
    # ChatOpenAI gets the caller's own messages, and OpenAI's chat completions take no media in tool messages
    supports_image_tool_message = False
    supports_pdf_tool_message = False

    @property
    def chat_model_params(self):
        return {
            "models": [
                ChatOpenAI(model=name, base_url=SERVER.base_url, api_key="x", stream_usage=True)
                for name in ("sandbox-large", "sandbox-medium")
            ]
        }
