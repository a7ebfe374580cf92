"""LangChain's standard suites with deployments in Anthropic's, Gemini's and the Responses API's dialect behind the router.

Every switch is on that the dialect can express; the classes below say which are not, and why.
"""

import pytest
from langchain_core.messages import HumanMessage
from standard_suite import EverySwitch, dialect_entries

pytestmark = pytest.mark.usefixtures("standard_server")


class TestAnthropic(EverySwitch):
    __test__ = True
    # the Messages API has no place for sound
    supports_audio_inputs = False

    @property
    def chat_model_params(self):
        return {"models": dialect_entries("anthropic.messages", "sandbox-large", "sandbox-medium", "sandbox-reasoner")}

    @property
    def supported_usage_metadata_details(self):
        details = ["reasoning_output", "cache_read_input", "cache_creation_input"]
        return {"invoke": details, "stream": details}

    def _marked(self, about):
        """A prompt with a cache mark, which alone is cached."""
        block = {"type": "text", "text": f"All that was said of {about} before. " * 500, "cache_control": {"type": "ephemeral"}}
        return HumanMessage([block])

    def invoke_with_cache_creation_input(self, *, stream=False):
        return self._ask(self._marked(f"writing {stream}"), stream)

    def invoke_with_cache_read_input(self, *, stream=False):
        self._ask(self._marked(f"reading {stream}"), stream)
        return self._ask(self._marked(f"reading {stream}"), stream)


class TestGemini(EverySwitch):
    __test__ = True

    @property
    def model_override_value(self):
        return "gemini-3-sandbox-medium"  # the version of Gemini whose rules it keeps stands before its name

    @property
    def chat_model_params(self):
        return {"models": dialect_entries("gemini.generate", "sandbox-large", "sandbox-medium", "sandbox-reasoner")}


class TestResponses(EverySwitch):
    __test__ = True
    # the Responses API has no place for sound
    supports_audio_inputs = False

    @property
    def chat_model_params(self):
        return {"models": dialect_entries("openai.responses", "sandbox-large", "sandbox-medium", "sandbox-reasoner")}

    @property
    def supported_usage_metadata_details(self):
        details = ["reasoning_output", "cache_read_input"]
        return {"invoke": details, "stream": details}


#: what is switched off: what a dialect has no place for, and films, for which the suites have no test
OFF = {
    TestAnthropic: {"supports_audio_inputs", "supports_video_inputs"},
    TestGemini: {"supports_video_inputs"},
    TestResponses: {"supports_audio_inputs", "supports_video_inputs"},
}


@pytest.mark.parametrize("suite", OFF)
def test_every_other_switch_is_on(suite):
    made = suite()
    switches = [name for name in dir(made) if name.startswith(("supports_", "has_"))]
    assert {name for name in switches if not getattr(made, name)} == OFF[suite]
    assert len(switches) > 10
