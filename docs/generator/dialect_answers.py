"""A small answer in the form of each dialect, with everything in it that its interface documents; figures are the same in all.

Tokens: 30 of input of which 4 were read from a cache and 3 written to one, 20 of output of which 6 are reasoning. ``SIGNED``
and ``SEALED`` stand for a signature and for encrypted reasoning, ``https://cited.example`` is cited.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

__all__ = ["ANSWERS", "CITED", "LIMITS", "SEALED", "SIGNED", "STREAMS"]

SIGNED, SEALED, CITED = "SIGNED", "SEALED", "https://cited.example"
_CERTAIN = {"token": "Hi.", "logprob": -0.1, "bytes": None, "top_logprobs": []}

#: headers by which rate limits are told, where they are (OpenAI's and Anthropic's documentation of rate limits)
LIMITS: dict[str, dict[str, str]] = {
    "openai.chat": {"x-ratelimit-remaining-requests": "9"},
    "openai.responses": {"x-ratelimit-remaining-requests": "9"},
    "anthropic.messages": {"anthropic-ratelimit-requests-remaining": "9"},
}
#: whole answers
ANSWERS: dict[str, dict[str, Any]] = {
    "openai.chat": {
        "id": "a", "object": "chat.completion", "model": "m",
        "choices": [{
            "index": 0,
            "finish_reason": "stop",
            "logprobs": {"content": [_CERTAIN]},
            "message": {
                "role": "assistant", "content": "Hi.", "reasoning": "Hmm.", "refusal": "No.", "audio": {"id": "s", "data": ""},
                "annotations": [{"type": "url_citation", "url_citation": {"url": CITED}}],
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "Hmm.", "signature": SIGNED},
                    {"type": "reasoning.encrypted", "data": SEALED},
                ],
            },
        }],
        "usage": {
            "prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50, "cost": 0.000001,
            "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 6},
        },
    },
    "openai.responses": {
        "id": "a", "object": "response", "model": "m", "status": "completed",
        "output": [
            {"type": "reasoning", "id": "r", "encrypted_content": SEALED,
             "summary": [{"type": "summary_text", "text": "Hmm."}]},
            {"type": "web_search_call", "id": "w", "status": "completed", "action": {"type": "search", "query": "q"}},
            {"type": "image_generation_call", "id": "i", "status": "completed", "result": "AAAA"},
            {"type": "message", "id": "t", "role": "assistant", "status": "completed", "content": [
                {"type": "output_text", "text": "Hi.", "logprobs": [_CERTAIN],
                 "annotations": [{"type": "url_citation", "url": CITED, "title": "", "start_index": 0, "end_index": 2}]},
                {"type": "refusal", "refusal": "No."},
            ]},
        ],
        "usage": {
            "input_tokens": 30, "output_tokens": 20, "total_tokens": 50, "cost": 0.000001,
            "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
            "output_tokens_details": {"reasoning_tokens": 6},
        },
    },
    "anthropic.messages": {
        "id": "a", "type": "message", "role": "assistant", "model": "m", "stop_reason": "refusal",
        "stop_details": {"type": "refusal", "explanation": "No."},
        "content": [
            {"type": "thinking", "thinking": "Hmm.", "signature": SIGNED},
            {"type": "redacted_thinking", "data": SEALED},
            {"type": "server_tool_use", "id": "w", "name": "web_search", "input": {"query": "q"}},
            {"type": "web_search_tool_result", "tool_use_id": "w", "content": []},
            {"type": "text", "text": "Hi.", "citations": [
                {"type": "web_search_result_location", "url": CITED, "title": "", "encrypted_index": "", "cited_text": ""},
            ]},
        ],
        "usage": {
            "input_tokens": 23, "output_tokens": 20, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 3,
            "output_tokens_details": {"thinking_tokens": 6}, "server_tool_use": {"web_search_requests": 1},
        },
    },
    "gemini.generate": {
        "responseId": "a", "modelVersion": "m",
        "candidates": [{
            "finishReason": "STOP",
            "content": {"role": "model", "parts": [
                {"text": "Hmm.", "thought": True},
                {"executableCode": {"language": "PYTHON", "code": "1"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
                {"text": "Hi.", "thoughtSignature": SIGNED},
                {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
                {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}},
            ]},
            "groundingMetadata": {
                "webSearchQueries": ["q"],
                "groundingChunks": [{"web": {"uri": CITED, "title": ""}}],
                "groundingSupports": [{"segment": {"endIndex": 3, "text": "Hi."}, "groundingChunkIndices": [0]}],
            },
            "logprobsResult": {
                "chosenCandidates": [{"token": "Hi.", "logProbability": -0.1}], "topCandidates": [{"candidates": []}],
            },
        }],
        "usageMetadata": {
            "promptTokenCount": 30, "candidatesTokenCount": 14, "thoughtsTokenCount": 6, "totalTokenCount": 50,
            "cachedContentTokenCount": 4,
        },
    },
    "bedrock.converse": {
        "stopReason": "end_turn",
        "output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "Hmm.", "signature": SIGNED}}},
            {"reasoningContent": {"redactedContent": SEALED}},
            {"toolUse": {"toolUseId": "w", "name": "nova_grounding", "input": {"query": "q"}, "type": "server_tool_use"}},
            {"toolResult": {"toolUseId": "w", "content": [], "status": "success", "type": "nova_grounding_result"}},
            {"citationsContent": {
                "content": [{"text": "Hi."}], "citations": [{"location": {"web": {"url": CITED}}}],
            }},
        ]}},
        "usage": {
            "inputTokens": 23, "outputTokens": 20, "totalTokens": 50, "cacheReadInputTokens": 4, "cacheWriteInputTokens": 3,
        },
    },
}  # fmt: skip


def _events(*events: dict[str, Any]) -> bytes:
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()


def _frame(kind: str, payload: dict[str, Any]) -> bytes:
    """An event of AWS's event streams."""
    headers = b""
    for name, value in ((b":message-type", b"event"), (b":event-type", kind.encode())):
        headers += bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value
    body = json.dumps(payload).encode()
    prelude = struct.pack(">II", len(headers) + len(body) + 16, len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + body
    return message + struct.pack(">I", zlib.crc32(message))


def _usage(name: str) -> Any:
    return next(value for key, value in ANSWERS[name].items() if key.startswith("usage"))


#: the least stream of each that tells its usage
STREAMS: dict[str, bytes] = {
    "openai.chat": _events(
        {"id": "a", "model": "m", "choices": [{"index": 0, "delta": {"content": "Hi."}, "finish_reason": "stop"}]},
        {"id": "a", "model": "m", "choices": [], "usage": _usage("openai.chat")},
    )
    + b"data: [DONE]\n\n",
    "openai.responses": _events({"type": "response.completed", "response": ANSWERS["openai.responses"]}),
    "anthropic.messages": _events(
        {"type": "message_start", "message": {**ANSWERS["anthropic.messages"], "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Hi."}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 20}},
        {"type": "message_stop"},
    ),
    "gemini.generate": _events(ANSWERS["gemini.generate"]),
    "bedrock.converse": _frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hi."}})
    + _frame("messageStop", {"stopReason": "end_turn"})
    + _frame("metadata", {"usage": _usage("bedrock.converse")}),
}
