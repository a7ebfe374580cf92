"""Annotations of an answer that name no source, or a place that its text does not have."""

import pytest
from answering_server import AnsweringServer
from llama_index.core.base.llms.types import CitationBlock
from llama_index.core.llms import ChatMessage

from routed_llm import Model, RoutedChatModel, RoutedLLM

NAMED = {"type": "url_citation", "url_citation": {"url": "https://a.example", "title": "A"}}


def placed(start, end):
    return {"type": "url_citation", "url_citation": {**NAMED["url_citation"], "start_index": start, "end_index": end}}


def cited_by(annotations):
    """What both doors make of an answer "Hi" with these annotations."""
    message = {"role": "assistant", "content": "Hi", "annotations": annotations}
    body = {"model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    with AnsweringServer(body, []) as url:
        pool = [Model("openai:gpt-5-mini", base_url=url, api_key="k")]
        (block,) = RoutedChatModel(pool).invoke("Hello").content_blocks
        answer = RoutedLLM(pool).chat([ChatMessage("Hello")]).message
    return block.get("annotations", []), [each for each in answer.blocks if isinstance(each, CitationBlock)]


@pytest.mark.parametrize("odd", [3, None, "", [], {}, {"type": "odd"}, {"type": "odd", "start_index": 0, "end_index": 1}])
def test_what_names_no_source_is_no_citation(odd):
    annotations, blocks = cited_by([odd, NAMED])
    assert annotations == [{"type": "citation", "url": "https://a.example", "title": "A"}]
    assert [block.source for block in blocks] == ["https://a.example"]


@pytest.mark.parametrize("place", [(0, 900), (-1, 1), (2, 1), (None, 1), (0, None), (True, 2), ("0", 1)])
def test_a_place_that_the_text_does_not_have_is_dropped_as_a_whole(place):
    (annotation,), (block,) = cited_by([placed(*place)])
    assert annotation == {"type": "citation", "url": "https://a.example", "title": "A"}
    assert block.additional_location_info == {}


@pytest.mark.parametrize("place", [(0, 2), (1, 1), (2, 2)])
def test_a_place_in_the_text_is_kept(place):
    (annotation,), (block,) = cited_by([placed(*place)])
    assert (annotation["start_index"], annotation["end_index"]) == place
    assert block.additional_location_info == {"start_index": place[0], "end_index": place[1]}


def test_a_list_of_citations_that_is_none_is_left_out():
    assert cited_by(3) == ([], [])
