"""LlamaIndex LLMs of a user's own making as endpoints: identity, modes, events, errors, what comes back."""

import asyncio
import copy
import itertools
import pickle
import time

import pytest
from asking import ask, patience
from li_models import (
    KEY,
    Async,
    AsyncCompleting,
    Base,
    Completing,
    Echo,
    Hanging,
    Sync,
    Whole,
    WireLLM,
    request,
)
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    ChatResponse,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    LLMMetadata,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)
from llama_index.core.llms import MockLLM
from llama_index.core.tools import FunctionTool

from routed_llm import Model, RoutedChatModel, Router
from routed_llm.errors import ConfigurationError, NoEligibleModel, ProviderError
from routed_llm.providers.llama_index_object import LlamaIndexEndpoint, describe
from routed_llm.requests import ToolBinding
from routed_llm.results import Fragment, Usage

MODES = ["sync", "async", "stream", "astream"]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


HI = [ChatMessage(role="user", content="hi")]
BLOCKS = [
    TextBlock(text="look"),
    ImageBlock(image=b"\x89PNG\r\n\x1a\n!", image_mimetype="image/png"),
    AudioBlock(audio=b"RIFF!", format="wav"),
    VideoBlock(video=b"movie!!", video_mimetype="video/mp4"),
    DocumentBlock(data=b"%PDF-1.4", title="a.pdf", document_mimetype="application/pdf"),
    CachePoint(cache_control=CacheControl(type="ephemeral")),
    CitableBlock(title="t", source="s", content=[TextBlock(text="cited")]),
    CitationBlock(cited_content=TextBlock(text="cited"), source="s", title="t", additional_location_info={"at": 1}),
    ThinkingBlock(content="hm", additional_information={"signature": "abc"}),
    ToolCallBlock(tool_call_id="1", tool_name="add", tool_kwargs={"a": 1}),
]


def shown(result):
    """The text of an answer, or of the last chunk of a stream."""
    if not isinstance(result, list):
        return result.text
    return [e.chunk for e in result if isinstance(e, Fragment)][-1].message.content


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cls", [Sync, Async, Completing, AsyncCompleting, Whole])
def test_every_kind_in_every_mode_that_it_has(cls, mode):
    model = cls(answer=ChatResponse(message=ChatMessage(role="assistant", content="hello"))) if cls is Whole else cls()
    endpoint = LlamaIndexEndpoint(model)
    assert endpoint.modes == ({"async"} if cls is Async else {"sync", "async"})
    if cls is Async and mode in ("sync", "stream"):
        with pytest.raises(ProviderError) as caught:
            ask(endpoint, mode, request(HI))
        assert caught.value.kind == "unsupported_parameter"
        return
    assert shown(ask(endpoint, mode, request(HI))) == "hello"


@pytest.mark.parametrize("mode", MODES)
def test_the_very_same_messages(mode):
    model = Sync()
    messages = [ChatMessage(role="user", blocks=list(BLOCKS))]
    before = copy.deepcopy(messages)
    ask(LlamaIndexEndpoint(model), mode, request(messages))
    for seen, *_ in model.seen:
        assert seen[0] is messages[0]
        assert seen is not messages
    assert messages == before


def test_the_callers_list_stays_as_it_is_with_tools():
    model, messages = Sync(), list(HI)
    tools = ToolBinding((FunctionTool.from_defaults(add),), ())
    ask(LlamaIndexEndpoint(model), "sync", request(messages, tools=tools))
    assert messages == HI
    seen = model.seen[0][0]
    assert seen[0] is messages[0]
    assert len(seen) == 2  # the object appended to its own list


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_every_block_goes_in_and_comes_back_untouched(mode):
    message = ChatMessage(role="user", blocks=list(BLOCKS))
    answer = ask(LlamaIndexEndpoint(Echo()), mode, request([message]))
    assert answer.native.message.blocks == message.blocks
    assert all(a is b for a, b in zip(answer.native.message.blocks, BLOCKS, strict=True))
    assert (answer.text, answer.reasoning, answer.usage) == ("look", "hm", Usage(3, 4))
    assert [(c.id, c.name, c.arguments) for c in answer.tool_calls] == [("1", "add", '{"a": 1}')]


def test_the_very_same_response_comes_back():
    raw = {
        "id": "x-1", "model": "served", "choices": [{"finish_reason": "length"}],
        "usage": {"input_tokens": 5, "output_tokens": 6, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 1},
    }  # fmt: skip
    given = ChatResponse(message=ChatMessage(role="assistant", content="hello"), raw=raw)
    answer = ask(LlamaIndexEndpoint(Whole(answer=given)), "sync", request(HI))
    assert answer.native is given
    assert (answer.model, answer.id, answer.finish, answer.finish_raw) == ("served", "x-1", "length", "length")
    assert answer.usage == Usage(8, 6, cache_read=2, cache_write=1)


@pytest.mark.parametrize(
    ("raw", "additional", "usage"),
    [
        ({"usage": {"prompt_tokens": 3, "completion_tokens": 4}}, {}, Usage(3, 4)),
        (
            {"usage": {"input_tokens": 3, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 2},
                       "output_tokens_details": {"reasoning_tokens": 1}}}, {}, Usage(3, 4, cache_read=2, reasoning=1),
        ),
        (
            {"usage_metadata": {"prompt_token_count": 3, "candidates_token_count": 4, "thoughts_token_count": 2}},
            {}, Usage(3, 6, reasoning=2),
        ),
        ({"usage": {"inputTokens": 3, "outputTokens": 4, "cacheReadInputTokens": 2}}, {}, Usage(5, 4, cache_read=2)),
        ({"prompt_eval_count": 3, "eval_count": 4}, {}, Usage(3, 4)),
        (None, {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}, Usage(3, 4)),
        ({"usage": {"prompt_tokens": 0, "completion_tokens": 0}}, {}, None),
        (None, {}, None),
    ],
)  # fmt: skip
def test_usage_in_its_spellings(raw, additional, usage):
    given = ChatResponse(message=ChatMessage(role="assistant", content="hello"), raw=raw, additional_kwargs=additional)
    assert ask(LlamaIndexEndpoint(Whole(answer=given)), "sync", request(HI)).usage == usage


def test_nothing_said_is_no_answer():
    given = ChatResponse(message=ChatMessage(role="assistant", content=""))
    assert ask(LlamaIndexEndpoint(Whole(answer=given)), "sync", request(HI)).is_empty


# modes ----------------------------------------------------------------------------------------------------------------


def test_blocking_objects_run_in_threads_of_their_own():
    for mode, asked in (("async", 1), ("astream", 2)):
        model = Sync()
        ask(LlamaIndexEndpoint(model), mode, request(HI))
        assert len(model.seen) == asked
        assert all(name.startswith("routed-llm-object") for *_, name in model.seen)
    completing = Completing()
    ask(LlamaIndexEndpoint(completing), "async", request(HI))
    assert completing.prompts[0][1].startswith("routed-llm-object")


def test_an_async_completion_is_asked_instead_of_the_blocking_chat():
    model = AsyncCompleting()
    assert ask(LlamaIndexEndpoint(model), "async", request(HI)).text == "hello"
    assert model.prompts == [("user: hi\nassistant: ", "async")]


def test_a_blocking_object_does_not_stop_the_event_loop():
    async def both():
        ticks = []

        async def tick():
            while True:
                ticks.append(time.monotonic())
                await asyncio.sleep(0.01)

        task = asyncio.ensure_future(tick())
        await LlamaIndexEndpoint(Sync(delay=0.2)).acall(request(HI), patience())
        task.cancel()
        return ticks

    ticks = asyncio.run(both())
    assert max(b - a for a, b in itertools.pairwise(ticks)) < 0.15


def test_async_only_is_not_eligible_in_sync_code():
    router = Router([Model(Async(), name="only")])
    with pytest.raises(NoEligibleModel, match="works only in async code"):
        router.complete(request(HI))
    assert asyncio.run(router.acomplete(request(HI))).answer.text == "hello"


def test_time_limits_of_async_calls():
    begun = time.monotonic()
    with pytest.raises(ProviderError) as caught:
        ask(LlamaIndexEndpoint(Hanging()), "astream", request(HI), seconds=0.2)
    assert caught.value.kind == "timeout"
    assert time.monotonic() - begun < 2


def test_cancellation_closes_the_stream():
    model = Hanging()

    async def leave():
        source = await LlamaIndexEndpoint(model).aopen(request(HI), patience())
        for _ in range(2):
            await source.read(time.monotonic() + 5)
        reading = asyncio.ensure_future(source.read(time.monotonic() + 5))
        await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await source.close()

    asyncio.run(leave())
    assert model.closed == [True]


def test_a_stream_that_is_closed_early():
    model = Hanging()

    async def leave():
        source = await LlamaIndexEndpoint(model).aopen(request(HI), patience())
        await source.read(time.monotonic() + 5)
        await source.close()
        assert await source.read(time.monotonic() + 5) is None

    asyncio.run(leave())
    assert model.closed == [True]


# errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NotImplementedError("no tools here"), "unsupported_parameter"),
        (ValueError("Unsupported content block type: VideoBlock"), "unsupported_parameter"),
        (ConnectionRefusedError("nobody there"), "connection"),
        (KeyError("choices"), "server_error"),
    ],
)
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_errors_of_the_object(error, kind, mode):
    with pytest.raises(ProviderError) as caught:
        ask(LlamaIndexEndpoint(Sync(raises=error)), mode, request(HI))
    assert caught.value.kind == kind


@pytest.mark.parametrize("error", [GeneratorExit(), asyncio.CancelledError(), KeyboardInterrupt()])
def test_leaving_is_no_failure(error):
    with pytest.raises(type(error)):
        ask(LlamaIndexEndpoint(Sync(raises=error)), "sync", request(HI))


def test_no_secret_in_messages_or_representations():
    class Loud(WireLLM):
        raises: bool = True

        def chat(self, messages, **kwargs):
            raise RuntimeError(f"refused with {self.api_key}")

    model = Loud(api_base="http://127.0.0.1:9/v1")
    endpoint = LlamaIndexEndpoint(model)
    with pytest.raises(ProviderError) as caught:
        ask(endpoint, "sync", request(HI))
    router = Router([Model(model, name="loud")])
    chat = RoutedChatModel([Model(model, name="loud")])
    for text in (str(caught.value), repr(endpoint), endpoint.fingerprint, repr(Model(model)), repr(router), repr(chat)):
        assert KEY not in text
    assert endpoint.fingerprint != LlamaIndexEndpoint(model.model_copy(update={"model": "other"})).fingerprint
    with pytest.raises(ConfigurationError, match=r"Model\(factory=...\)"):
        pickle.dumps(endpoint)


# what is known --------------------------------------------------------------------------------------------------------


def test_described():
    about = describe(WireLLM(api_base="http://127.0.0.1:9/v1", model="m"))
    assert (about.provider, about.name, about.private) == ("WireLLM", "m", True)
    assert about.abilities == {"tools": True, "tool_choice": True, "structured_output": False}
    assert (about.context, about.max_output) == (None, None)  # LLMMetadata's defaults tell nothing
    assert about.marks == ("inner_retries: unknown",)
    about = describe(Completing())
    assert about.abilities["tools"] is about.abilities["images"] is about.abilities["pdf"] is False
    assert (describe(Base()).context, describe(Base()).private) == (8000, False)
    assert LlamaIndexEndpoint(Sync(), keep_retries=True).marks == ("inner_retries: kept",)


def test_metadata_that_cannot_be_read():
    class Broken(Sync):
        @property
        def metadata(self):
            raise ValueError("Unknown model 'x'")

    with pytest.raises(ConfigurationError, match="Unknown model 'x'"):
        Router([Broken()])


def test_as_an_entry_or_from_a_factory():
    for item in (MockLLM(), Model(MockLLM(), name="mock"), Model(factory=MockLLM)):
        answer = Router([item]).complete(request([ChatMessage(role="user", content="hi there")])).answer
        assert answer.text == "user: hi there\nassistant: "
    with pytest.raises(ConfigurationError, match="a LlamaIndex LLM"):
        Router([object()])
    with pytest.raises(ConfigurationError, match="a LlamaIndex LLM"):
        Router([Model(factory=object)])


def test_parameters_of_entry_and_call():
    model = Sync()
    router = Router([Model(model, params={"temperature": 0.1, "top_p": 0.5})])
    router.complete(request(HI, params={"temperature": 0.9, "max_tokens": None}))
    assert model.seen[0][1] == {"temperature": 0.9, "top_p": 0.5}


def test_a_parameter_without_a_place_is_lost_and_said():
    class Strict(Sync):
        def chat(self, messages, temperature=None):
            return ChatResponse(message=ChatMessage(role="assistant", content=str(temperature)))

    asked = request(HI, params={"temperature": 0.5, "seed": 3})
    assert ask(LlamaIndexEndpoint(Strict()), "sync", asked).text == "0.5"
    assert asked.losses == ["Strict does not take seed: left out"]


def test_metadata_is_not_read_for_a_call():
    reads = []

    class Counting(Sync):
        @property
        def metadata(self):
            reads.append(1)
            return LLMMetadata(model_name="counting")

    endpoint = LlamaIndexEndpoint(Counting())
    ask(endpoint, "sync", request(HI))
    assert len(reads) <= 1  # LlamaIndex's own decorator may read it for its event
