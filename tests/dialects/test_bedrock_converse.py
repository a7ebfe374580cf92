"""Bedrock's Converse API: recorded traffic by replay on loopback, histories of every form, parameters, signing."""

import json
import struct
import zlib

import pytest
from conforming import misclassed, misread, rewritten, silent
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import DATA, MISSING, ReplayServer, cut, exchanges, payload

from routed_llm import Model, RoutedChatModel, RoutedLLM
from routed_llm.dialects.aws_frames import Frames
from routed_llm.dialects.bedrock_converse.usage import read_usage
from routed_llm.dialects.hub import as_message, parts_of
from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.errors import CallFailed, ConfigurationError, ProviderError
from routed_llm.requests import Request, SchemaBinding, ToolBinding

NAME = "bedrock.converse"
DIALECT = dialect_of(NAME)
CLAUDE = Wire("us.anthropic.claude-sonnet-4-5-20250929-v1:0", maker="bedrock")
recorded = pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)
ADD = {
    "type": "function",
    "function": {"name": "add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}},
}


def wire(exchange):
    return Wire(exchange["model"] or "", maker="bedrock")


def normal(body):
    """What makes no difference: empty fields, blank texts, turns of one role as one, spaces in a schema's JSON, and a video's
    format told as its media type."""
    body = json.loads(json.dumps({name: value for name, value in body.items() if value not in ({}, [], None)}))
    turns = []
    for turn in body["messages"]:
        if turns and turns[-1]["role"] == turn["role"]:
            turns[-1]["content"] += turn["content"]
        else:
            turns.append(turn)
    for turn in turns:
        turn["content"] = [block for block in turn["content"] if block.get("text", "x").strip()]
        for block in turn["content"]:
            if "video" in block:
                block["video"]["format"] = block["video"]["format"].rpartition("/")[2]
    body["messages"] = turns
    if "outputConfig" in body:
        told = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
        told["schema"] = json.loads(told["schema"])
    return body


@recorded
def test_every_answer_whole_and_in_pieces():
    count, misses = misread(NAME, exchanges("bedrock-converse"), wire)
    assert count > 60
    assert not misses


@recorded
def test_every_error():
    count, misses = misclassed(NAME, exchanges("bedrock-converse"), wire)
    assert count >= 8
    assert not misses


@recorded
def test_no_stream_that_ended_early_gives_an_answer():
    count, without = silent(NAME, exchanges("bedrock-converse"), wire)
    assert count > 20
    assert not without


@recorded
def test_every_request_is_the_same_when_it_is_read_and_written_again():
    count, misses = rewritten(NAME, exchanges("bedrock-converse"), wire, normal)
    assert count > 60
    assert not misses


# histories --------------------------------------------------------------------------------------------------------------------

texts = st.sampled_from(["Hello.", "déjà vu 🎈", "two\nlines"]).map(lambda text: {"type": "text", "text": text})
images = st.just({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}})
files = st.just({"type": "file", "file": {"filename": "paper 1", "file_data": "data:application/pdf;base64,JVBERi0="}})
thoughts = st.sampled_from(
    [
        {"type": "reasoning", "text": "hm", "signature": "c2ln", "origin": "bedrock"},
        {"type": "reasoning", "text": "", "origin": "bedrock", "data": {"redactedContent": "eA=="}},
    ]
)
ids = st.sampled_from(["call_1", "tooluse_2", "a.b:c", "x" * 90])


@st.composite
def histories(draw):
    """Turns of users and assistants, in which every call has its result."""
    history = [as_message("system", [{"type": "text", "text": "Be brief."}])] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 4))):
        history.append(as_message("user", draw(st.lists(st.one_of(texts, images, files), min_size=1, max_size=3))))
        called = draw(st.lists(ids, max_size=2, unique=True))
        calls = [{"type": "tool_call", "id": each, "name": "add", "arguments": '{"a":1}'} for each in called]
        said = draw(st.lists(st.one_of(texts, thoughts), min_size=0 if calls else 1, max_size=2))
        history.append(as_message("assistant", [*said, *calls]))
        for each in called:
            parts = draw(st.lists(st.one_of(texts, images), min_size=1, max_size=2))
            history.append(as_message("tool", parts, tool_call_id=each, is_error=draw(st.booleans())))
        if called:
            history.append(as_message("assistant", [draw(texts)]))
    return history


def request_for(history, **more):
    return Request("hub", history, None, lambda payload, losses: [dict(each) for each in payload], **more)


def told(history):
    """What a history says, without ids of calls and borders between messages of one role."""
    found = []
    for message in history:
        for part in parts_of(message):
            kept = {name: value for name, value in part.items() if name not in ("id",)}
            found.append(("user" if message["role"] == "tool" else message["role"], message.get("is_error"), kept))
    return found


@settings(max_examples=200, deadline=None)
@given(histories())
def test_a_history_comes_back_as_it_was_and_pairs_stay_together(history):
    request = request_for(history)
    body = json.loads(json.dumps(DIALECT.body(request, CLAUDE)))
    assert not request.losses
    assert told(DIALECT.conversation(body).messages) == told(history)
    roles = [turn["role"] for turn in body["messages"]]
    assert roles == [("user", "assistant")[n % 2] for n in range(len(roles))]
    opened = []
    for turn in body["messages"]:
        results = [block["toolResult"]["toolUseId"] for block in turn["content"] if "toolResult" in block]
        assert sorted(results) == sorted(opened)
        opened = [block["toolUse"]["toolUseId"] for block in turn["content"] if "toolUse" in block]
    assert all(len(each) <= 64 for each in opened)


odd = st.one_of(
    st.builds(lambda part: as_message("user", [part]), st.one_of(texts, images, files)),
    st.builds(lambda part, call: as_message("tool", [part], tool_call_id=call), texts, ids),
    st.builds(
        lambda call, arguments: as_message(
            "assistant", [{"type": "tool_call", "id": call, "name": "f", "arguments": arguments}]
        ),
        ids,
        st.sampled_from(["{}", "", "[1]", "not JSON"]),
    ),
    st.builds(
        lambda part: as_message("assistant", [part]),
        st.sampled_from(
            [
                {"type": "reasoning", "text": "hm", "signature": "s", "origin": "anthropic"},
                {"type": "text", "text": "cited", "citations": [{"url": "x"}], "origin": "openai"},
                {"type": "server_tool", "origin": "anthropic", "data": {"type": "server_tool_use"}},
                {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
                {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
                {"type": "file", "file": {"file_url": "https://example.com/a.pdf"}},
            ]
        ),
    ),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(odd, max_size=6))
def test_no_history_raises_and_what_is_lost_is_told(history):
    request = request_for(history)
    body = DIALECT.body(request, CLAUDE)
    assert body["messages"][0]["role"] == "user"
    if told(DIALECT.conversation(body).messages) != told(history):
        assert request.losses


# parameters, tools, schemas ---------------------------------------------------------------------------------------------------


def body_for(wire=CLAUDE, **more):
    request = request_for([as_message("user", [{"type": "text", "text": "Hello?"}])], **more)
    return DIALECT.body(request, wire), request.losses


def test_parameters():
    params = {"temperature": 0.2, "top_p": 0.9, "max_tokens": 100, "stop": "END", "seed": 1, "metadata": {"a": 1}, "n": 1}
    body, losses = body_for(params=params)
    assert body["inferenceConfig"] == {"temperature": 0.2, "topP": 0.9, "maxTokens": 100, "stopSequences": ["END"]}
    assert body["requestMetadata"] == {"a": "1"}
    assert losses == [f"{CLAUDE.model} does not take seed: left out"]


@pytest.mark.parametrize(
    ("model", "effort", "fields"),
    [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "low", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ("us.anthropic.claude-sonnet-4-6", "high", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        ("us.amazon.nova-2-lite-v1:0", "minimal", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
        ("openai.gpt-oss-120b-1:0", "medium", {"reasoning_effort": "medium"}),
        ("qwen.qwen3-32b-v1:0", "xhigh", {"reasoning_config": "high"}),
    ],
)
def test_one_word_for_reasoning(model, effort, fields):
    body, losses = body_for(Wire(model, maker="bedrock"), params={"reasoning_effort": effort})
    assert body["additionalModelRequestFields"] == fields
    assert not losses


def test_a_maker_that_takes_no_word_for_reasoning_tells_a_loss():
    body, losses = body_for(Wire("meta.llama3-3-70b", maker="bedrock"), params={"reasoning_effort": "high"})
    assert "additionalModelRequestFields" not in body
    assert losses == ["meta.llama3-3-70b does not take reasoning_effort: left out"]


@pytest.mark.parametrize(
    ("choice", "written"), [("auto", {"auto": {}}), ("required", {"any": {}}), ("add", {"tool": {"name": "add"}})]
)
def test_tools(choice, written):
    body, _ = body_for(tools=ToolBinding((ADD,), (ADD,), choice))
    assert body["toolConfig"]["toolChoice"] == written
    spec = body["toolConfig"]["tools"][0]["toolSpec"]
    assert (spec["name"], spec["inputSchema"]["json"]) == ("add", ADD["function"]["parameters"])


def test_typed_answers_natively_and_by_a_tool():
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    binding = SchemaBinding(schema, "Sum", schema, "json_schema")
    body, _ = body_for(schema=binding)
    assert json.loads(body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"]) == schema
    forced, _ = body_for(Wire("amazon.nova-lite-v1:0", maker="bedrock", native_schema=False), schema=binding)
    assert forced["toolConfig"]["toolChoice"] == {"tool": {"name": "Sum"}}


def test_usage_counts_everything_once():
    usage = read_usage({
        "inputTokens": 3, "outputTokens": 5, "cacheReadInputTokens": 10, "cacheReadInputTokenCount": 10,
        "cacheWriteInputTokens": 20, "cacheWriteInputTokenCount": 20, "cacheDetails": [{"ttl": "1h", "inputTokens": 20}],
    })  # fmt: skip
    assert (usage.input_tokens, usage.cache_read, usage.cache_write, usage.cache_write_long) == (33, 10, 20, 20)
    assert read_usage({"inputTokens": -1, "outputTokens": 1}) is None
    assert read_usage({"inputTokens": "3"}) is None


# frames -----------------------------------------------------------------------------------------------------------------------


def frame(payload, **headers):
    told = b""
    for name, value in headers.items():
        name = ":" + name.replace("_", "-")
        told += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    body = json.dumps(payload).encode()
    prelude = struct.pack(">II", len(told) + len(body) + 16, len(told))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + told + body
    return message + struct.pack(">I", zlib.crc32(message))


def test_frames_may_be_cut_anywhere_and_damage_is_seen():
    data = frame({"a": 1}, event_type="x", message_type="event") + frame({"b": 2}, event_type="y")
    frames = Frames()
    found = [each for byte in data for each in frames.feed(bytes([byte]))]
    assert [json.loads(each.payload) for each in found] == [{"a": 1}, {"b": 2}]
    assert found[0].headers == {":event-type": "x", ":message-type": "event"}
    assert frames.is_empty
    for at in (6, 20, len(data) - 2):
        damaged = bytearray(data)
        damaged[at] ^= 1
        with pytest.raises(ProviderError, match="damaged"):
            Frames().feed(bytes(damaged))


def test_an_exception_in_the_stream_has_its_class():
    reader = DIALECT.reader(request_for([]), CLAUDE)
    reader.feed(frame({"role": "assistant"}, event_type="messageStart", message_type="event"))
    with pytest.raises(ProviderError) as caught:
        reader.feed(frame({"message": "slow down"}, exception_type="throttlingException", message_type="exception"))
    assert caught.value.kind == "rate_limit"


# through the public face ------------------------------------------------------------------------------------------------------


@pytest.fixture
def server():
    server = ReplayServer()
    yield server
    server.close()


def recording(stream):
    return next(
        e
        for e in exchanges("bedrock-converse")
        if e["stream"] is stream and e["expected"].get("text") and not e["expected"]["tool_calls"]
    )


@recorded
@pytest.mark.parametrize("door", [RoutedChatModel, RoutedLLM])
def test_through_the_doors_with_a_bearer_token(door, server):
    model = door([Model("bedrock:us.amazon.nova-2-lite-v1:0", base_url=server.url, api_key="token")])
    whole, streamed = recording(False), recording(True)
    server.will_answer(whole)
    server.will_answer(streamed, cut(payload(streamed), 3))
    if door is RoutedChatModel:
        texts = [model.invoke("Hello?").text, "".join(chunk.text for chunk in model.stream("Hello?"))]
    else:
        texts = [model.complete("Hello?").text, [*model.stream_complete("Hello?")][-1].text]
    assert texts == [whole["expected"]["text"], streamed["expected"]["text"]]
    paths = [path for path, _, _ in server.requests]
    assert paths == [f"/model/us.amazon.nova-2-lite-v1%3A0/{word}" for word in ("converse", "converse-stream")]
    assert all(headers["authorization"] == "Bearer token" for _, headers, _ in server.requests)
    model.close()


@recorded
@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
async def test_without_a_token_requests_are_signed(mode, server, monkeypatch):
    pytest.importorskip("botocore", reason="signing needs botocore, the extra 'bedrock'")
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    whole = recording(False)
    server.will_answer(whole)
    async with RoutedChatModel([Model("bedrock:it", base_url=server.url, region="eu-central-1")]) as model:
        said = model.invoke("Hello?") if mode == "invoke" else await model.ainvoke("Hello?")
        shown = repr(model) + repr(model.router.catalog.deployments[0].endpoint.__dict__)
    assert said.text == whole["expected"]["text"]
    _, headers, body = server.requests[0]
    assert "Credential=AKIDEXAMPLE/" in headers["authorization"]
    assert "/eu-central-1/bedrock/aws4_request" in headers["authorization"]
    assert headers["x-amz-security-token"] == "session"
    assert signature_of(server.url, headers, body) == headers["authorization"].rpartition("Signature=")[2]
    assert "canary-secret-key" not in shown + str(headers)


def signature_of(url, headers, body):
    """The signature that AWS would compute for what arrived (AWS documentation, signature version 4)."""
    import hashlib
    import hmac
    import re

    named = re.search(r"SignedHeaders=([^,]+)", headers["authorization"])[1].split(";")
    scope = re.search(r"Credential=[^/]+/([^,]+)", headers["authorization"])[1]
    canonical = "\n".join([
        "POST", "/model/it/converse", "", *(f"{name}:{headers[name].strip()}" for name in named), "", ";".join(named),
        hashlib.sha256(body).hexdigest(),
    ])  # fmt: skip
    to_sign = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4canary-secret-key"
    for step in scope.split("/"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def test_a_missing_region_and_missing_credentials_are_told(monkeypatch, server, tmp_path):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match="AWS_REGION or AWS_DEFAULT_REGION"):
        RoutedChatModel(["bedrock:amazon.nova-lite-v1:0"])
    pytest.importorskip("botocore", reason="signing needs botocore, the extra 'bedrock'")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    model = RoutedChatModel([Model("bedrock:it", base_url=server.url, region="eu-central-1")])
    with pytest.raises(CallFailed, match="botocore_credentials failed: NoAwsCredentials"):
        model.invoke("Hello?")
    model.close()
    assert not server.requests


@recorded
def test_claude_by_invoke_is_read_by_anthropics_dialect():
    quirks = {"in_path": True, "anthropic_version": "bedrock-2023-05-31"}
    count, misses = misread(
        "anthropic.messages", exchanges("bedrock-invoke"), lambda e: Wire(e["model"], maker="anthropic", quirks=quirks)
    )
    assert count >= 19
    assert not misses
