"""What a request to Google's generateContent says: parameters, reasoning, tools, typed answers, media; and what is lost."""

import pytest

from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request, SchemaBinding, ToolBinding

DIALECT = dialect_of("gemini.generate")
SKIP = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
HELLO = [{"role": "user", "content": "Hello?"}]
WEATHER = {"type": "function", "function": {"name": "weather", "description": "It.", "parameters": {"type": "object"}}}
PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def body_of(messages=HELLO, model="gemini-3-flash-preview", wire=None, **more):
    """The body, without the contents where the messages say nothing, and what is lost."""
    request = Request("hub", messages, None, lambda payload, losses: list(payload), **more)
    body = DIALECT.body(request, wire or Wire(model, maker="gemini"))
    if messages is HELLO:
        assert body.pop("contents") == [{"role": "user", "parts": [{"text": "Hello?"}]}]
    return body, request.losses


@pytest.mark.parametrize(
    ("name", "value", "config"),
    [
        ("temperature", 0.5, {"temperature": 0.5}),
        ("top_p", 0.9, {"topP": 0.9}),
        ("top_k", 40, {"topK": 40}),
        ("max_tokens", 7, {"maxOutputTokens": 7}),
        ("stop", "END", {"stopSequences": ["END"]}),
        ("stop", ["a", "b"], {"stopSequences": ["a", "b"]}),
        ("seed", 1, {"seed": 1}),
        ("n", 2, {"candidateCount": 2}),
        ("presence_penalty", 0.1, {"presencePenalty": 0.1}),
        ("frequency_penalty", 0.2, {"frequencyPenalty": 0.2}),
        ("logprobs", True, {"responseLogprobs": True}),
        ("top_logprobs", 5, {"logprobs": 5}),
        ("modalities", ["text", "audio"], {"responseModalities": ["TEXT", "AUDIO"]}),
        ("audio", {"voice": "Kore"}, {"speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}}),
        ("thinkingConfig", {"includeThoughts": True}, {"thinkingConfig": {"includeThoughts": True}}),
        ("thinking_budget", 100, {"thinkingConfig": {"thinkingBudget": 100}}),
        ("media_resolution", "MEDIA_RESOLUTION_LOW", {"mediaResolution": "MEDIA_RESOLUTION_LOW"}),
        ("generationConfig", {"temperature": 0.1, "image_config": {"aspectRatio": "1:1"}},
         {"temperature": 0.1, "imageConfig": {"aspectRatio": "1:1"}}),
    ],
)  # fmt: skip
def test_a_parameter_has_its_place(name, value, config):
    body, losses = body_of(params={name: value})
    assert body == {"generationConfig": config}
    assert not losses


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("service_tier", "flex", {"serviceTier": "flex"}),
        ("service_tier", "auto", {}),
        ("safety_settings", [{"category": "c"}], {"safetySettings": [{"category": "c"}]}),
        ("cachedContent", "cachedContents/1", {"cachedContent": "cachedContents/1"}),
        ("stream_options", {"include_usage": True}, {}),
        ("temperature", None, {}),
    ],
)
def test_what_stands_beside_the_configuration(name, value, told):
    assert body_of(params={name: value}) == (told, [])


@pytest.mark.parametrize("name", ["logit_bias", "user", "metadata", "store_it", "temperature"])
def test_what_the_model_does_not_take_is_left_out_and_told(name):
    wire = Wire("gemini-2.5-pro", drops=frozenset({"temperature"}))
    assert body_of(wire=wire, params={name: 1}) == ({}, [f"gemini-2.5-pro does not take {name}: left out"])


def test_what_a_call_says_goes_before_what_the_model_says_and_before_a_configuration():
    wire = Wire("gemini-2.5-pro", params={"temperature": 0.1, "seed": 1, "generationConfig": {"topK": 3, "seed": 9}})
    body, _ = body_of(wire=wire, params={"temperature": 0.7})
    assert body["generationConfig"] == {"temperature": 0.7, "seed": 1, "topK": 3}


@pytest.mark.parametrize(
    ("model", "effort", "config", "lost"),
    [
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}, 0),
        ("gemini-2.5-pro", "none", {"includeThoughts": True, "thinkingBudget": 128}, 1),
        ("gemini-2.5-flash", "minimal", {"includeThoughts": True, "thinkingBudget": 1_024}, 0),
        ("gemini-2.5-flash-lite", "low", {"includeThoughts": True, "thinkingBudget": 1_024}, 0),
        ("gemini-2.5-flash", "medium", {"includeThoughts": True, "thinkingBudget": 8_192}, 0),
        ("models/gemini-2.5-flash", "high", {"includeThoughts": True, "thinkingBudget": 24_576}, 0),
        ("gemini-2.5-flash", "xhigh", {"includeThoughts": True, "thinkingBudget": 24_576}, 1),
        ("gemini-3-flash-preview", "none", {"includeThoughts": True, "thinkingLevel": "minimal"}, 1),
        ("gemini-3-flash-preview", "minimal", {"includeThoughts": True, "thinkingLevel": "minimal"}, 0),
        ("gemini-3.1-pro-preview", "minimal", {"includeThoughts": True, "thinkingLevel": "low"}, 1),
        ("gemini-3-pro-preview", "medium", {"includeThoughts": True, "thinkingLevel": "high"}, 1),
        ("gemini-3.1-pro-preview", "medium", {"includeThoughts": True, "thinkingLevel": "medium"}, 0),
        ("gemini-flash-latest", "high", {"includeThoughts": True, "thinkingLevel": "high"}, 0),
        ("gemini-4-argon", "xhigh", {"includeThoughts": True, "thinkingLevel": "high"}, 1),
        ("gemini-2.0-flash", "high", None, 1),
        ("gemma-3-27b-it", "low", None, 1),
        ("gemini-2.0-flash", "none", None, 0),
    ],
)
def test_one_word_for_reasoning(model, effort, config, lost):
    body, losses = body_of(model=model, params={"reasoning_effort": effort})
    assert body == ({} if config is None else {"generationConfig": {"thinkingConfig": config}})
    assert len(losses) == lost, losses


@pytest.mark.parametrize(
    ("choice", "strict", "calling"),
    [
        (None, None, None),
        ("auto", None, {"mode": "AUTO"}),
        ("none", None, {"mode": "NONE"}),
        ("required", None, {"mode": "ANY"}),
        ("weather", None, {"mode": "ANY", "allowedFunctionNames": ["weather"]}),
        (None, True, {"mode": "VALIDATED"}),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [WEATHER]}}, None,
         {"mode": "ANY", "allowedFunctionNames": ["weather"]}),
    ],
)  # fmt: skip
def test_the_choice_of_a_tool(choice, strict, calling):
    body, losses = body_of(tools=ToolBinding((), (WEATHER,), choice, None, strict))
    declared = {"name": "weather", "description": "It.", "parametersJsonSchema": {"type": "object"}}
    assert body.pop("tools") == [{"functionDeclarations": [declared]}]
    assert body == ({} if calling is None else {"toolConfig": {"functionCallingConfig": calling}})
    assert not losses


def test_tools_that_the_provider_runs():
    wired = ({"google_search": {}}, {"type": "file_search"}, WEATHER)
    body, losses = body_of(tools=ToolBinding((), wired, None, False))
    assert [list(tool) for tool in body["tools"]] == [["googleSearch"], ["functionDeclarations"]]
    assert body["toolConfig"] == {"includeServerSideToolInvocations": True}
    assert losses == [
        "a tool that gemini does not have: file_search",
        "gemini-3-flash-preview cannot be told to make one call at a time",
    ]


def test_a_schema_loses_what_the_interface_does_not_take():
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"kind": {"const": "cat"}, "age": {"type": "integer", "exclusiveMinimum": 0, "examples": [3]}},
        "$defs": {"node": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
    }
    body, losses = body_of(schema=SchemaBinding(schema, "cat", schema, "json_schema"))
    assert body["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": {
            "type": "object",
            "properties": {"kind": {"enum": ["cat"]}, "age": {"type": "integer"}},
            "$defs": schema["$defs"],
        },
    }
    assert sorted(losses) == ["examples in a schema", "exclusiveMinimum in a schema"]
    assert schema["properties"]["kind"] == {"const": "cat"}


def test_json_without_a_schema():
    body, _ = body_of(schema=SchemaBinding(None, "answer", None, "json_mode"))
    assert body == {"generationConfig": {"responseMimeType": "application/json"}}


def test_a_typed_answer_by_a_tool_where_the_model_writes_none():
    wire = Wire("gemma-3-27b-it", native_schema=False)
    body, _ = body_of(wire=wire, schema=SchemaBinding({}, "city", {"type": "object"}, "json_schema"))
    assert body["toolConfig"]["functionCallingConfig"] == {"mode": "ANY", "allowedFunctionNames": ["city"]}
    assert body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"] == {"type": "object"}


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (PNG, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
        ({"type": "image_url", "image_url": "https://a.org/b.webp"},
         {"fileData": {"mimeType": "image/webp", "fileUri": "https://a.org/b.webp"}}),
        ({"type": "image_url", "image_url": {"url": "data:image/svg+xml,%3Csvg/%3E"}},
         {"inlineData": {"mimeType": "image/svg+xml", "data": "PHN2Zy8+"}}),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
         {"inlineData": {"mimeType": "audio/mpeg", "data": "AAAA"}}),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
         {"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}}),
        ({"type": "file", "file": {"file_data": "AAAA"}}, {"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}}),
        ({"type": "file", "file": {"file_url": "gs://b/c.txt"}, "media_type": "text/plain"},
         {"fileData": {"mimeType": "text/plain", "fileUri": "gs://b/c.txt"}}),
        ({"type": "video_url", "video_url": {"url": "https://youtu.be/1", "video_metadata": {"fps": 1}}},
         {"fileData": {"mimeType": "video/mp4", "fileUri": "https://youtu.be/1"}, "videoMetadata": {"fps": 1}}),
    ],
)  # fmt: skip
def test_media(part, told):
    body, losses = body_of([{"role": "user", "content": [part]}])
    assert body["contents"] == [{"role": "user", "parts": [told]}]
    assert not losses


def test_what_has_no_place_is_told():
    parts = [
        {"type": "reasoning", "text": "hm", "signature": "s", "origin": "anthropic"},
        {"type": "server_tool", "origin": "anthropic", "data": {}},
        {"type": "opaque", "origin": "openai", "data": {}},
        {"type": "text", "text": "So.", "citations": [{}], "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "", "signature": "t", "origin": "vertexai"},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]
    history = [
        {"role": "user", "content": "a", "name": "Ann"},
        {"role": "assistant", "content": "So.", "parts": parts},
        {"role": "tool", "tool_call_id": "nobody", "content": "1"},
        {"role": "developer", "content": "Be short."},
    ]
    body, losses = body_of(history)
    assert body["contents"][1] == {"role": "model", "parts": [{"text": "So."}]}
    assert body["systemInstruction"] == {"parts": [{"text": "Be short."}]}
    assert sorted(losses) == [
        "a cache point",
        "a file that another provider keeps",
        "a signature of an earlier turn",
        "a tool that the provider ran",
        "a tool's result without its call",
        "citations of an earlier turn",
        "reasoning of an earlier turn",
        "the name of who speaks",
        "the place of a later system message",
        "what only its provider can read",
    ]


def test_a_system_prompt_alone_is_sent_as_the_users():
    body, losses = body_of([{"role": "system", "content": "Hi."}])
    assert body == {"contents": [{"role": "user", "parts": [{"text": "Hi."}]}]}
    assert losses == ["the place of the system prompt: it is sent as the user's"]


def called(*calls):
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": call_id, "type": "function", "function": {"name": name, "arguments": args}} for call_id, name, args in calls
        ],
    }


@pytest.mark.parametrize(("model", "signature"), [("gemini-2.5-flash", None), ("gemini-3-flash-preview", SKIP)])
def test_calls_that_another_model_made_are_marked_where_that_is_demanded(model, signature):
    history = [*HELLO, called(("a", "f", "{}"), ("b", "f", '{"x": 1}')), *(
        {"role": "tool", "tool_call_id": each, "content": each} for each in "ab"
    )]  # fmt: skip
    body, _ = body_of(history, model)
    first, second = body["contents"][1]["parts"]
    assert first.get("thoughtSignature") == signature
    assert "thoughtSignature" not in second


@pytest.mark.parametrize(
    ("content", "response"),
    [
        ("sunny", {"output": "sunny"}),
        ('{"degrees": 20}', {"degrees": 20}),
        ('{"id": 12345678901234567890}', {"output": '{"id": 12345678901234567890}'}),
        ('{"output": "x"}', {"output": '{"output": "x"}'}),
        ("{no json", {"output": "{no json"}),
        ("[1]", {"output": "[1]"}),
        ("", {}),
    ],
)
def test_a_result_is_an_object(content, response):
    history = [*HELLO, called(("a", "f", "{}")), {"role": "tool", "tool_call_id": "a", "content": content}]
    body, _ = body_of(history)
    assert body["contents"][-1]["parts"][0]["functionResponse"]["response"] == response


@pytest.mark.parametrize(
    ("model", "inside"), [("gemini-3-flash-preview", True), ("gemini-2.5-flash", False), ("gemini-2.0-flash", False)]
)
def test_media_of_a_result(model, inside):
    result = {"role": "tool", "tool_call_id": "a", "content": "See.", "parts": [{"type": "text", "text": "See."}, PNG]}
    body, losses = body_of([*HELLO, called(("a", "f", "{}")), result], model)
    parts = body["contents"][-1]["parts"]
    told = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    assert (parts[0]["functionResponse"].get("parts") == [told]) is inside
    assert (parts[1:] == [told]) is not inside
    assert bool(losses) is not inside


def test_results_stand_behind_their_calls_and_ids_are_unique():
    history = [
        *HELLO,
        called(("call_0", "f", "{}")),
        {"role": "user", "content": "Wait."},
        {"role": "tool", "tool_call_id": "call_0", "content": "1"},
        called(("call_0", "g", "{}"), ("call_1", "g", "no")),
        {"role": "tool", "tool_call_id": "call_0", "content": "2"},
        {"role": "user", "content": "Go on."},
        called(("open", "h", "{}")),
    ]
    body, losses = body_of(history)
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user", "user", "model", "user", "user", "model"]
    told = [
        (next(iter(part)), next(iter(part.values()))["id"])
        for turn in body["contents"]
        for part in turn["parts"]
        if "text" not in part
    ]
    assert told == [
        ("functionCall", "call_0"),
        ("functionResponse", "call_0"),
        ("functionCall", "call_0_2"),
        ("functionResponse", "call_0_2"),
        ("functionCall", "open"),
    ]
    assert losses == ["a tool call without its result"]


def test_a_history_that_begins_with_a_call_has_a_full_stop_before_it():
    body, losses = body_of([called(("a", "f", "{}")), {"role": "tool", "tool_call_id": "a", "content": "1"}])
    assert body["contents"][0] == {"role": "user", "parts": [{"text": "."}]}
    assert losses == ["the beginning of the conversation: a full stop of the user stands for it"]


@pytest.mark.parametrize(("arguments", "lost"), [("", 0), ("null", 0), ("{bad", 1), ("[1]", 1), ('{"a": "x\ny"}', 0)])
def test_arguments_are_an_object(arguments, lost):
    body, losses = body_of([*HELLO, called(("a", "f", arguments)), {"role": "tool", "tool_call_id": "a", "content": "1"}])
    assert isinstance(body["contents"][1]["parts"][0]["functionCall"]["args"], dict)
    assert len(losses) == lost


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-2.5-flash", "/models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "/models/gemini-2.5-flash"),
        ("tunedModels/mine-1", "/tunedModels/mine-1"),
        ("a/b?c", "/models/a%2Fb%3Fc"),
    ],
)
def test_the_model_is_in_the_address(model, path):
    assert DIALECT.paths(Wire(model)) == (f"{path}:generateContent", f"{path}:streamGenerateContent?alt=sse")
