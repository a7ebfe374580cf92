"""Answers that came and do not serve: the next deployment is asked, both are billed, and nothing wrong comes in silence."""

import pytest
from answering import AnswerServer, Said, call
from four_modes import MODES, ask
from langchain_core.exceptions import ModelError, OutputParserException
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel

from routed_llm import RoutedChatModel, RoutedLLM
from routed_llm.errors import AnswerCut, CallFailed


class Person(BaseModel):
    """A person."""

    name: str
    age: int


WHOLE = '{"name": "Anna", "age": 31}'
GOOD = Said(WHOLE)
BAD = {
    "no JSON": (Said("Anna is 31."), "invalid_json"),
    "part of the schema": (Said('{"name": "Anna"}'), "invalid_json"),
    "wrong type": (Said('{"name": "Anna", "age": "old"}'), "invalid_json"),
    "deeper than anything": (Said('{"a":' * 300 + "1" + "}" * 300), "invalid_json"),
    "cut": (Said('{"name": "An', "length"), "cut"),
    "cut before it began": (Said("", "length"), "cut"),
    "nothing": (Said(""), "empty"),
    "null": (Said(None), "empty"),
}
BOTH = 2 * (10 * 1_000 + 5 * 10_000)  # nano-dollars: 10 tokens at 1 and 5 at 10 dollars a million, twice


def routed(server, **kwargs):
    return RoutedChatModel(server.models, quiet_fallbacks=True, **kwargs)


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
@pytest.mark.parametrize("bad", BAD, ids=str)
def test_the_next_deployment_is_asked_and_both_are_billed(bad, mode):
    said, kind = BAD[bad]
    with AnswerServer(a=said, b=GOOD) as server:
        model = routed(server)
        answer = ask(model, mode, response_format=Person)
        assert answer.text == WHOLE
        assert server.asked == ["a", "b"]
        routing = answer.response_metadata["routing"]
        assert [attempt.get("error") for attempt in routing["attempts"]] == [kind, None]
        assert "warning" not in routing
        assert routing["cost_nanousd"] == BOTH
        [record] = model.router.records()
        assert (record.outcome, len(record.attempts)) == ("answered", 2)
        assert not model.router.live.cooling  # nobody is benched for what he says
        assert ask(model, mode, response_format=Person).text == WHOLE
        assert server.asked == ["a", "b", "a", "b"]


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
@pytest.mark.parametrize("bad", [name for name, (_, kind) in BAD.items() if kind != "cut"], ids=str)
def test_what_every_deployment_says_is_given_with_a_warning(bad, mode):
    said, kind = BAD[bad]
    with AnswerServer(a=said, b=said) as server:
        answer = ask(routed(server), mode, response_format=Person)
        assert answer.text == (said.text or "")
        routing = answer.response_metadata["routing"]
        assert routing["warning"].startswith(f"{kind}: ")
        assert routing["cost_nanousd"] == BOTH
        assert server.asked == ["a", "b"]


@pytest.mark.parametrize("mode", MODES)
def test_a_typed_answer_that_is_cut_everywhere_is_an_error_of_its_own_and_no_parse_error(mode):
    with AnswerServer(a=BAD["cut"][0], b=BAD["cut"][0]) as server:
        model = routed(server)
        with pytest.raises(AnswerCut) as caught:
            ask(model, mode, response_format=Person)
        error = caught.value
        assert isinstance(error, ModelError)
        assert not isinstance(error, OutputParserException)
        assert (error.kind, error.partial.text) == ("cut", '{"name": "An')
        assert "max_tokens" in str(error)
        streamed = mode.endswith("stream")  # there it was shown already
        assert server.asked == (["a"] if streamed else ["a", "b"])
        [record] = model.router.records()
        assert record.outcome == ("broken" if streamed else "failed")
        assert record.cost_nanousd == (BOTH // 2 if streamed else BOTH)


def test_an_answer_that_is_whole_is_one_although_there_was_no_room_left():
    with AnswerServer(a=Said(WHOLE, "length")) as server:
        assert routed(server).with_structured_output(Person).invoke("q") == Person(name="Anna", age=31)


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_every_method_of_with_structured_output(method):
    def said(text):
        return Said(None, "tool_calls", [call(text, "Person")]) if method == "function_calling" else Said(text)

    for bad in ("{", "[1"):
        with AnswerServer(a=said(bad), b=said(WHOLE)) as server:
            assert routed(server).with_structured_output(Person, method=method).invoke("q") == Person(name="Anna", age=31)
            assert server.asked == ["a", "b"]
    with AnswerServer(a=said("{"), b=said("{")) as server:
        found = routed(server).with_structured_output(Person, method=method, include_raw=True).invoke("q")
        assert found["raw"].response_metadata["routing"]["warning"]
        assert (found["parsed"], found["parsing_error"] is not None) == (None, method != "function_calling")


def test_a_class_takes_what_it_converts_and_a_plain_schema_does_not():
    spoken = Said('```json\n{"name": "Anna", "age": "31"}\n```')
    with AnswerServer(a=spoken, b=GOOD) as server:
        assert routed(server).with_structured_output(Person).invoke("q") == Person(name="Anna", age=31)
        assert server.asked == ["a"]
        plain = routed(server).with_structured_output(Person.model_json_schema()).invoke("q")
        assert plain == {"name": "Anna", "age": 31}
        assert server.asked == ["a", "a", "b"]


def test_a_validator_of_the_users_decides_too_and_one_that_breaks_decides_nothing():
    from pydantic import field_validator

    class Adult(Person):
        @field_validator("age")
        @classmethod
        def grown(cls, age):
            if age == 0:
                raise KeyError("this validator is broken")
            assert age >= 18
            return age

    with AnswerServer(a=Said('{"name": "Tim", "age": 9, "more": 1}'), b=GOOD) as server:
        assert routed(server).with_structured_output(Adult).invoke("q").age == 31
        assert server.asked == ["a", "b"]
    with AnswerServer(a=Said('{"name": "Tim", "age": 0}'), b=GOOD) as server, pytest.raises(KeyError):
        routed(server).with_structured_output(Adult).invoke("q")


@pytest.mark.parametrize("said", [Said(None, refusal="I will not."), Said("I'm sorry, but I can't help with that.")], ids=str)
def test_a_refusal_is_an_answer_unless_the_caller_wants_another(said):
    with AnswerServer(a=said, b=Said("Here it is.")) as server:
        assert ask(routed(server), "invoke").text == (said.text or "")
        assert server.asked == ["a"]
        picky = routed(server, retry_on=["refusal"])
        assert ask(picky, "invoke").text == "Here it is."
        assert server.asked == ["a", "a", "b"]
    with AnswerServer(a=said, b=said) as server:
        routing = ask(routed(server, retry_on=["refusal"]), "invoke").response_metadata["routing"]
        assert routing["warning"].startswith("refusal: ")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "said",
    [
        Said(None, status=400, error={"message": "no", "code": "content_filter"}),
        Said(None, error={"message": "no", "code": "content_filter"}),
        Said("", "content_filter"),
    ],
    ids=["400", "200 with an error", "finish"],
)
def test_what_a_filter_took_goes_to_nobody_laxer_unless_the_caller_says_so(said, mode):
    with AnswerServer(a=said, b=Said("Here it is.")) as server:
        model = routed(server)
        with pytest.raises(CallFailed) as caught:
            ask(model, mode)
        assert caught.value.kind == "content_policy"
        assert server.asked == ["a"]
        [record] = model.router.records()
        assert record.outcome == "failed"
        answer = ask(routed(server, retry_on=["content_policy"]), mode)
        assert answer.text == "Here it is."
        assert server.asked == ["a", "a", "b"]
    with AnswerServer(a=said, b=said) as server:
        with pytest.raises(CallFailed) as caught:
            ask(routed(server, retry_on=["content_policy"]), mode)
        assert caught.value.kind == "content_policy"
        assert server.asked == ["a", "b"]


@pytest.mark.parametrize("mode", MODES)
def test_what_a_filter_left_is_an_answer(mode):
    left = Said("The beginning is ", "content_filter")
    with AnswerServer(a=left, b=Said("Here it is.")) as server:
        answer = ask(routed(server), mode)
        assert answer.text == left.text
        assert answer.response_metadata["finish_reason"] == "content_filter"
        assert answer.response_metadata["routing"]["warning"].startswith("content_policy: ")
        assert server.asked == ["a"]
    with AnswerServer(a=left, b=Said("", "content_filter")) as server:
        answer = ask(routed(server, retry_on=["content_policy"]), mode)
        assert answer.text == left.text
        if not mode.endswith("stream"):  # there it may have been shown by then
            assert server.asked == ["a", "b"]


def test_what_does_not_count_is_taken_at_once_with_a_warning():
    with AnswerServer(a=Said("no JSON"), b=GOOD) as server:
        answer = ask(routed(server, retry_on=[]), "invoke", response_format=Person)
        assert answer.text == "no JSON"
        assert answer.response_metadata["routing"]["warning"].startswith("invalid_json: ")
    with AnswerServer(a=BAD["cut"][0], b=GOOD) as server, pytest.raises(AnswerCut):
        ask(routed(server, retry_on=[]), "invoke", response_format=Person)
    with AnswerServer(a=Said(""), b=GOOD) as server:
        assert ask(routed(server, retry_on=[]), "invoke").response_metadata["routing"]["warning"].startswith("empty: ")


@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_nothing_in_a_stream_fails_over_unseen(mode):
    with AnswerServer(a=Said(""), b=Said("Here.")) as server:
        assert ask(routed(server), mode).text == "Here."
        assert server.asked == ["a", "b"]
    with AnswerServer(a=Said("", "length"), b=GOOD) as server:
        assert ask(routed(server), mode, response_format=Person).text == WHOLE
        assert server.asked == ["a", "b"]


@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_what_a_stream_has_shown_is_told_at_its_end(mode):
    with AnswerServer(a=Said("no JSON at all", gap=0.01), b=GOOD) as server:
        answer = ask(routed(server), mode, response_format=Person)
        assert answer.text == "no JSON at all"
        assert answer.response_metadata["routing"]["warning"].startswith("invalid_json: ")
        assert server.asked == ["a"]


def test_the_other_door():
    ask_for = PromptTemplate("Who is it?")
    with AnswerServer(a=Said("no JSON"), b=GOOD) as server:
        llm = RoutedLLM(server.models, quiet_fallbacks=True)
        assert llm.structured_predict(Person, ask_for) == Person(name="Anna", age=31)
        assert server.asked == ["a", "b"]
    with AnswerServer(a=BAD["cut"][0], b=BAD["cut"][0]) as server:
        llm = RoutedLLM(server.models, quiet_fallbacks=True)
        with pytest.raises(AnswerCut):
            llm.structured_predict(Person, ask_for)
        with pytest.raises(AnswerCut):
            list(llm.stream_structured_predict(Person, ask_for))
    with AnswerServer(a=Said(""), b=Said("")) as server:
        told = RoutedLLM(server.models, quiet_fallbacks=True).chat([ChatMessage("q")])
        assert told.additional_kwargs["routing"]["warning"].startswith("empty: ")


@pytest.mark.parametrize("mode", MODES)
def test_what_the_first_ones_filter_refused_is_not_taken_from_a_hedge(mode):
    refused = Said(None, status=400, error={"message": "no", "code": "content_filter"}, delay=0.25)
    with AnswerServer(a=refused, b=Said("Here it is.", delay=0.6)) as server:
        model = routed(server, hedge={"after": 0.05, "share": 1.0})
        with pytest.raises(CallFailed) as caught:
            ask(model, mode)
        assert caught.value.kind == "content_policy"
        assert server.asked == ["a", "b"]
        [record] = model.router.records()
        assert record.outcome == "failed"
        answer = ask(routed(server, hedge={"after": 0.05, "share": 1.0}, retry_on=["content_policy"]), mode)
        assert answer.text == "Here it is."
