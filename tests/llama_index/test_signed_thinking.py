"""Whose signed thinking stands in a transcript, in the forms in which LlamaIndex's integrations keep it."""

import pytest
from llama_index.core.base.llms.types import ChatMessage, TextBlock, ThinkingBlock

from routed_llm.llama_index.view import MessagesView


def answer(about, **beside):
    return ChatMessage(
        role="assistant",
        blocks=[ThinkingBlock(content="hm", additional_information=about), TextBlock(text="4")],
        additional_kwargs=beside,
    )


@pytest.mark.parametrize(
    ("message", "providers"),
    [
        (answer({"signature": "s"}), {"anthropic"}),
        (answer({"type": "redacted_thinking", "data": "x"}), {"anthropic"}),
        (answer({"id": "rs_1", "type": "reasoning", "encrypted_content": None}), {"openai"}),
        (answer({"id": "1", "type": "reasoning", "encrypted_content": "x"}), {"openai"}),
        (answer({"thought_signature": "s"}), {"google"}),
        (answer({}, thought_signatures=[None, b"s"]), {"google"}),
        (answer({}, thought_signatures=[None]), set()),
        (answer({}), set()),
        (ChatMessage(role="user", content="4"), set()),
    ],
)
def test_a_signature_binds_to_its_provider(message, providers):
    assert MessagesView([message]).bound_to() == providers
