"""Messages on the wire of chat completions: every block and role, what is lost, and what cannot be sent."""

import base64
import io
import json

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)
from llama_index.core.llms import ChatMessage
from llm_pools import bodies, pool, question
from media_samples import PDF, PNG, WAV

from routed_llm import Model, RoutedLLM
from routed_llm.dialects.hub import plain
from routed_llm.errors import InvalidCall, NoEligibleModel
from routed_llm.llama_index.messages import to_hub
from routed_llm.llama_index.view import MessagesView


def b64(data):
    return base64.b64encode(data).decode()


def user(*blocks):
    return ChatMessage(role="user", blocks=list(blocks))


def sent(*messages):
    losses = []
    return plain(to_hub(list(messages), losses), losses), losses


CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}


class Old:
    """As OpenAI's classes look to older code."""

    id = "c1"

    class function:
        name = "add"
        arguments = '{"a": 1}'


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (ChatMessage(role="user", content="Hi."), {"role": "user", "content": "Hi."}),
        (ChatMessage(role="system", content="Be."), {"role": "system", "content": "Be."}),
        (ChatMessage(role="developer", content="Be."), {"role": "developer", "content": "Be."}),
        (ChatMessage(role="chatbot", content="Hi."), {"role": "assistant", "content": "Hi."}),
        (ChatMessage(role="model", content="Hi."), {"role": "assistant", "content": "Hi."}),
        (user(TextBlock(text="a"), TextBlock(text="b")), {"role": "user", "content": "a\nb"}),
        (ChatMessage(role="user"), {"role": "user", "content": ""}),
        (
            ChatMessage(role="assistant", blocks=[ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs={"a": 1})]),
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
        ),
        (
            ChatMessage(
                role="assistant",
                blocks=[TextBlock(text="So:"), ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs='{"a": 1}')],
                additional_kwargs={"tool_calls": [CALL]},
            ),
            {"role": "assistant", "content": "So:", "tool_calls": [CALL]},
        ),
        (
            ChatMessage(role="assistant", additional_kwargs={"tool_calls": [CALL]}),
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
        ),
        (
            ChatMessage(role="assistant", additional_kwargs={"tool_calls": [Old()]}),
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
        ),
        (
            ChatMessage(role="assistant", content="", additional_kwargs={"refusal": "No."}),
            {"role": "assistant", "content": "", "refusal": "No."},
        ),
        (
            ChatMessage(
                role="assistant", blocks=[AudioBlock(audio=WAV, format="wav")], additional_kwargs={"reference_audio_id": "a1"}
            ),
            {"role": "assistant", "content": "", "audio": {"id": "a1"}},
        ),
        (
            ChatMessage(role="tool", content="3", additional_kwargs={"tool_call_id": "c1"}),
            {"role": "tool", "tool_call_id": "c1", "content": "3"},
        ),
        (
            ChatMessage(role="function", content="3", additional_kwargs={"name": "add"}),
            {"role": "tool", "tool_call_id": "add", "content": "3"},
        ),
    ],
)
def test_roles_calls_and_results(message, expected):
    assert sent(message) == ([expected], [])


def test_calls_without_ids_meet_their_results_in_order():
    calls = [ToolCallBlock(tool_name="add", tool_kwargs={"a": n}) for n in range(2)]
    results = [ChatMessage(role="tool", content=str(n)) for n in range(2)]
    hub, losses = sent(ChatMessage(role="assistant", blocks=calls), *results)
    assert [call["id"] for call in hub[0]["tool_calls"]] == [result["tool_call_id"] for result in hub[1:]]
    assert not losses


def test_media_by_bytes_path_url_and_file(tmp_path):
    picture = tmp_path / "p.png"
    picture.write_bytes(PNG)
    data_url = f"data:image/png;base64,{b64(PNG)}"
    for block, url in (
        (ImageBlock(image=PNG), data_url),
        (ImageBlock(path=picture), data_url),
        (ImageBlock(image=io.BytesIO(PNG), image_mimetype="image/png"), data_url),
        (ImageBlock(url="https://somewhere.invalid/p.png"), "https://somewhere.invalid/p.png"),
        (ImageBlock(url=data_url), data_url),
        (DocumentBlock(data=PNG, document_mimetype="image/png"), data_url),
    ):
        assert sent(user(block)) == ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}], [])
    (hub,), _ = sent(user(TextBlock(text="See"), ImageBlock(image=PNG, detail="low")))
    assert [part["type"] for part in hub["content"]] == ["text", "image_url"]
    assert hub["content"][1]["image_url"]["detail"] == "low"
    sound = {"data": b64(WAV), "format": "wav"}
    for block in (AudioBlock(audio=WAV, format="wav"), AudioBlock(url=f"data:audio/wav;base64,{b64(WAV)}")):
        assert sent(user(block))[0][0]["content"] == [{"type": "input_audio", "input_audio": sound}]


def test_documents_are_files_and_texts_are_texts(tmp_path):
    file = {"filename": "paper.pdf", "file_data": f"data:application/pdf;base64,{b64(PDF)}"}
    for block in (
        DocumentBlock(data=PDF, title="paper"),
        DocumentBlock(data=PDF, title="paper.pdf", document_mimetype="application/pdf"),
        DocumentBlock(url=f"data:application/pdf;base64,{b64(PDF)}", title="paper"),
    ):
        assert sent(user(block))[0][0]["content"] == [{"type": "file", "file": file}]
    notes = tmp_path / "notes.txt"
    notes.write_text("Grüße.", encoding="utf-8")
    for block, text in (
        (DocumentBlock(path=notes, title="notes.txt"), "notes.txt:\nGrüße."),
        (DocumentBlock(data=b"# Plain words", document_mimetype="text/markdown"), "# Plain words"),
    ):
        assert sent(user(block)) == ([{"role": "user", "content": text}], [])


POINT = CachePoint(cache_control=CacheControl(type="ephemeral"))
CITED = CitationBlock(cited_content="sun", source="s", title="t", additional_location_info={})


@pytest.mark.parametrize(
    ("message", "content", "loss"),
    [
        (user(TextBlock(text="a"), POINT), "a", "a cache point"),
        (user(CitableBlock(title="T", source="S", content="body")), "T (S):\nbody", "the citable form of a source"),
        (ChatMessage(role="assistant", blocks=[ThinkingBlock(content="hm"), TextBlock(text="a")]), "a", "reasoning of an"),
        (ChatMessage(role="assistant", blocks=[TextBlock(text="a"), CITED]), "a", "citations of an earlier turn"),
        (ChatMessage(role="assistant", blocks=[TextBlock(text="a"), ImageBlock(image=PNG)]), "a", "media of an earlier"),
        (user(TextBlock(text="a"), VideoBlock(video=b"\x00\x00\x00 ftypisom")), "a", "a video"),
        (user(TextBlock(text="a"), AudioBlock(url="https://somewhere.invalid/a.wav")), "a", "audio given by URL"),
        (user(TextBlock(text="a"), DocumentBlock(url="https://somewhere.invalid/a.pdf")), "a", "a document given by URL"),
        (user(TextBlock(text="a"), ToolCallBlock(tool_name="f")), "a", "a tool call outside an answer"),
    ],
)
def test_what_the_wire_cannot_carry_is_a_loss(message, content, loss):
    (hub,), losses = sent(message)
    assert hub["content"] == content
    assert len(losses) == 1
    assert losses[0].startswith(loss)


def test_media_in_a_tools_result_follow_it(server):
    llm = pool("up", server)
    call = ToolCallBlock(tool_call_id="c1", tool_name="look", tool_kwargs={})
    result = ChatMessage(role="tool", blocks=[ImageBlock(image=PNG)], additional_kwargs={"tool_call_id": "c1"})
    response = llm.chat([*question(), ChatMessage(role="assistant", blocks=[call]), result])
    assert [message["role"] for message in bodies(server)[0]["messages"]] == ["user", "assistant", "tool", "user"]
    assert "the place of media" in response.additional_kwargs["routing"]["losses"][0]


def test_every_block_is_taken_by_a_server(server):
    llm = pool("up", server)
    blocks = [TextBlock(text="What is 2 plus 3?"), ImageBlock(image=PNG), POINT, DocumentBlock(data=PDF, title="paper")]
    earlier = ChatMessage(role="assistant", blocks=[ThinkingBlock(content="hm"), TextBlock(text="Hello."), CITED])
    response = llm.chat([user(TextBlock(text="Hi.")), earlier, user(*blocks)])
    losses = response.additional_kwargs["routing"]["losses"]
    assert sorted(losses) == ["a cache point", "citations of an earlier turn", "reasoning of an earlier turn"]
    with pytest.raises(NoEligibleModel, match="takes no cache marks"):
        llm.chat([user(*blocks)], routing={"needs": ["cache"]})


def test_media_that_a_model_cannot_read_are_not_sent_to_it(server):
    llm = RoutedLLM({"blind": Model("m", abilities={"images": False}, base_url=server.base_url)})
    with pytest.raises(NoEligibleModel, match="blind cannot read images"):
        llm.chat([user(TextBlock(text="See"), ImageBlock(image=PNG))])


def test_broken_media_are_told_before_anything_is_sent(server, tmp_path):
    llm = pool("up", server)
    gone, empty = tmp_path / "gone.png", tmp_path / "empty.png"
    gone.write_bytes(PNG)
    picture = ImageBlock(path=gone)
    gone.unlink()
    empty.touch()
    for block, told in (
        (picture, "gone.png cannot be read"),
        (DocumentBlock(path=str(tmp_path / "none.pdf")), "none.pdf cannot be read"),
        (ImageBlock(path=empty), "its file is empty"),
        (AudioBlock(), "AudioBlock: there is nothing in it"),
    ):
        with pytest.raises(InvalidCall, match=told):
            llm.chat([user(block)])
        with pytest.raises(InvalidCall, match=told):
            llm.stream_chat([user(block)])
    assert not bodies(server)


def test_the_view_counts_without_reading():
    view = MessagesView(
        [
            ChatMessage(role="system", content="Be brief."),
            user(TextBlock(text="Hello"), ImageBlock(image=PNG), ImageBlock(url="https://somewhere.invalid/p.png")),
            ChatMessage(role="assistant", blocks=[ToolCallBlock(tool_name="f", tool_kwargs={"a": 1}), POINT]),
            user(DocumentBlock(data=PDF), DocumentBlock(data=b"text", document_mimetype="text/plain"), TextBlock(text="now?")),
        ]
    )
    assert view.media == {"images", "image_urls", "pdf"}
    assert view.turns == 2
    assert view.user_text() == "now?"
    assert not view.has_tool_results()
    assert 20 < view.characters < 60
    assert MessagesView([ChatMessage(role="tool", content="3")]).has_tool_results()


def test_the_hub_is_plain_data():
    message = user(
        TextBlock(text="a"), ImageBlock(image=PNG), CitableBlock(title="T", source="S", content=[ImageBlock(image=PNG)])
    )
    assert json.loads(json.dumps(sent(message)[0])) == sent(message)[0]
