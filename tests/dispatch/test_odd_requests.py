"""Requests that nobody could send as they are: refused here, before anything leaves, or passed on unchanged."""

import openai
import pytest
from answering import AnswerServer, Said
from four_modes import MODES, ask
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.llms import ChatMessage

from routed_llm import Model, RoutedChatModel, RoutedLLM
from routed_llm.errors import CallFailed, ConfigurationError, InvalidCall, UnknownModel

HERE = Said("Here.")


def nested(depth):
    inner = {}
    for _ in range(depth):
        inner = {"a": inner}
    return inner


def called(arguments):
    call = {"name": "f", "args": arguments, "id": "1"}
    return [HumanMessage("q"), AIMessage("", tool_calls=[call]), ToolMessage("a", tool_call_id="1")]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("messages", "kwargs"),
    [
        ([HumanMessage("half a\ud800 character")], {}),
        ([HumanMessage([{"type": "text", "text": "\udfff"}])], {}),
        (called({"a\ud800": 1}), {}),
        (called(nested(5_000)), {}),
        ([HumanMessage("q")], {"metadata": nested(5_000)}),
        ([HumanMessage("q")], {"tools": [{"type": "function", "function": {"name": "f", "parameters": nested(5_000)}}]}),
        ([HumanMessage("q")], {"seed": object()}),
    ],
    ids=["surrogate", "in a part", "in arguments", "deep arguments", "deep parameter", "deep tool", "no JSON"],
)
def test_what_cannot_be_written_is_refused_before_it_leaves(messages, kwargs, mode):
    with AnswerServer(a=HERE, b=HERE) as server:
        model = RoutedChatModel(server.models)
        with pytest.raises(InvalidCall):
            ask(model, mode, messages, **kwargs)
        assert server.asked == []
        assert not model.router.live.cooling
        assert all(not attempt.sent for record in model.router.records() for attempt in record.attempts)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("text", ["nul \0 inside", "bidi \u202e\u2066\ufeff\uffff", '{"a":' * 5_000, "\U0001f600" * 1_000])
def test_odd_text_is_passed_on_unchanged(text, mode):
    with AnswerServer(a=HERE) as server:
        assert ask(RoutedChatModel(server.models), mode, [HumanMessage(text)]).text == "Here."
        assert server.bodies[0]["messages"][0]["content"] == text


def test_very_many_parts_are_passed_on():
    parts = [{"type": "text", "text": "x"}] * 200_000
    with AnswerServer(a=HERE) as server:
        assert ask(RoutedChatModel(server.models), "invoke", [HumanMessage(parts)]).text == "Here."
        assert len(server.bodies[0]["messages"][0]["content"]) == 200_000


def test_objects_and_clients_are_not_blamed_for_half_a_character():
    with AnswerServer(a=HERE) as server:
        pools = (
            [ChatOpenAI(model=name, base_url=server.base_url, api_key="none") for name in "ab"],
            [(openai.OpenAI(base_url=server.base_url, api_key="none"), name) for name in "ab"],
        )
        for pool in pools:
            model = RoutedChatModel(list(pool))
            with pytest.raises(CallFailed) as caught:
                ask(model, "invoke", [HumanMessage("\ud800")])
            assert (caught.value.kind, len(caught.value.attempts), caught.value.attempts[0].sent) == ("bad_request", 1, False)
            assert not model.router.live.cooling
        assert server.asked == []


def test_the_other_door():
    with AnswerServer(a=HERE) as server:
        llm = RoutedLLM(server.models)
        block = ToolCallBlock(tool_call_id="1", tool_name="f", tool_kwargs=nested(5_000))
        for message in (ChatMessage("\ud800"), ChatMessage(role="assistant", blocks=[block])):
            with pytest.raises(InvalidCall):
                llm.chat([message])
        assert server.asked == []
        assert llm.chat([ChatMessage("nul \0")]).message.content == "Here."


@pytest.mark.parametrize(
    "name", ["", " ", "a\r\nx-evil: 1", "a\0", "a\ud800", "a\u202eb", "../../admin", "x/..", "m" * 2_000], ids=ascii
)
def test_what_is_no_name_of_a_model(name):
    url = "http://127.0.0.1:9/v1"
    for models in (
        [Model(name, base_url=url)], {name: Model("m", base_url=url)}, [f"openai:{name}"],
    ):  # fmt: skip
        with pytest.raises(ConfigurationError) as caught:
            RoutedChatModel(models, api_key="none")
        assert len(str(caught.value)) < 2_500  # the alias is the place where it stands
    with AnswerServer(a=HERE) as server:
        with pytest.raises(UnknownModel) as refused:
            RoutedChatModel(server.models).invoke("q", model=name or "b")
        assert len(str(refused.value)) < 2_000
        assert server.asked == []


@pytest.mark.parametrize(
    "given",
    [
        {"headers": {"x": "a\r\nb: c"}},
        {"headers": {"x\r\ny": "a"}},
        {"headers": {"x": "a" * 100_000}},
        {"headers": {"x" * 100_000 + "\n": "a"}},
        {"api_key": "k\r\nx: y"},
        {"base_url": "http://127.0.0.1:9/v1\r\nx: y"},
        {"base_url": "file:///etc/passwd"},
    ],
    ids=str,
)
def test_what_no_header_or_address_can_carry(given):
    with pytest.raises(ConfigurationError) as caught:
        RoutedChatModel([Model("m", **{"base_url": "http://127.0.0.1:9/v1", "api_key": "none", **given})])
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_larger_than_the_limit_goes_to_the_next(mode):
    huge = Said(raw=b'{"choices": [{"message": {"content": "' + b"x" * (17 * 1024 * 1024) + b'"}, "finish_reason": "stop"}]}')
    with AnswerServer(a=huge, b=HERE) as server:
        model = RoutedChatModel(server.models, quiet_fallbacks=True)
        if mode.endswith("stream"):  # a stream is never held as a whole: its limit is another
            assert len(ask(model, mode).text) > 17_000_000
        else:
            answer = ask(model, mode)
            assert answer.text == "Here."
            assert answer.response_metadata["routing"]["attempts"][0]["error"] == "too_large"
