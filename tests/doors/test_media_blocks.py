"""Every block of media of both frameworks, in every form in use, comes to a provider as what it is, or is told as lost."""

import base64
import io
import json

import pytest
from answering_server import AnsweringServer
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from llama_index.core.base.llms.types import AudioBlock, DocumentBlock, ImageBlock, TextBlock, ToolCallBlock, VideoBlock
from llama_index.core.llms import ChatMessage

from routed_llm import Model, RoutedChatModel, RoutedLLM
from routed_llm.errors import NoEligibleModel

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")
MP3, WAV = b"ID3\x04\x00\x00\x00\x00\x00\x00", b"RIFF$\x00\x00\x00WAVEfmt \x10\x00\x00\x00"
MP4, PDF = b"\x00\x00\x00\x18ftypmp42\x00\x00", b"%PDF-1.4\n%%EOF\n"
IMAGE, SOUND, WAVE, FILM, PAPER = (base64.b64encode(data).decode() for data in (PNG, MP3, WAV, MP4, PDF))
AT = "https://files.example/a"


def inline(mime, data):
    return {"inlineData": {"mimeType": mime, "data": data}}


def far(mime, url):
    return {"fileData": {"mimeType": mime, "fileUri": url}}


PICTURE, MUSIC, SPEECH, CLIP, PAGES = (
    inline("image/png", IMAGE), inline("audio/mpeg", SOUND), inline("audio/wav", WAVE), inline("video/mp4", FILM),
    inline("application/pdf", PAPER),
)  # fmt: skip
FAR_PICTURE, FAR_MUSIC, FAR_CLIP, FAR_PAGES = (
    far("image/png", f"{AT}.png"), far("audio/mpeg", f"{AT}.mp3"), far("video/mp4", f"{AT}.mp4"),
    far("application/pdf", f"{AT}.pdf"),
)  # fmt: skip

#: LangChain's form -> (block, what Google's API is to get)
BLOCKS = {
    "v1 image": ({"type": "image", "base64": IMAGE, "mime_type": "image/png"}, PICTURE),
    "v1 image without a type": ({"type": "image", "base64": IMAGE}, PICTURE),
    "v1 image by url": ({"type": "image", "url": f"{AT}.png"}, FAR_PICTURE),
    "v1 image by data url": ({"type": "image", "url": f"data:image/png;base64,{IMAGE}"}, PICTURE),
    "v1 image by url of a told type": ({"type": "image", "url": AT, "mime_type": "image/webp"}, far("image/webp", AT)),
    "v1 audio": ({"type": "audio", "base64": SOUND, "mime_type": "audio/mpeg"}, MUSIC),
    "v1 audio of another word": ({"type": "audio", "base64": WAVE, "mime_type": "audio/x-wav"}, SPEECH),
    "v1 audio without a type": ({"type": "audio", "base64": WAVE}, SPEECH),
    "v1 audio by url": ({"type": "audio", "url": f"{AT}.mp3"}, FAR_MUSIC),
    "v1 video": ({"type": "video", "base64": FILM, "mime_type": "video/mp4"}, CLIP),
    "v1 video by url": ({"type": "video", "url": f"{AT}.mp4"}, FAR_CLIP),
    "v1 file": ({"type": "file", "base64": PAPER, "mime_type": "application/pdf"}, PAGES),
    "v1 file by url": ({"type": "file", "url": f"{AT}.pdf", "mime_type": "application/pdf"}, FAR_PAGES),
    "v1 file that is a picture": ({"type": "file", "base64": IMAGE, "mime_type": "image/png"}, PICTURE),
    "v1 file that is audio": ({"type": "file", "base64": SOUND, "mime_type": "audio/mpeg"}, MUSIC),
    "v1 file that is video": ({"type": "file", "base64": FILM, "mime_type": "video/mp4"}, CLIP),
    "v1 file that is audio by url": ({"type": "file", "url": f"{AT}.mp3", "mime_type": "audio/mpeg"}, FAR_MUSIC),
    "v1 file that is video by url": ({"type": "file", "url": f"{AT}.mp4"}, FAR_CLIP),
    "v0 image": ({"type": "image", "source_type": "base64", "data": IMAGE, "mime_type": "image/png"}, PICTURE),
    "v0 image by url": ({"type": "image", "source_type": "url", "url": f"{AT}.png"}, FAR_PICTURE),
    "v0 audio": ({"type": "audio", "source_type": "base64", "data": SOUND, "mime_type": "audio/mpeg"}, MUSIC),
    "v0 file": ({"type": "file", "source_type": "base64", "data": PAPER, "mime_type": "application/pdf"}, PAGES),
    "openai's image": ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}}, PICTURE),
    "openai's image by url": ({"type": "image_url", "image_url": f"{AT}.png"}, FAR_PICTURE),
    "openai's audio": ({"type": "input_audio", "input_audio": {"data": SOUND, "format": "mp3"}}, MUSIC),
    "openai's file": (
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PAPER}"}}, PAGES
    ),
    "openai's input_image": ({"type": "input_image", "image_url": f"data:image/png;base64,{IMAGE}", "detail": "low"}, PICTURE),
    "openai's input_file": ({"type": "input_file", "filename": "a.pdf", "file_data": PAPER}, PAGES),
    "openai's input_file by url": ({"type": "input_file", "file_url": f"{AT}.pdf"}, FAR_PAGES),
    "vllm's video": ({"type": "video_url", "video_url": {"url": f"{AT}.mp4"}}, FAR_CLIP),
    "vllm's audio": ({"type": "audio_url", "audio_url": {"url": f"data:audio/mpeg;base64,{SOUND}"}}, MUSIC),
    "anthropic's image": (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}}, PICTURE
    ),
    "anthropic's image by url": ({"type": "image", "source": {"type": "url", "url": f"{AT}.png"}}, FAR_PICTURE),
    "anthropic's document": (
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PAPER}}, PAGES
    ),
    "anthropic's document by url": ({"type": "document", "source": {"type": "url", "url": f"{AT}.pdf"}}, FAR_PAGES),
    "google's media": ({"type": "media", "mime_type": "audio/mpeg", "data": SOUND}, MUSIC),
    "google's media in bytes": ({"type": "media", "mime_type": "image/png", "data": PNG}, PICTURE),
    "google's media by uri": ({"type": "media", "mime_type": "video/mp4", "file_uri": f"{AT}.mp4"}, FAR_CLIP),
    "google's film in part": (
        {"type": "media", "mime_type": "video/mp4", "file_uri": f"{AT}.mp4", "video_metadata": {"fps": 1}},
        {**FAR_CLIP, "videoMetadata": {"fps": 1}},
    ),
    "google's inline_data": ({"inline_data": {"mime_type": "application/pdf", "data": PAPER}}, PAGES),
    "google's inlineData": ({"inlineData": {"mimeType": "image/png", "data": IMAGE}}, PICTURE),
    "google's file_data": ({"file_data": {"mime_type": "audio/mpeg", "file_uri": f"{AT}.mp3"}}, FAR_MUSIC),
}  # fmt: skip

#: LlamaIndex's form -> (makes the block, of a folder, what Google's API is to get)
LLAMA_BLOCKS = {
    "image": (lambda _: ImageBlock(image=PNG), PICTURE),
    "image by path": (lambda folder: ImageBlock(path=written(folder, "a.png", PNG)), PICTURE),
    "image in a buffer": (lambda _: ImageBlock(image=io.BytesIO(PNG), image_mimetype="image/png"), PICTURE),
    "image by url": (lambda _: ImageBlock(url=f"{AT}.png"), FAR_PICTURE),
    "audio": (lambda _: AudioBlock(audio=MP3, format="mp3"), MUSIC),
    "audio of another word": (lambda _: AudioBlock(audio=MP3, format="mpeg"), MUSIC),
    "audio by path": (lambda folder: AudioBlock(path=written(folder, "a.wav", WAV), format="wav"), SPEECH),
    "audio in a buffer": (lambda _: AudioBlock(audio=io.BytesIO(WAV), format="wav"), SPEECH),
    "audio by url": (lambda _: AudioBlock(url=f"{AT}.mp3"), FAR_MUSIC),
    "audio by data url": (lambda _: AudioBlock(url=f"data:audio/mpeg;base64,{SOUND}"), MUSIC),
    "video": (lambda _: VideoBlock(video=MP4, video_mimetype="video/mp4"), CLIP),
    "video by path": (lambda folder: VideoBlock(path=written(folder, "a.mp4", MP4), video_mimetype="video/mp4"), CLIP),
    "video by url": (lambda _: VideoBlock(url=f"{AT}.mp4"), FAR_CLIP),
    "document": (lambda _: DocumentBlock(data=PDF, document_mimetype="application/pdf"), PAGES),
    "document by path": (lambda folder: DocumentBlock(path=written(folder, "a.pdf", PDF)), PAGES),
    "document in a buffer": (lambda _: DocumentBlock(data=io.BytesIO(PDF), document_mimetype="application/pdf"), PAGES),
    "document by url": (lambda _: DocumentBlock(url=f"{AT}.pdf", document_mimetype="application/pdf"), FAR_PAGES),
    "document that is audio": (lambda _: DocumentBlock(data=MP3, document_mimetype="audio/mpeg"), MUSIC),
    "document that is video": (lambda _: DocumentBlock(data=MP4, document_mimetype="video/mp4"), CLIP),
    "document that is audio by url": (lambda _: DocumentBlock(url=f"{AT}.mp3", document_mimetype="audio/mpeg"), FAR_MUSIC),
}

ANSWERS = {
    "gemini.generate": {"candidates": [{"content": {"parts": [{"text": "Seen."}]}, "finishReason": "STOP"}]},
    "openai.chat": {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Seen."}, "finish_reason": "stop"}]},
    "openai.responses": {
        "status": "completed", "output": [{"type": "message", "content": [{"type": "output_text", "text": "Seen."}]}]
    },
    "anthropic.messages": {"type": "message", "content": [{"type": "text", "text": "Seen."}], "stop_reason": "end_turn"},
    "bedrock.converse": {
        "output": {"message": {"role": "assistant", "content": [{"text": "Seen."}]}}, "stopReason": "end_turn"
    },
}  # fmt: skip
DIALECTS = list(ANSWERS)


def written(folder, name, data):
    (folder / name).write_bytes(data)
    return folder / name


def model_at(url, dialect="gemini.generate"):
    provider = {
        "gemini.generate": "gemini:gemini-3-flash-preview",
        "anthropic.messages": "anthropic:a-model",
        "bedrock.converse": "bedrock:a-model",
    }
    sees = dict.fromkeys(("images", "image_urls", "pdf", "audio", "video"), True)
    return Model(
        f"{provider.get(dialect, 'openai:a-model')}", dialect=dialect, base_url=url, api_key="k", abilities=sees, retires=False
    )


@pytest.fixture(scope="module", params=DIALECTS)
def speaking(request):
    """A server of one dialect, the model there, and what it was sent."""
    sent = []
    with AnsweringServer(ANSWERS[request.param], sent) as url:
        yield request.param, model_at(url, request.param), sent


@pytest.fixture(scope="module")
def google():
    sent = []
    with AnsweringServer(ANSWERS["gemini.generate"], sent) as url:
        yield model_at(url), sent


def lost(routing):
    return list(routing.get("losses", ()))


def chain_histories(block):
    """The block as the user's, in a tool's result, and in the history."""
    called = AIMessage("", tool_calls=[{"id": "c1", "name": "look", "args": {}}])
    asked = HumanMessage([{"type": "text", "text": "What is it?"}, block])
    return {
        "asked": [asked],
        "in a tool's result": [HumanMessage("Look."), called, ToolMessage([block], tool_call_id="c1")],
        "earlier": [asked, AIMessage("Nothing."), HumanMessage("Sure?")],
    }


def llama_histories(block):
    called = ChatMessage(role="assistant", blocks=[ToolCallBlock(tool_call_id="c1", tool_name="look", tool_kwargs={})])
    asked = ChatMessage(role="user", blocks=[TextBlock(text="What is it?"), block])
    return {
        "asked": [asked],
        "in a tool's result": [
            ChatMessage(role="user", content="Look."),
            called,
            ChatMessage(role="tool", blocks=[block], additional_kwargs={"tool_call_id": "c1"}),
        ],
        "earlier": [asked, ChatMessage(role="assistant", content="Nothing."), ChatMessage(role="user", content="Sure?")],
    }


def content_of(part):
    """What of a medium is found again in a body, whichever the dialect."""
    return part["inlineData"]["data"] if "inlineData" in part else part["fileData"]["fileUri"]


@pytest.mark.parametrize("form", BLOCKS)
def test_every_block_of_langchain_comes_as_what_it_is(google, form):
    block, part = BLOCKS[form]
    model, sent = google
    for where, messages in chain_histories(block).items():
        answer = RoutedChatModel([model]).invoke(messages)
        assert not lost(answer.response_metadata["routing"])
        if where == "in a tool's result":
            assert content_of(part) in json.dumps(sent[-1])
        else:
            assert sent[-1]["contents"][0]["parts"] == [{"text": "What is it?"}, part]


@pytest.mark.parametrize("form", LLAMA_BLOCKS)
def test_every_block_of_llama_index_comes_as_what_it_is(google, form, tmp_path):
    make, part = LLAMA_BLOCKS[form]
    model, sent = google
    for where, messages in llama_histories(make(tmp_path)).items():
        response = RoutedLLM([model]).chat(messages)
        assert not lost(response.additional_kwargs["routing"])
        if where == "in a tool's result":
            assert content_of(part) in json.dumps(sent[-1])
        else:
            assert sent[-1]["contents"][0]["parts"] == [{"text": "What is it?"}, part]


@pytest.mark.parametrize("form", BLOCKS)
def test_no_medium_vanishes_in_any_dialect(speaking, form):
    block, part = BLOCKS[form]
    _, model, sent = speaking
    for messages in chain_histories(block).values():
        sent.clear()
        try:
            answer = RoutedChatModel([model]).invoke(messages)
        except NoEligibleModel:
            assert not sent
        else:
            assert content_of(part) in json.dumps(sent[-1]) or lost(answer.response_metadata["routing"])


@pytest.mark.parametrize("form", LLAMA_BLOCKS)
def test_no_medium_of_llama_index_vanishes_in_any_dialect(speaking, form, tmp_path):
    make, part = LLAMA_BLOCKS[form]
    _, model, sent = speaking
    for messages in llama_histories(make(tmp_path)).values():
        sent.clear()
        try:
            response = RoutedLLM([model]).chat(messages)
        except NoEligibleModel:
            assert not sent
        else:
            assert content_of(part) in json.dumps(sent[-1]) or lost(response.additional_kwargs["routing"])


def ability(part):
    mime = (part.get("inlineData") or part["fileData"])["mimeType"]
    if mime.startswith("image/"):
        return "images" if "inlineData" in part else "image_urls"
    return {"audio": "audio", "video": "video"}.get(mime.partition("/")[0], "pdf")


ABLE = {
    only: Model(
        "any", name=only, base_url="http://127.0.0.1:9/v1", dialect="gemini.generate",
        abilities={each: each == only for each in ("images", "image_urls", "pdf", "audio", "video")},
    )
    for only in ("images", "image_urls", "pdf", "audio", "video")
}  # fmt: skip


def test_only_who_takes_the_medium_is_asked(tmp_path):
    chain, llama = RoutedChatModel(ABLE), RoutedLLM(ABLE)
    for form, (block, part) in BLOCKS.items():
        for where, messages in chain_histories(block).items():
            assert [each.model for each in chain.explain(messages).order] == [ability(part)], (form, where)
    for form, (make, part) in LLAMA_BLOCKS.items():
        for where, messages in llama_histories(make(tmp_path)).items():
            assert [each.model for each in llama.explain(messages).order] == [ability(part)], (form, where)


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ({"type": "hologram", "data": "AA=="}, "a block of type 'hologram'"),
        ({"type": "image"}, "a block of type 'image' without content"),
        ({"type": "image_url"}, "a block of type 'image_url' without content"),
        ({"type": "media", "mime_type": "audio/mpeg"}, "a block of type 'media' without content"),
        ({"type": "document", "source": {"type": "hand"}}, "a block of type 'document' given by 'hand' without content"),
        ({"smell": "roses"}, "a block without a type (smell)"),
        (
            {"type": "document", "source": {"type": "content", "content": [{"type": "image", "url": f"{AT}.png"}]}},
            "media within a document of blocks",
        ),
    ],
)
def test_what_is_not_known_is_told(google, block, told):
    model, _ = google
    for where, messages in chain_histories(block).items():
        answer = RoutedChatModel([model]).invoke(messages)
        assert lost(answer.response_metadata["routing"]) == [told], where
    answer = RoutedChatModel([model]).invoke([HumanMessage("Hi."), AIMessage(["Hello.", block]), HumanMessage("So?")])
    assert lost(answer.response_metadata["routing"]) == [told]


def test_documents_of_text_are_read_whichever_way_they_are_given(google):
    model, sent = google
    words = base64.b64encode("Grüße.".encode()).decode()
    for block in (
        {"type": "text-plain", "text": "Grüße.", "mime_type": "text/plain"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Grüße."}},
    ):
        RoutedChatModel([model]).invoke([HumanMessage([block])])
        assert sent[-1]["contents"][0]["parts"] == [{"text": "Grüße."}]
    for block in (
        {"type": "text-plain", "base64": words, "mime_type": "text/plain"},
        {"type": "file", "base64": words, "mime_type": "text/plain"},
    ):
        RoutedChatModel([model]).invoke([HumanMessage([block])])
        assert words in json.dumps(sent[-1])
    decision = RoutedChatModel(ABLE).explain([HumanMessage([{"type": "text-plain", "url": f"{AT}.txt"}])])
    assert [each.model for each in decision.order] == ["pdf"]


def test_pictures_of_earlier_answers_go_back_to_who_takes_them(speaking):
    dialect, model, sent = speaking
    picture = {"type": "image", "base64": IMAGE, "mime_type": "image/png"}
    history = [HumanMessage("Draw."), AIMessage([{"type": "text", "text": "Here."}, picture]), HumanMessage("Larger.")]
    answer = RoutedChatModel([model]).invoke(history)
    told = lost(answer.response_metadata["routing"])
    assert told if IMAGE not in json.dumps(sent[-1]) else dialect == "gemini.generate"
    llama = [
        ChatMessage(role="user", content="Draw."),
        ChatMessage(role="assistant", blocks=[TextBlock(text="Here."), ImageBlock(image=PNG)]),
        ChatMessage(role="user", content="Larger."),
    ]
    response = RoutedLLM([model]).chat(llama)
    assert lost(response.additional_kwargs["routing"]) == told
