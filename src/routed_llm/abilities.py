"""The words for what a model can do, for the blocks of a message that ask for it, and for kinds of work."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "ABILITIES",
    "BLOCKS",
    "DIFFICULTIES",
    "DOMAINS",
    "NEEDS",
    "NOT_ON_THE_WIRE",
    "ON_THE_WIRE",
    "PROFILE_KEYS",
    "TASKS",
    "TASK_GROUPS",
    "able",
]

#: every ability that a call can need, as ``Model(abilities=...)`` names it. ``thinking_blocks``, ``citations`` and
#: ``cache_points`` mean that such blocks come to the model as they are; ``search`` that it looks into the web by itself, in
#: every call that needs it.
ABILITIES: tuple[str, ...] = (
    "tools",
    "tool_choice",
    "tool_streaming",
    "structured_output",
    "images",
    "image_urls",
    "pdf",
    "audio",
    "video",
    "reasoning",
    "thinking_blocks",
    "citations",
    "cache_points",
    "embeddings",
    "search",
)

#: abilities, by the keys of langchain-core's ModelProfile
PROFILE_KEYS: Mapping[str, str] = {
    "tools": "tool_calling",
    "tool_choice": "tool_choice",
    "tool_streaming": "tool_call_streaming",
    "structured_output": "structured_output",
    "images": "image_inputs",
    "image_urls": "image_url_inputs",
    "pdf": "pdf_inputs",
    "audio": "audio_inputs",
    "video": "video_inputs",
    "reasoning": "reasoning_output",
}

#: types of message blocks, in LlamaIndex's and LangChain's words -> the ability they ask for
BLOCKS: dict[str, str] = {
    "image": "images",
    "document": "pdf",
    "file": "pdf",
    "thinking": "thinking_blocks",
    "citable": "citations",
    "citation": "citations",
    "cache": "cache_points",
    "cache_point": "cache_points",
    "tool_call": "tools",
}

#: what OpenAI's chat completions have no place for: such blocks are left out there, and the loss is recorded
NOT_ON_THE_WIRE: dict[str, bool] = {"thinking_blocks": False, "citations": False, "cache_points": False}

#: the same for dialects that have a place for such blocks, by name; others are as OpenAI's chat completions
ON_THE_WIRE: dict[str, dict[str, bool]] = {
    "anthropic.messages": {"thinking_blocks": True, "citations": True, "cache_points": True},
    "openai.responses": {"thinking_blocks": True, "citations": False, "cache_points": False, "audio": False, "video": False},
    "gemini.generate": {"thinking_blocks": True, "citations": False, "cache_points": False},
}

#: every word that the hint ``needs`` takes
NEEDS: tuple[str, ...] = (*ABILITIES, "typed_answer", *BLOCKS)

#: kinds of work, as features find them out and as strengths are named
TASKS: tuple[str, ...] = (
    "code_snippet",
    "code_design",
    "code_refactor",
    "code_debug",
    "code_documentation",
    "mathematics",
    "reasoning",
    "summarising",
    "extraction",
    "classification",
    "translation",
    "creative_writing",
    "question_answering",
    "chat",
    "vision",
)

#: what stands before the first ``_`` of several tasks
TASK_GROUPS: tuple[str, ...] = ("code",)

#: fields of knowledge
DOMAINS: tuple[str, ...] = ("legal", "medical", "finance", "science", "support", "marketing", "travel", "general")

#: how hard a call is, as features find it out and as the hint says it
DIFFICULTIES: tuple[str, ...] = ("easy", "middle", "hard")


def able(abilities: Mapping[str, bool], need: str) -> bool | None:
    """Whether these abilities serve a need: True, False, or None where that is unknown.

    A typed answer can be given natively or by a forced tool call, so either ability is enough. Whoever is known to
    call tools is taken to let itself be told which, unless it is known not to.
    """
    if need == "typed_answer":
        native, tools = abilities.get("structured_output"), abilities.get("tools")
        if native or tools:
            return True
        return False if native is False and tools is False else None
    if need == "tool_choice":
        return abilities.get("tool_choice", abilities.get("tools") or None)
    return abilities.get(need)
