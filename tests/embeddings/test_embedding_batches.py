"""How texts are cut into batches."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routed_llm.door.embedding import inherited
from routed_llm.door.texts import TextsView, batches
from routed_llm.hints import Hints
from routed_llm.prompt.estimate import text_tokens
from routed_llm.router import Router


@given(st.lists(st.text(max_size=60), max_size=60), st.integers(1, 9), st.integers(1, 40))
def test_batches_hold_all_texts_in_order_within_both_limits(texts, most, tokens):
    cut = list(batches(texts, most, tokens))
    assert [text for batch in cut for text in batch] == texts
    for batch in cut:
        assert 1 <= len(batch) <= most
        assert len(batch) == 1 or sum(map(text_tokens, batch)) <= tokens


@given(st.lists(st.text(max_size=30), min_size=1, max_size=30), st.integers(1, 9), st.integers(1, 40))
def test_no_batch_ends_before_it_must(texts, most, tokens):
    cut = list(batches(texts, most, tokens))
    for batch, after in itertools.pairwise(cut):
        assert len(batch) == most or sum(map(text_tokens, [*batch, after[0]])) > tokens


def test_long_texts_make_small_batches_by_themselves():
    assert [len(batch) for batch in batches(["word " * 40_000] * 7, 512)] == [3, 3, 1]
    assert [len(batch) for batch in batches(["x" * 2_000_000] * 2, 512)] == [1, 1]


def test_routing_sees_length_and_nothing_of_a_chat():
    view = TextsView(["abcde", "a"])
    assert (view.characters, view.media, view.turns, view.has_tool_results()) == (12, frozenset(), 0, False)
    assert view.user_text() == "abcde\na"


def test_of_a_runs_hints_embeddings_inherit_what_means_something_to_them():
    router = Router("sandbox", purpose="embeddings")
    around = Hints(
        {
            "user": "u",
            "tags": "t",
            "private": True,
            "max_cost": 1,
            "needs": "tools",
            "prefer": ["gpt", "sandbox"],
            "exclude": "x",
        }
    )
    kept = inherited(around, router.catalog)
    assert kept == {"user": "u", "tags": ("t",), "private": True, "prefer": ["sandbox"]}
    with pytest.raises(KeyError):
        kept["exclude"]
