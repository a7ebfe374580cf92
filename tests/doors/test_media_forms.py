"""Media go to nobody who cannot be given them in the form they have, or who takes less: as a fallback neither."""

import base64

import pytest
from answering_server import AnsweringServer
from langchain_core.messages import AIMessage, HumanMessage
from langchain_openai import ChatOpenAI
from llama_index.core.base.llms.types import AudioBlock, ChatMessage, DocumentBlock, ImageBlock, TextBlock, VideoBlock

from routed_llm import Model, RoutedChatModel, RoutedLLM, Router
from routed_llm.errors import CallFailed, ConfigurationError, NoEligibleModel
from routed_llm.providers.rows import ProviderRow

ALL = ("images", "image_urls", "pdf", "audio", "video")
#: a model of each dialect, of all of which is said that they take all media
POOL = {
    "chat": Model("openai:gpt-5-mini", api_key="k", retires=False, abilities=ALL),
    "responses": Model("openai:gpt-5-mini", dialect="openai.responses", api_key="k", retires=False, abilities=ALL),
    "claude": Model("anthropic:claude-sonnet-4-6", api_key="k", retires=False, abilities=ALL),
    "gemini": Model("gemini:gemini-3-flash-preview", api_key="k", retires=False, abilities=ALL),
    "bedrock": Model(
        "bedrock:us.anthropic.claude-sonnet-4-5-20250929-v1:0", base_url="http://127.0.0.1:9", api_key="k", retires=False,
        abilities=ALL,
    ),
}  # fmt: skip
PDF, MP4, WAV, PNG = "application/pdf", "video/mp4", "audio/wav", "image/png"
DATA = base64.b64encode(b"some content").decode()
#: a medium in a form, in the words of both frameworks, and who can be given it
FORMS = {
    "image by data": (
        {"type": "image", "base64": DATA, "mime_type": PNG},
        ImageBlock(image=b"some content", image_mimetype=PNG),
        set(POOL),
    ),
    "image by URL": (
        {"type": "image", "url": "https://a.example/a.png"},
        ImageBlock(url="https://a.example/a.png"),
        {"chat", "responses", "claude", "gemini"},
    ),
    "PDF by data": (
        {"type": "file", "base64": DATA, "mime_type": PDF, "filename": "a.pdf"},
        DocumentBlock(data=b"some content", document_mimetype=PDF, title="a.pdf"),
        set(POOL),
    ),
    "PDF by URL": (
        {"type": "file", "url": "https://a.example/a.pdf", "mime_type": PDF},
        DocumentBlock(url="https://a.example/a.pdf", document_mimetype=PDF),
        {"responses", "claude", "gemini"},
    ),
    "audio by data": (
        {"type": "audio", "base64": DATA, "mime_type": WAV},
        AudioBlock(audio=b"some content", format="wav"),
        {"chat", "gemini"},
    ),
    "audio by URL": (
        {"type": "audio", "url": "https://a.example/a.wav", "mime_type": WAV},
        AudioBlock(url="https://a.example/a.wav", format="wav"),
        {"gemini"},
    ),
    "video by data": (
        {"type": "video", "base64": DATA, "mime_type": MP4},
        VideoBlock(video=b"some content", video_mimetype=MP4),
        {"gemini", "bedrock"},
    ),
    "video by URL": (
        {"type": "video", "url": "https://a.example/a.mp4", "mime_type": MP4},
        VideoBlock(url="https://a.example/a.mp4", video_mimetype=MP4),
        {"gemini"},
    ),
}


def of_langchain(*blocks):
    return [HumanMessage([{"type": "text", "text": "What is it?"}, *blocks])]


def of_llama_index(*blocks):
    return [ChatMessage(role="user", blocks=[TextBlock(text="What is it?"), *blocks])]


def able(decision):
    return {deployment.model for deployment in decision.order}


@pytest.mark.parametrize("form", FORMS)
def test_who_may_be_asked_with_a_medium(form):
    standard, block, expected = FORMS[form]
    for decision in (
        RoutedChatModel(POOL).explain(of_langchain(standard)),
        RoutedLLM(POOL).explain(of_llama_index(block)),
    ):
        assert able(decision) == expected
        assert decision.rejected.keys() == POOL.keys() - expected
        assert all("cannot" in reason for reason in decision.rejected.values())


def test_nobody_can_be_given_it_and_the_error_says_so():
    pool = {name: POOL[name] for name in ("chat", "bedrock")}
    standard, block, _ = FORMS["PDF by URL"]
    with pytest.raises(NoEligibleModel, match="cannot be given a document given by URL"):
        RoutedChatModel(pool).invoke(of_langchain(standard))
    with pytest.raises(NoEligibleModel, match="cannot be given a document given by URL"):
        RoutedLLM(pool).chat(of_llama_index(block))


def test_media_of_earlier_answers_keep_nobody_out():
    said = AIMessage([{"type": "text", "text": "Here."}, {"type": "image", "base64": DATA, "mime_type": PNG}])
    assert able(RoutedChatModel(POOL).explain([HumanMessage("Draw."), said, HumanMessage("Thanks.")])) == set(POOL)


# sent over HTTP ---------------------------------------------------------------------------------------------------------------

CHAT = {
    "id": "1", "object": "chat.completion", "model": "m", "usage": {"prompt_tokens": 5, "completion_tokens": 1},
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "A bill."}}],
}  # fmt: skip
CLAUDE = {
    "type": "message", "role": "assistant", "stop_reason": "end_turn", "usage": {"input_tokens": 5, "output_tokens": 1},
    "content": [{"type": "text", "text": "A bill."}],
}  # fmt: skip


def served(chat_url, claude_url):
    """Who is told to take documents and is not sent their addresses, before one who is."""
    return {
        "chat": Model("openai:gpt-5-mini", base_url=chat_url, api_key="k", retires=False, abilities=ALL),
        "claude": Model("anthropic:claude-sonnet-4-6", base_url=claude_url, api_key="k", retires=False),
    }


def test_it_goes_to_whoever_can_be_given_it_and_as_a_fallback_to_nobody_else():
    chat, claude, failed = [], [], []
    standard, block, _ = FORMS["PDF by URL"]
    with AnsweringServer(CHAT, chat) as first, AnsweringServer(CLAUDE, claude) as second:
        pool = served(first, second)
        answer = RoutedChatModel(pool, strategy="ordered").invoke(of_langchain(standard))
        assert answer.response_metadata["routing"]["model"] == "claude"
        assert "losses" not in answer.response_metadata["routing"]
        assert RoutedLLM(pool, strategy="ordered").chat(of_llama_index(block)).message.content == "A bill."
        no = {"type": "error", "error": {"type": "api_error", "message": "no"}}
        with AnsweringServer(no, failed) as broken, pytest.raises(CallFailed):
            RoutedChatModel(served(first, broken), strategy="ordered").invoke(of_langchain(standard))
    assert chat == []
    assert failed
    for body in claude:
        sources = [part["source"] for part in body["messages"][0]["content"] if part["type"] == "document"]
        assert sources == [{"type": "url", "url": "https://a.example/a.pdf"}]


@pytest.mark.parametrize("form", ["video by data", "video by URL"])
def test_chat_completions_of_some_providers_take_videos(form):
    sent = []
    standard, block, _ = FORMS[form]
    with AnsweringServer(CHAT, sent) as url:
        pool = [
            Model("openai:gpt-5-mini", base_url=url, api_key="k", retires=False, abilities=ALL),
            Model("vllm:qwen3-vl", base_url=url, abilities=ALL),
        ]
        answer = RoutedChatModel(pool).invoke(of_langchain(standard))
        RoutedLLM(pool).chat(of_llama_index(block))
    assert "losses" not in answer.response_metadata["routing"]
    address = "https://a.example/a.mp4" if form == "video by URL" else f"data:{MP4};base64,{DATA}"
    told = [{"type": "text", "text": "What is it?"}, {"type": "video_url", "video_url": {"url": address}}]
    assert [(body["model"], body["messages"][0]["content"]) for body in sent] == [("qwen3-vl", told)] * 2


def test_relay_describes_it_for_whoever_cannot_be_given_it():
    chat, claude = [], []
    with AnsweringServer(CHAT, chat) as first, AnsweringServer(CLAUDE, claude) as second:
        model = RoutedChatModel(served(first, second), relay=True)
        answer = model.invoke(of_langchain(FORMS["PDF by URL"][0]), model="chat")
    routing = answer.response_metadata["routing"]
    assert routing["model"] == "chat"
    assert [(told["medium"], told["model"]) for told in routing["relay"]] == [("pdf", "claude")]
    assert "[Document described by claude: A bill.]" in str(chat[0]["messages"])
    assert len(chat) == len(claude) == 1


def test_an_object_behind_the_other_door_is_not_given_what_its_messages_do_not_say():
    pool = {
        "object": Model(ChatOpenAI(model="gpt-5-mini", api_key="k"), retires=False, abilities=ALL),
        "gemini": POOL["gemini"],
    }
    standard, block, _ = FORMS["video by data"]
    assert able(RoutedLLM(pool).explain(of_llama_index(block))) == {"gemini"}
    assert able(RoutedChatModel(pool).explain(of_langchain(standard))) == {"object", "gemini"}  # it gets the caller's own


# sizes ------------------------------------------------------------------------------------------------------------------------


def picture(size):
    return {"type": "image", "base64": base64.b64encode(bytes(size)).decode(), "mime_type": PNG}


def test_an_image_that_is_larger_than_a_provider_takes_goes_to_others():
    decision = RoutedChatModel(POOL).explain(of_langchain(picture(5 * 2**20 + 1)))
    assert able(decision) == {"chat", "responses", "gemini"}
    assert decision.rejected["claude"] == "cannot be given image data of 5,242,881 bytes, of which it takes 5,242,880 at most"
    assert able(RoutedChatModel(POOL).explain(of_langchain(picture(5 * 2**20)))) == set(POOL) - {"bedrock"}
    block = ImageBlock(image=bytes(5 * 2**20 + 1), image_mimetype=PNG)
    assert able(RoutedLLM(POOL).explain(of_llama_index(block))) == {"chat", "responses", "gemini"}


def test_an_object_of_a_known_provider_has_its_limits():
    from langchain_anthropic import ChatAnthropic

    claude = Model(ChatAnthropic(model="claude-sonnet-4-6", api_key="k"), retires=False)
    with pytest.raises(NoEligibleModel, match="takes 5,242,880 at most"):
        RoutedChatModel([claude]).invoke(of_langchain(picture(6 * 2**20)))


def own(**limits):
    row = ProviderRow("mine", base_url="http://127.0.0.1:9/v1", key_required=False, media_limits=limits)
    return Router([Model("mine:m", abilities=ALL), Model("any", base_url="http://127.0.0.1:9/v1")], providers=[row])


@pytest.mark.parametrize(
    ("limits", "sizes", "reason"),
    [
        ({"image_bytes": 4}, [4, 3], None),
        ({"image_bytes": 4}, [3, 5], "image data of 5 bytes, of which it takes 4 at most"),
        ({"image_count": 2}, [3, 3], None),
        ({"image_count": 2}, [3, 3, 3], "3 pieces of image, of which it takes 2 in a call"),
        ({"request_bytes": 8}, [3, 3], None),
        ({"request_bytes": 8}, [3, 4], "media of 12 bytes in base64, of which it takes 8 in a request"),
        ({"audio_bytes": 0, "pdf_count": 0}, [5], None),
    ],
)
def test_limits_of_a_row(limits, sizes, reason):
    decision = RoutedChatModel(router=own(**limits)).explain(of_langchain(*map(picture, sizes)))
    assert decision.rejected.get("mine:m") == (reason and f"cannot be given {reason}")
    assert decision.rejected.keys() <= {"mine:m"}  # of the other one no limit is known


def test_what_is_given_by_address_has_no_size():
    image = {"type": "image", "url": "https://a.example/a.png"}
    assert RoutedChatModel(router=own(image_bytes=0, request_bytes=0)).explain(of_langchain(image)).rejected == {}


def test_limits_in_a_file():
    text = (
        '[providers.mine]\nbase_url = "http://127.0.0.1:9/v1"\nkey_required = false\nmedia_limits = { image_bytes = 4 }\n'
        '[models]\nm = "mine:m"\n'
    )
    model = RoutedChatModel(router=Router.from_config(text))
    assert able(model.explain(of_langchain(picture(4)))) == {"m"}
    with pytest.raises(NoEligibleModel, match="of which it takes 4 at most"):
        model.invoke(of_langchain(picture(5)))


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"image_byte": 4}, "did you mean 'image_bytes'"),
        ({"image_bytes": "4 MB"}, "whole number"),
        ({"pdf_count": -1}, "whole"),
    ],
)
def test_limits_that_cannot_be_meant(limits, problem):
    with pytest.raises(ConfigurationError, match=rf"(?i)media_limits.*{problem}"):
        own(**limits)
