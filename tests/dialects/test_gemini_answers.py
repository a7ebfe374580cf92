"""Answers of Google's generateContent: streams and whole ones, finishes, extras, counts, and what is no answer."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.dialects.errors import error_of
from routed_llm.dialects.gemini_generate.reader import Reader, read_answer
from routed_llm.dialects.gemini_generate.usage import read_usage
from routed_llm.dispatch.assemble import Assembly
from routed_llm.errors import ProviderError
from routed_llm.results import Usage


def candidate(*parts, finish="STOP", **more):
    return {"candidates": [{"content": {"parts": list(parts)}, "finishReason": finish, **more}]}


def sse(*chunks):
    return "".join(f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in chunks).encode()


def streamed(data, size=None, schema_tool=None):
    reader, assembly = Reader("gemini", schema_tool), Assembly()
    events = []
    for at in range(0, len(data), size or len(data)):
        events += reader.feed(data[at : at + (size or len(data))])
    for event in events + reader.end():
        assembly.add(event)
    return assembly.answer()


def read(body, **more):
    return read_answer(json.dumps(body).encode(), "gemini", **more)


STREAM = (
    {"candidates": [{"content": {"parts": [{"text": "Hm.", "thought": True}]}}], "modelVersion": "m", "responseId": "r"},
    {"candidates": [{"content": {"parts": [{"text": "Grüß "}]}}]},
    {"candidates": [{"content": {"parts": [{"text": "Gott"}]}}]},
    {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]}}]},
    {"candidates": [{"content": {"parts": [{"text": "", "thoughtSignature": "s"}]}, "finishReason": "STOP"}]},
)


@pytest.mark.parametrize("size", [1, 7, None])
@pytest.mark.parametrize("form", ["sse", "lf", "array", "pretty"])
def test_a_stream_in_any_form_and_in_any_pieces(form, size):
    data = {
        "sse": sse(*STREAM),
        "lf": sse(*STREAM).replace(b"\r\n", b"\n"),
        "array": json.dumps(STREAM).encode(),
        "pretty": json.dumps(STREAM, indent=2, ensure_ascii=False).encode(),
    }[form]
    answer = streamed(data, size)
    assert (answer.text, answer.reasoning, answer.finish, answer.finish_raw) == ("Grüß Gott", "Hm.", "tool_calls", "STOP")
    assert (answer.model, answer.id) == ("m", "r")
    assert [tuple(call) for call in answer.tool_calls] == [("call_r_0", "f", '{"a":1}')]
    assert answer.extras["parts"] == [
        {"type": "reasoning", "text": "Hm.", "origin": "gemini"},
        {"type": "text", "text": "Grüß Gott"},
        {"type": "tool_call", "id": "call_r_0", "name": "f", "arguments": '{"a":1}'},
        {"type": "text", "text": "", "signature": "s", "origin": "gemini"},
    ]
    json.dumps(answer.extras)


@pytest.mark.parametrize(
    "data", [sse(*STREAM[:-1]), json.dumps(STREAM[:-1]).encode(), json.dumps(STREAM).encode()[:-2], b"\r\n", b"[]"]
)
def test_a_stream_without_its_finish_is_cut(data):
    with pytest.raises(ProviderError) as broken:
        streamed(data)
    assert (broken.value.kind, broken.value.phase) == ("malformed", "stream")


@pytest.mark.parametrize(
    ("status", "kind"), [("RESOURCE_EXHAUSTED", "rate_limit"), ("UNAVAILABLE", "overloaded"), ("INTERNAL", "server_error")]
)
def test_an_error_within_a_stream(status, kind):
    error = {"error": {"code": 500, "status": status, "message": "Sorry."}}
    for data in (sse(STREAM[0], error), json.dumps([STREAM[0], error]).encode()):
        with pytest.raises(ProviderError) as told:
            streamed(data)
        assert (told.value.kind, told.value.phase) == (kind, "stream")


@pytest.mark.parametrize(
    ("quota", "kind"),
    [("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quota"), ("InputTokensPerModelPerMinute", "rate_limit")],
)
@pytest.mark.parametrize("listed", [False, True])
def test_which_limit_was_met_is_in_the_details(quota, kind, listed):
    details = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota}]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"},
    ]
    message = "You exceeded your current quota, please check your plan and billing details."
    body = {"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": details}}
    error = error_of(429, {}, json.dumps([body] if listed else body).encode())
    assert (error.kind, error.retry_after) == (kind, 17.0)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        *(
            (word, "content_filter")
            for word in ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR")
        ),
        *((word, "other") for word in ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "LANGUAGE", "OTHER", "NEW_WORD")),
    ],
)
def test_the_words_for_an_end(word, reason):
    answer = read(candidate({"text": "So."}, finish=word))
    assert (answer.finish, answer.finish_raw) == (reason, word)
    assert read(candidate({"functionCall": {"name": "f"}}, finish="STOP")).finish == "tool_calls"


def test_a_blocked_prompt():
    body = {"promptFeedback": {"blockReason": "OTHER"}, "usageMetadata": {"promptTokenCount": 8}}
    for answer in (read(body), streamed(sse(body))):
        assert (answer.finish, answer.finish_raw, answer.text) == ("content_filter", "OTHER", "")
        assert answer.usage == Usage(8, 0)


@pytest.mark.parametrize(
    "body",
    [{}, [], 7, "x", None, {"candidates": []}, {"candidates": {}}, {"candidates": [7]},
     {"usageMetadata": {"promptTokenCount": 1}}, candidate({"text": 7}), candidate({"functionCall": {"name": 7}})],
)  # fmt: skip
def test_what_is_no_answer(body):
    for attempt in (lambda: read(body), lambda: streamed(sse(body))):
        with pytest.raises(ProviderError) as odd:
            attempt()
        assert odd.value.kind == "malformed"


def test_arguments_in_pieces_are_refused_rather_than_lost():
    piece = candidate({"functionCall": {"name": "f", "willContinue": True}})
    with pytest.raises(ProviderError, match="pieces"):
        streamed(sse(piece))


def test_a_typed_answer_by_a_call():
    body = candidate({"functionCall": {"name": "city", "args": {"name": "Rome"}}})
    for answer in (read(body, schema_tool="city"), streamed(sse(body), schema_tool="city")):
        assert (answer.text, answer.tool_calls, answer.finish) == ('{"name":"Rome"}', [], "stop")


def test_tools_that_the_provider_ran_are_no_calls():
    code = {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "s"}
    body = candidate(code, {"codeExecutionResult": {"outcome": "OUTCOME_OK"}}, {"newThing": 1}, {"text": "One."})
    answer = read(body)
    assert (answer.tool_calls, answer.finish, answer.text) == ([], "stop", "One.")
    assert [part["type"] for part in answer.extras["parts"]] == ["server_tool", "server_tool", "opaque", "text"]
    assert answer.extras["parts"][0]["data"] == code


def test_citations_count_characters():
    text = "Köln liegt am Rhein. Rom nicht."
    start, end = len("Köln ".encode()), len("Köln liegt am Rhein.".encode())
    grounding = {
        "webSearchQueries": ["koeln", "", "rhein"],
        "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}, {"retrievedContext": {"text": "Rome."}}],
        "groundingSupports": [
            {"segment": {"startIndex": start, "endIndex": end, "text": "liegt"}, "groundingChunkIndices": [0, 7]}
        ],
    }
    told = {"usageMetadata": {"promptTokenCount": 1}, "modelVersion": "gemini-3-flash-preview"}
    answer = read({**candidate({"text": text}, groundingMetadata=grounding), **told})
    first, second = answer.extras["citations"]
    assert text[first["start_index"] : first["end_index"]] == "liegt am Rhein."
    assert (first["url"], first["title"], second) == ("https://a", "A", {"source_text": "Rome."})
    assert answer.extras["grounding_metadata"] == grounding
    assert answer.usage.searches == 2
    told["modelVersion"] = "gemini-2.5-flash"
    assert read({**candidate({"text": text}, groundingMetadata=grounding), **told}).usage.searches == 1


def test_log_probabilities_in_the_common_form_also_of_a_stream():
    def chunk(token, **more):
        chosen = {"chosenCandidates": [{"token": token, "logProbability": -0.5, "tokenId": 1}]}
        tops = {"topCandidates": [{"candidates": [{"token": "x", "logProbability": -2.0}]}]}
        return {"candidates": [{"content": {"parts": [{"text": token}]}, "logprobsResult": {**chosen, **tops}, **more}]}

    answer = streamed(sse(chunk("a"), chunk("b", finishReason="STOP")))
    top = [{"token": "x", "logprob": -2.0, "bytes": None}]
    assert answer.extras["logprobs"]["content"] == [
        {"token": token, "logprob": -0.5, "bytes": None, "top_logprobs": top} for token in "ab"
    ]


def test_sound_of_many_chunks_is_one():
    def chunk(data, **more):
        blob = {"mimeType": "audio/L16;rate=24000", "data": base64.b64encode(data).decode()}
        return {"candidates": [{"content": {"parts": [{"inlineData": blob}]}, **more}], "responseId": "r"}

    audio = streamed(sse(chunk(b"a"), chunk(b"bc", finishReason="STOP"))).extras["audio"]
    assert audio == {"id": "r", "data": base64.b64encode(b"abc").decode(), "format": "L16;rate=24000"}


def test_further_candidates_stand_beside_the_first():
    body = candidate({"text": "one"})
    body["candidates"].append({"content": {"parts": [{"text": "two"}]}, "finishReason": "MAX_TOKENS", "index": 1})
    answer = read(body)
    message = {"role": "assistant", "content": "two"}
    assert answer.text == "one"
    assert answer.extras["other_choices"] == [{"index": 1, "message": message, "finish_reason": "length"}]
    assert streamed(sse(body)).text == "one"


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({"promptTokenCount": 5, "candidatesTokenCount": 2, "thoughtsTokenCount": 3}, Usage(5, 5, reasoning=3)),
        ({"promptTokenCount": 5, "cachedContentTokenCount": 9}, Usage(5, 0, cache_read=5)),
        ({"promptTokenCount": 5, "toolUsePromptTokenCount": 9}, Usage(14, 0)),
        (
            {
                "promptTokenCount": 5,
                "candidatesTokenCount": 4,
                "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 4}],
            },
            Usage(5, 4, audio_output=4),
        ),
        ({"trafficType": "ON_DEMAND"}, None),
        ({"promptTokenCount": -1}, None),
        ({"promptTokenCount": 10**12}, None),
        ({"promptTokenCount": "5"}, None),
        ({"promptTokenCount": 5, "thoughtsTokenCount": 1.5}, None),
        ([], None),
        (None, None),
    ],
)
def test_usage(told, usage):
    assert read_usage(told) == usage


def test_usage_of_a_stream_is_that_of_its_last_chunk_with_the_largest_answer():
    def chunk(**counts):
        return {"candidates": [{"content": {"parts": [{"text": "a"}]}}], "usageMetadata": counts}

    last = candidate() | {"usageMetadata": {"promptTokenCount": 87, "thoughtsTokenCount": 78}}
    chunks = (
        chunk(promptTokenCount=9, candidatesTokenCount=7, thoughtsTokenCount=35),
        chunk(promptTokenCount=9, candidatesTokenCount=21, thoughtsTokenCount=35),
        chunk(trafficType="ON_DEMAND"),
        last,
    )
    assert streamed(sse(*chunks)).usage == Usage(87, 99, reasoning=78)


WORDS = st.sampled_from([
    "error", "candidates", "content", "parts", "text", "thought", "thoughtSignature", "functionCall", "name", "args", "id",
    "inlineData", "mimeType", "data", "fileData", "index", "finishReason", "groundingMetadata", "groundingChunks",
    "groundingSupports", "segment", "startIndex", "groundingChunkIndices", "web", "uri", "usageMetadata",
    "promptTokenCount", "candidatesTokenCount", "promptFeedback", "blockReason", "logprobsResult", "chosenCandidates",
    "citationMetadata",
])  # fmt: skip
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(ANY, ANY)
@settings(max_examples=150, deadline=None)
def test_whatever_comes_is_an_answer_or_an_error_of_ours(part, more):
    body = {"candidates": [{"content": {"parts": [part, {"text": "a"}]}, "finishReason": "STOP", "groundingMetadata": more}]}
    for told in (part, more, body):
        data = json.dumps(told).encode()
        for read_it, sent in ((lambda given: read_answer(given, "gemini"), data), (streamed, b"data: " + data + b"\n\n")):
            try:
                answer = read_it(sent)
            except ProviderError:
                continue
            json.dumps(answer.extras)
            assert isinstance(answer.text, str)
