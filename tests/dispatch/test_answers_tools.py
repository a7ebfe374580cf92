"""Tool calls whose arguments are none, or are not the tool's; through both doors, whole and streamed."""

import json

import pytest
from answering import AnswerServer, Said, call
from four_modes import MODES, ask
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from llama_index.core.tools import FunctionTool

from routed_llm import RoutedChatModel, RoutedLLM
from routed_llm.errors import AnswerCut


@tool
def weather(city: str, days: int = 1) -> str:
    """The weather in a city."""
    return city


GOOD = Said(None, "tool_calls", [call({"city": "Oslo", "days": 2})])
DEEP = '{"city": ' * 300 + "1" + "}" * 300
BAD = {
    "no JSON": call("{city"),
    "no object": call("[1]"),
    "missing": call({"days": 3}),
    "wrong type": call({"city": ["Oslo"]}),
    "deep": call(DEEP),
    "deeper than a stack": call('{"city":' * 50_000),
    "unknown tool": call({"city": "Oslo"}, "forecast"),
}


def bound(server, **kwargs):
    return RoutedChatModel(server.models, quiet_fallbacks=True, **kwargs).bind_tools([weather])


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
@pytest.mark.parametrize("bad", BAD)
def test_the_next_deployment_calls_it_better(bad, mode):
    with AnswerServer(a=Said(None, "tool_calls", [BAD[bad]]), b=GOOD) as server:
        answer = ask(bound(server), mode)
        assert answer.tool_calls[0]["args"] == {"city": "Oslo", "days": 2}
        assert server.asked == ["a", "b"]
        assert answer.response_metadata["routing"]["attempts"][0]["error"] == "invalid_tool_calls"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("bad", ["no JSON", "no object", "deep", "deeper than a stack"])
def test_what_all_say_is_given_in_the_place_for_it(bad, mode):
    said = Said(None, "tool_calls", [BAD[bad]])
    with AnswerServer(a=said, b=said) as server:
        answer = ask(bound(server), mode)
        if not mode.endswith("stream"):  # what LangChain makes of chunks is its own business: it reads what it can
            [invalid] = answer.invalid_tool_calls
            assert (invalid["name"], invalid["args"]) == ("weather", BAD[bad]["function"]["arguments"])
            assert not answer.tool_calls
        assert answer.response_metadata["routing"]["warning"].startswith("invalid_tool_calls: ")
        assert server.asked == (["a"] if mode.endswith("stream") else ["a", "b"])


def test_what_a_tool_would_convert_is_fine():
    with AnswerServer(a=Said(None, "tool_calls", [call({"city": "Oslo", "days": "2", "more": 1})]), b=GOOD) as server:
        assert ask(bound(server), "invoke").tool_calls[0]["args"]["days"] == "2"
        assert server.asked == ["a"]
    with AnswerServer(a=Said(None, "tool_calls", [call("null", "now")]), b=GOOD) as server:

        @tool
        def now() -> str:
            """The time."""
            return "now"

        answer = ask(RoutedChatModel(server.models).bind_tools([now]), "invoke")
        assert (answer.tool_calls[0]["args"], server.asked) == ({}, ["a"])


def test_a_tool_that_had_to_be_called_and_was_not():
    with AnswerServer(a=Said("It is sunny."), b=GOOD) as server:
        model = RoutedChatModel(server.models, quiet_fallbacks=True)
        assert ask(model.bind_tools([weather], tool_choice="any"), "invoke").tool_calls
        assert server.asked == ["a", "b"]
        assert ask(model.bind_tools([weather]), "invoke").text == "It is sunny."


def test_a_call_that_is_cut():
    cut = Said(None, "length", [call('{"city": "Os')])
    with AnswerServer(a=cut, b=cut) as server:
        model = RoutedChatModel(server.models, quiet_fallbacks=True)
        answer = ask(model.bind_tools([weather]), "invoke")
        assert answer.invalid_tool_calls
        assert "max_tokens" in answer.response_metadata["routing"]["warning"]
        with pytest.raises(AnswerCut):  # just this one had to be called: a typed answer
            ask(model.bind_tools([weather], tool_choice="weather"), "invoke")


def test_a_wrapped_object_shows_what_it_could_not_read():
    with AnswerServer(a=Said(None, "tool_calls", [BAD["no JSON"]]), b=GOOD) as server:
        objects = [ChatOpenAI(model=name, base_url=server.base_url, api_key="none") for name in ("a", "b")]
        answer = ask(RoutedChatModel(objects, quiet_fallbacks=True).bind_tools([weather]), "invoke")
        assert answer.tool_calls[0]["args"]["city"] == "Oslo"
        assert server.asked == ["a", "b"]
        silent = Said("")
        server.says = {"a": silent, "b": Said("Here.")}
        assert ask(RoutedChatModel(objects, quiet_fallbacks=True), "invoke").text == "Here."


def test_the_other_door():
    def forecast(city: str) -> str:
        """The weather."""
        return city

    said = call("{city", "forecast")
    better = Said(None, "tool_calls", [call({"city": "Oslo"}, "forecast")])
    with AnswerServer(a=Said(None, "tool_calls", [said]), b=better) as server:
        llm = RoutedLLM(server.models, quiet_fallbacks=True)
        response = llm.chat_with_tools([FunctionTool.from_defaults(forecast)], "q")
        assert llm.get_tool_calls_from_response(response)[0].tool_kwargs == {"city": "Oslo"}
        assert server.asked == ["a", "b"]
        server.says["b"] = server.says["a"]
        response = llm.chat_with_tools([FunctionTool.from_defaults(forecast)], "q")
        assert response.additional_kwargs["routing"]["warning"].startswith("invalid_tool_calls: ")
        assert json.dumps("{city") in response.message.model_dump_json()
