"""Whose signed thinking stands in a transcript, in every form in which LangChain keeps it, and who spoke before."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from routed_llm import RoutedChatModel
from routed_llm.langchain.view import MessagesView

SIGNED = {
    "anthropic": [
        AIMessage([{"type": "thinking", "thinking": "hm", "signature": "sig"}, {"type": "text", "text": "4"}]),
        AIMessage([{"type": "redacted_thinking", "data": "xx"}]),
        AIMessage([{"type": "non_standard", "value": {"type": "redacted_thinking", "data": "xx"}}]),
        AIMessage([{"type": "reasoning", "reasoning": "hm", "extras": {"signature": "sig"}}]),
    ],
    "openai": [
        AIMessage([{"type": "reasoning", "id": "rs_1", "summary": []}, {"type": "text", "text": "4"}]),
        AIMessage([{"type": "reasoning", "summary": [], "encrypted_content": "xx"}]),
        AIMessage([{"type": "reasoning", "reasoning": "hm", "extras": {"encrypted_content": "xx"}}]),
        AIMessage("4", additional_kwargs={"reasoning": {"id": "rs_1", "summary": []}}),
    ],
    "google": [
        AIMessage("", additional_kwargs={"__gemini_function_call_thought_signatures__": {"1": "sig"}}),
        AIMessage([{"type": "text", "text": "4", "extras": {"signature": "sig"}}]),
        AIMessage([{"type": "function_call_signature", "signature": "sig", "index": 0}]),
    ],
    "google_genai": [
        AIMessage(
            [{"type": "thinking", "thinking": "hm", "signature": "s"}], response_metadata={"model_provider": "google_genai"}
        ),
    ],
    "bedrock": [AIMessage([{"type": "reasoning_content", "reasoning_content": {"text": "hm", "signature": "s"}}])],
    "openrouter": [AIMessage("4", additional_kwargs={"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]})],
    "house": [
        AIMessage(
            [{"type": "thinking", "thinking": "hm", "signature": "s"}], response_metadata={"routing": {"provider": "house"}}
        ),
    ],
}
PLAIN = [
    AIMessage("4"),
    AIMessage([{"type": "text", "text": "4"}]),
    AIMessage([{"type": "thinking", "thinking": "hm"}]),
    AIMessage([{"type": "reasoning", "reasoning": "hm"}]),
    AIMessage("4", additional_kwargs={"reasoning_content": "hm"}),
    AIMessage("4", additional_kwargs={"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}),
    AIMessage("", tool_calls=[{"name": "f", "args": {}, "id": "1"}]),
    HumanMessage([{"type": "thinking", "signature": "not an answer"}]),
    ToolMessage("4", tool_call_id="1"),
]


@pytest.mark.parametrize(("provider", "message"), [(provider, m) for provider, many in SIGNED.items() for m in many])
def test_a_signature_binds_to_its_provider(provider, message):
    assert MessagesView([HumanMessage("2 + 2?"), message, HumanMessage("sure?")]).bound_to() == {provider}


def test_what_is_not_signed_binds_to_nobody():
    assert MessagesView(PLAIN).bound_to() == frozenset()
    assert MessagesView([*PLAIN, SIGNED["openai"][0], SIGNED["anthropic"][0]]).bound_to() == {"openai", "anthropic"}


def test_who_spoke_before_is_read_from_the_answers():
    model = RoutedChatModel({"first": "sandbox:sandbox-small", "second": "sandbox:sandbox-large"})
    answer = model.invoke("What is 1 + 1?", model="second")
    transcript = [HumanMessage("What is 1 + 1?"), answer, HumanMessage("And 2 + 2?")]
    rule = {"strategy": "rules", "rules": [{"name": "stay", "if": {"spoke_before": "second"}, "prefer": "second"}]}
    again = RoutedChatModel({"first": "sandbox:sandbox-small", "second": "sandbox:sandbox-large"}, strategy=rule)
    assert again.invoke(transcript).response_metadata["routing"]["model"] == "second"
    assert again.invoke("Hello").response_metadata["routing"]["model"] == "first"
    foreign = AIMessage("2", response_metadata={"model_name": "gpt-5"})
    assert MessagesView([foreign]).spoke_before() == "gpt-5"
    assert MessagesView([AIMessage("2")]).spoke_before() is None
