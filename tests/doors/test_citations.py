"""Documents to cite go to the models as they were given, and what answers cite comes back in the frameworks' own forms."""

import base64
from functools import reduce
from operator import add

import pytest
from answering_server import AnsweringServer
from langchain_core.messages import HumanMessage, message_to_dict, messages_from_dict
from llama_index.core.base.llms.types import CitableBlock, CitationBlock, DocumentBlock, ImageBlock, TextBlock
from llama_index.core.llms import ChatMessage

from routed_llm import Model, RoutedChatModel, RoutedLLM

GRASS = {
    "type": "search_result_location", "cited_text": "Grass is green.", "source": "https://grass.example", "title": "Grass",
    "search_result_index": 0, "start_block_index": 0, "end_block_index": 1,
}  # fmt: skip
SKY = {
    "type": "char_location", "cited_text": "The sky is blue.", "document_index": 1, "document_title": "Sky",
    "start_char_index": 0, "end_char_index": 16, "file_id": None,
}  # fmt: skip
TEXTS = [("Green", [GRASS]), (" and ", None), ("blue", [SKY]), (".", None)]
CONTENT = [{"type": "text", "text": text, **({"citations": cited} if cited else {})} for text, cited in TEXTS]
ANSWER = {
    "id": "msg_1", "type": "message", "model": "claude-sonnet-4-6", "content": CONTENT, "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "output_tokens": 5},
}  # fmt: skip
PDF = base64.b64encode(b"%PDF-1.4").decode()


def events():
    yield {"type": "message_start", "message": {**ANSWER, "content": [], "stop_reason": None}}
    for index, (text, citations) in enumerate(TEXTS):
        block = {"type": "text", "text": "", **({"citations": []} if citations else {})}
        yield {"type": "content_block_start", "index": index, "content_block": block}
        for each in citations or ():
            delta = {"type": "citations_delta", "citation": each}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}
        yield {"type": "content_block_stop", "index": index}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}
    yield {"type": "message_stop"}


@pytest.fixture
def sent():
    return []


@pytest.fixture
def claude(sent):
    with AnsweringServer(ANSWER, sent, list(events())) as url:
        yield [Model("anthropic:claude-sonnet-4-6", base_url=url, api_key="k")]


ASKED = [
    {"type": "search_result", "source": "https://grass.example", "title": "Grass",
     "content": [{"type": "text", "text": "Grass is green."}], "citations": {"enabled": True}},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "The sky is blue."}, "title": "Sky",
     "context": "From a book.", "citations": {"enabled": True}},
    {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}, "title": "Paper",
     "citations": {"enabled": True}},
    {"type": "text", "text": "What is green?"},
]  # fmt: skip
CITE = {"citations": {"enabled": True}}
STANDARD = [
    ASKED[0],
    {"type": "text-plain", "mime_type": "text/plain", "text": "The sky is blue.", "title": "Sky", "context": "From a book.",
     "extras": CITE},
    {"type": "file", "mime_type": "application/pdf", "base64": PDF, "extras": {**CITE, "title": "Paper"}},
    ASKED[3],
]  # fmt: skip


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("blocks", [ASKED, STANDARD], ids=["anthropic's", "standard"])
def test_langchain(claude, sent, blocks, streamed):
    model = RoutedChatModel(claude)
    asked = HumanMessage(blocks)
    answer = reduce(add, model.stream([asked])) if streamed else model.invoke([asked])
    assert sent[0]["messages"][0]["content"] == ASKED
    assert "losses" not in answer.response_metadata["routing"]
    assert answer.text == "Green and blue."
    found = answer.content_blocks
    assert [block["text"] for block in found] == [text for text, _ in TEXTS]
    assert found[0]["annotations"] == [{
        "type": "citation", "url": "https://grass.example", "title": "Grass", "cited_text": "Grass is green.",
        "extras": {"search_result_index": 0, "start_block_index": 0, "end_block_index": 1},
    }]  # fmt: skip
    assert found[2]["annotations"][0]["title"] == "Sky"
    assert "annotations" not in found[1]
    (stored,) = messages_from_dict([message_to_dict(answer)])
    assert stored.content_blocks == found
    model.invoke([asked, stored, HumanMessage("Sure?")])
    again = sent[-1]["messages"][1]["content"]
    assert [block.get("citations") for block in again] == [cited for _, cited in TEXTS]


@pytest.mark.parametrize("streamed", [False, True])
def test_llama_index(claude, sent, streamed):
    llm = RoutedLLM(claude)
    asked = ChatMessage(
        role="user",
        blocks=[
            CitableBlock(title="Grass", source="https://grass.example", content="Grass is green."),
            CitableBlock(title="Paper", source="p. 1", content=[DocumentBlock(data=b"%PDF-1.4", title="Paper")]),
            TextBlock(text="What is green?"),
        ],
    )
    response = list(llm.stream_chat([asked]))[-1] if streamed else llm.chat([asked])
    paper = {**ASKED[2], "title": "Paper.pdf", "context": "Paper (p. 1)"}
    assert sent[0]["messages"][0]["content"] == [ASKED[0], paper, ASKED[3]]
    assert response.message.content == "Green and blue."
    green, blue = (block for block in response.message.blocks if isinstance(block, CitationBlock))
    assert (green.cited_content.text, green.source, green.title) == ("Grass is green.", "https://grass.example", "Grass")
    assert green.additional_location_info == {
        "search_result_index": 0, "start_block_index": 0, "end_block_index": 1, "start_index": 0, "end_index": 5,
    }  # fmt: skip
    assert (blue.source, blue.additional_location_info["start_index"]) == ("Sky", 10)
    llm.chat([asked, response.message, ChatMessage(role="user", content="Sure?")])
    again = sent[-1]["messages"][1]["content"]
    assert [block.get("citations") for block in again] == [cited for _, cited in TEXTS]


def test_citations_that_llama_index_keeps_of_others_go_back_to_anthropic(claude, sent):
    place = {"search_result_index": 0, "start_block_index": 0, "end_block_index": 1}
    cited = CitationBlock(
        cited_content="Grass is green.", source="https://g.example", title="Grass", additional_location_info=place
    )
    vague = CitationBlock(cited_content="It is.", source="s", title="t", additional_location_info={})
    earlier = ChatMessage(role="assistant", blocks=[TextBlock(text="Green."), cited, vague])
    response = RoutedLLM(claude).chat([ChatMessage("What is green?"), earlier, ChatMessage("Sure?")])
    (block,) = sent[0]["messages"][1]["content"]
    assert block["citations"] == [{**GRASS, "source": "https://g.example"}]
    assert response.additional_kwargs["routing"]["losses"] == ["citations of an earlier turn"]  # the vague one


def test_a_picture_within_a_source_is_sent_behind_it(claude, sent):
    picture = ImageBlock(image=b"\x89PNG\r\n\x1a\n", image_mimetype="image/png")
    RoutedLLM(claude).chat([ChatMessage(role="user", blocks=[CitableBlock(title="t", source="s", content=[picture])])])
    (block,) = sent[0]["messages"][0]["content"]
    assert block["type"] == "image"


URL = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 4}


@pytest.mark.parametrize("dialect", ["openai.chat", "openai.responses"])
def test_annotations_of_openai(dialect, sent):
    if dialect == "openai.chat":
        nested = {"type": "url_citation", "url_citation": {k: v for k, v in URL.items() if k != "type"}}
        message = {"role": "assistant", "content": "News.", "annotations": [nested]}
        body = {"model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    else:
        text = {"type": "output_text", "text": "News.", "annotations": [URL]}
        item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [text]}
        body = {"id": "r", "object": "response", "status": "completed", "model": "m", "output": [item]}
    with AnsweringServer(body, sent) as url:
        pool = [Model("openai:gpt-5-mini", base_url=url, api_key="k", dialect=dialect)]
        (block,) = RoutedChatModel(pool).invoke("What is new?").content_blocks
        cited = [
            each for each in RoutedLLM(pool).chat([ChatMessage("What?")]).message.blocks if isinstance(each, CitationBlock)
        ]
    assert block["annotations"] == [{**URL, "type": "citation"}]
    assert [(each.source, each.title, each.additional_location_info) for each in cited] == [
        ("https://a.example", "A", {"start_index": 0, "end_index": 4})
    ]


def test_citations_of_google_stand_in_the_whole_text(sent):
    candidate = {
        "content": {"role": "model", "parts": [{"text": "News."}]}, "finishReason": "STOP",
        "groundingMetadata": {
            "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
            "groundingSupports": [{"segment": {"endIndex": 4, "text": "News"}, "groundingChunkIndices": [0]}],
        },
    }  # fmt: skip
    with AnsweringServer({"candidates": [candidate], "modelVersion": "gemini-3"}, sent) as url:
        model = RoutedChatModel([Model("gemini:gemini-3-flash-preview", base_url=url, api_key="k")])
        (block,) = model.invoke("What is new?").content_blocks
    found = {
        "type": "citation",
        "url": "https://a.example",
        "title": "A",
        "cited_text": "News",
        "start_index": 0,
        "end_index": 4,
    }
    assert block == {"type": "text", "text": "News.", "annotations": [found]}


def test_where_a_document_cannot_be_cited_it_is_told_and_read_as_a_text(sent):
    body = {
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Grass."}, "finish_reason": "stop"}],
    }
    with AnsweringServer(body, sent) as url:
        model = RoutedChatModel([Model("openai:gpt-5-mini", base_url=url, api_key="k")])
        answer = model.invoke([HumanMessage(STANDARD)])
    assert answer.response_metadata["routing"]["losses"] == ["the citable form of a source: sent as its content"]
    parts = sent[0]["messages"][0]["content"]
    assert [part.get("text") for part in parts] == [
        "Grass (https://grass.example):\nGrass is green.", "From a book.\nSky:\nThe sky is blue.", None, "What is green?"
    ]  # fmt: skip
