"""Texts within structured values, and what tool calls weigh in the views of both doors."""

import base64
from dataclasses import dataclass
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage
from llama_index.core.base.llms.types import ChatMessage, TextBlock, ToolCallBlock
from pydantic import AnyUrl, BaseModel

from routed_llm.langchain.view import MessagesView as LangChainView
from routed_llm.llama_index.view import MessagesView as LlamaIndexView
from routed_llm.prompt.strings import joined, texts_in

MEDIA = base64.b64encode(Random(1).randbytes(3_000)).decode()


def test_lines_in_order_with_keys_and_numbers():
    value = {"a": "one", "b": {"c": ["two", 3], "on": True, "no": None}, "d": ({"e": 4.5},)}
    assert joined(value) == "a: one\nb\nc: two\nc: 3\nd\ne: 4.5"


class Model(BaseModel, extra="allow"):
    site: AnyUrl
    price: Decimal


@dataclass
class Plain:
    said: str


def test_models_dataclasses_and_what_writes_itself():
    value = [Model(site="https://example.com/a", price="1.5", more="m"), Plain("p"), Plain, print, object(), b"bytes"]
    assert joined(value) == "site: https://example.com/a\nprice: 1.5\nmore: m\nsaid: p"


@pytest.mark.parametrize(
    "value",
    [
        {"data": MEDIA},
        {"file_data": f"data:application/pdf;name=a.pdf;base64,{MEDIA}"},
        {"anything": f"data:image/png;base64,{MEDIA}"},
        {"thought_signatures": [MEDIA.replace("+", "-")]},
        {"id": "call_AbC123456789", "tool_use_id": "toolu_01A09q90qw90lq917835lq9"},
    ],
)
def test_media_signatures_and_given_numbers_are_left_out(value):
    assert joined(value) == ""


@pytest.mark.parametrize(
    "value",
    [
        {"data": "my card is 4111 1111 1111 1111 " * 3},
        {"data": "4111111111111111"},
        {"words": MEDIA},
        {"url": "data:text/plain," + "my card is 4111111111111111 " * 3},
        {"id": "4111111111111111"},
        {"signature": "Yours, Ann Lee, 12 Long Street, 4111 1111 1111 1111, ann@example.com"},
    ],
)
def test_what_only_has_the_name_of_media_is_read(value):
    assert joined(value) == ": ".join(*value.items())


def test_base64_of_a_text_is_decoded():
    text = "my card is 4111 1111 1111 1111"
    for said in (text, text * 9):
        encoded = base64.b64encode(said.encode()).decode()
        assert said in joined({"source": {"media_type": "text/plain", "data": encoded}})
    assert text * 9 in joined({"url": f"data:text/csv;base64,{encoded}"})


def test_a_block_of_text_stays_as_it_is_and_a_cycle_ends():
    assert list(texts_in({"type": "text", "text": "as it is", "id": "lc_1"})) == ["as it is"]
    assert list(texts_in({"type": "text", "text": "a", "note": "b"})) == ["a", "type: text\nnote: b"]
    loop: list = ["once"]
    loop.append(loop)
    assert joined(loop) == "once"


LEAVES = st.text(min_size=1).filter(lambda text: len(text) < 64)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, min_size=1) | st.dictionaries(LEAVES, inner, min_size=1), max_leaves=12
)


@given(TREES)
def test_every_text_of_every_shape_is_there(tree):
    text = joined(tree)
    left = [tree]
    while left:
        each = left.pop()
        if isinstance(each, str):
            assert each in text or each.startswith(("call", "fc", "msg", "rs", "run", "lc", "resp"))
        else:
            left.extend(each.values() if isinstance(each, dict) else each)


ARGS = {"path": "a.py", "content": "x = 1\n" * 500}


def test_arguments_of_tools_weigh_once_at_both_doors():
    call = {"name": "write", "args": ARGS, "id": "call_1"}
    use = {"type": "tool_use", "id": "call_1", "name": "write", "input": ARGS}
    bad = {"name": "write", "args": str(ARGS), "id": "call_1", "error": None}
    plain = LangChainView([AIMessage("", tool_calls=[call])]).characters
    assert 3_000 < plain < 3_700
    assert LangChainView([AIMessage([use], tool_calls=[call])]).characters == plain
    assert LangChainView([AIMessage([use])]).characters >= plain
    assert LangChainView([AIMessage("", invalid_tool_calls=[bad])]).characters == plain
    assert LangChainView([AIMessage("four", tool_calls=[call])]).characters == plain + 4
    block = ToolCallBlock(tool_call_id="call_1", tool_name="write", tool_kwargs=ARGS)
    older = {"tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "write", "arguments": str(ARGS)}}]}
    of_blocks = LlamaIndexView([ChatMessage(role="assistant", blocks=[block])]).characters
    assert of_blocks == plain
    both = ChatMessage(role="assistant", blocks=[block], additional_kwargs=older)
    assert LlamaIndexView([both]).characters == of_blocks
    beside = ChatMessage(role="assistant", blocks=[TextBlock(text="four")], additional_kwargs=older)
    assert plain <= LlamaIndexView([beside]).characters < plain + 100


def test_other_letters_weigh_more():
    chinese, english = ({"name": "f", "args": {"a": letter * 400}, "id": "call_1"} for letter in ("好", "a"))
    few, many = (LangChainView([AIMessage("", tool_calls=[call])]).characters for call in (english, chinese))
    assert many > 3.5 * few
