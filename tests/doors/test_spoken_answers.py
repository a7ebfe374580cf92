"""Answers in sound arrive at both doors, whole and streamed, and go back to whoever keeps them; others get the words."""

import base64
import json
from functools import reduce
from operator import add

import pytest
from answering_server import AnsweringServer
from langchain_core.messages import AIMessage, HumanMessage
from llama_index.core.base.llms.types import AudioBlock
from llama_index.core.llms import ChatMessage

from routed_llm import Model, RoutedChatModel, RoutedLLM

SOUND = base64.b64encode(b"RIFF$\x00\x00\x00WAVEfmt \x10\x00\x00\x00").decode()
SPOKEN = {"id": "audio_1", "data": SOUND, "expires_at": 1_900_000_000, "transcript": "Forty-two."}
MESSAGE = {"role": "assistant", "content": None, "audio": SPOKEN}
USAGE = {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14, "completion_tokens_details": {"audio_tokens": 7}}
OPENAI = {"choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}], "usage": USAGE}
DELTAS = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "audio": {"id": "audio_1", "transcript": "Forty"}}}]},
    {"choices": [{"index": 0, "delta": {"audio": {"data": SOUND[:12], "transcript": "-two."}}}]},
    {"choices": [{"index": 0, "delta": {"audio": {"data": SOUND[12:], "expires_at": 1_900_000_000}}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": USAGE},
]
BLOB = {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": SOUND}}
GOOGLE = {"candidates": [{"content": {"parts": [BLOB]}, "finishReason": "STOP"}], "responseId": "r-1"}


def at(url, name="openai:gpt-audio"):
    return Model(name, base_url=url, api_key="k", retires=False)


def served(name):
    """A server that answers in sound, whole or streamed, and what it was sent."""
    sent = []
    body, events = (OPENAI, DELTAS) if name.startswith("openai") else (GOOGLE, [GOOGLE])
    return AnsweringServer(body, sent, [{"type": "", **each} for each in events]), sent


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", ["openai:gpt-audio", "gemini:gemini-2.5-flash-preview-tts"])
def test_sound_arrives_at_both_doors(name, streamed):
    server, sent = served(name)
    with server as url:
        chat = RoutedChatModel([at(url, name)]).bind(modalities=["text", "audio"])
        answer = reduce(add, chat.stream("17 + 25?")) if streamed else chat.invoke("17 + 25?")
        audio = answer.additional_kwargs["audio"]
        assert audio["data"] == SOUND
        llm, asked = RoutedLLM([at(url, name)]), [ChatMessage(role="user", content="17 + 25?")]
        response = [*llm.stream_chat(asked)][-1] if streamed else llm.chat(asked)
    (block,) = [block for block in response.message.blocks if isinstance(block, AudioBlock)]
    assert block.audio.decode() == SOUND
    if name.startswith("openai"):
        assert sent[0]["modalities"] == ["text", "audio"]
        assert audio == SPOKEN
        assert answer.usage_metadata["output_token_details"] == {"audio": 7}
        assert response.message.additional_kwargs["reference_audio_id"] == "audio_1"
    else:
        assert audio["format"] == block.format == "L16;codec=pcm;rate=24000"
        assert "reference_audio_id" not in response.message.additional_kwargs
    (spoken,) = [each for each in answer.content_blocks if each["type"] == "audio"]
    assert spoken["base64"] == SOUND


def histories(audio, more):
    chain = [HumanMessage("17 + 25?"), AIMessage("", additional_kwargs={"audio": audio}), HumanMessage("Sure?")]
    llama = [
        ChatMessage(role="user", content="17 + 25?"),
        ChatMessage(role="assistant", blocks=[AudioBlock(audio=base64.b64decode(SOUND), format="wav")], additional_kwargs=more),
        ChatMessage(role="user", content="Sure?"),
    ]
    return (RoutedChatModel, "invoke", chain), (RoutedLLM, "chat", llama)


def test_what_was_spoken_goes_back_by_its_id_to_openai_and_as_words_to_others():
    told = {"reference_audio_id": "audio_1", "audio_transcript": "Forty-two."}
    for door, ask, history in histories(SPOKEN, told):
        server, sent = served("openai")
        with server as url:
            getattr(door([at(url)]), ask)(history)
            getattr(door([at(url, "groq:any")]), ask)(history)
            azure = Model("azure_openai:gpt-audio", base_url=url, api_key="k", retires=False)
            getattr(door([azure]), ask)(history)
        assert sent[0]["messages"][1]["audio"] == {"id": "audio_1"}
        assert sent[2]["messages"][1]["audio"] == {"id": "audio_1"}
        assert "audio" not in sent[1]["messages"][1]
        assert sent[1]["messages"][1]["content"] == "Forty-two."
        server, sent = served("gemini")
        with server as url:
            getattr(door([at(url, "gemini:gemini-2.5-flash")]), ask)(history)
        assert sent[0]["contents"][1]["parts"] == [{"text": "Forty-two."}]


def test_sound_of_gemini_is_no_id_for_openai():
    for door, ask, history in histories({"id": "r-1", "data": SOUND, "format": "wav"}, {}):
        server, sent = served("openai")
        with server as url:
            getattr(door([at(url)]), ask)(history)
        assert "r-1" not in json.dumps(sent[0])
