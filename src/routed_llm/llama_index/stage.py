"""What is known of a call without reading it: the step of an engine, the agent, and that it completes a text."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.prompts import PromptType

from routed_llm.requests import NO_FACTS

__all__ = ["STAGES", "Completed", "Staged", "facts_of", "stage_of"]

#: LlamaIndex's type of a prompt -> the word for it in policies; types that say nothing of the step are left out
STAGES: dict[str, str] = {
    PromptType.QUESTION_ANSWER.value: "question_answering",
    PromptType.REFINE.value: "refine",
    PromptType.SUMMARY.value: "summary",
    PromptType.TREE_INSERT.value: "tree_insert",
    PromptType.TREE_SELECT.value: "tree_select",
    PromptType.TREE_SELECT_MULTIPLE.value: "tree_select_multiple",
    PromptType.KEYWORD_EXTRACT.value: "keyword_extraction",
    PromptType.QUERY_KEYWORD_EXTRACT.value: "query_keyword_extraction",
    PromptType.SCHEMA_EXTRACT.value: "schema_extraction",
    PromptType.TEXT_TO_SQL.value: "text_to_sql",
    PromptType.TEXT_TO_GRAPH_QUERY.value: "text_to_graph_query",
    PromptType.TABLE_CONTEXT.value: "table_context",
    PromptType.KNOWLEDGE_TRIPLET_EXTRACT.value: "triplet_extraction",
    PromptType.PANDAS.value: "pandas",
    PromptType.JSON_PATH.value: "json_path",
    PromptType.SINGLE_SELECT.value: "select",
    PromptType.MULTI_SELECT.value: "select_multiple",
    PromptType.VECTOR_STORE_QUERY.value: "vector_store_query",
    PromptType.SUB_QUESTION.value: "sub_question",
    PromptType.SQL_RESPONSE_SYNTHESIS.value: "sql_response",
    PromptType.SQL_RESPONSE_SYNTHESIS_V2.value: "sql_response",
    PromptType.CONVERSATION.value: "conversation",
    PromptType.DECOMPOSE.value: "decompose",
    PromptType.CHOICE_SELECT.value: "rerank",
    PromptType.RANKGPT_RERANK.value: "rerank",
}


class Staged(list[ChatMessage]):
    """Messages made of a prompt; the list itself says which step they are for, so no other task or stream can mix it up."""

    def __init__(self, messages: Sequence[ChatMessage], stage: str | None) -> None:
        super().__init__(messages)
        self.stage = stage


class Completed(list[ChatMessage]):
    """The message made of a completion's text; ``formatted`` where an LLM must put nothing around the text any more."""

    def __init__(self, message: ChatMessage, formatted: bool) -> None:
        super().__init__((message,))
        self.formatted = formatted


#: by whether the text is formatted
_COMPLETIONS: Mapping[bool, Mapping[str, Any]] = {True: {"completion": "formatted"}, False: {"completion": "plain"}}


def stage_of(prompt: Any) -> str | None:
    """The step that a prompt is for; None where its type says nothing."""
    kind = (getattr(prompt, "metadata", None) or {}).get("prompt_type")
    return STAGES.get(str(getattr(kind, "value", kind)))


def facts_of(messages: Any) -> Mapping[str, Any]:
    """What is known of a call without reading it: ``stage``, ``agent``, ``node`` and ``completion``, those that are known.

    The stage is the step of an engine by its prompt; else, in a workflow, the agent's name or the step's.
    """
    around = _of_step()
    if type(messages) is Completed:
        return {**around, **_COMPLETIONS[bool(messages.formatted)]}
    stage = messages.stage if type(messages) is Staged else None
    return around if stage is None else {**around, "stage": stage}


#: the steps that all agents have; they say nothing of what is done
_ANY_AGENT = "run_agent_step"
#: how LlamaIndex calls an agent without a name
_NAMELESS = "Agent"


def _of_step() -> Mapping[str, Any]:
    """The workflow's step that is running, and its agent; workflows keep them in a context variable."""
    module = sys.modules.get("workflows.runtime.types.results")
    variable = getattr(module, "StepWorkerStateContextVar", None)
    step = variable.get(None) if variable is not None else None
    if step is None:
        return NO_FACTS
    node = getattr(step.state, "step_name", None)
    agent = getattr(step.event, "current_agent_name", None)
    agent = None if agent == _NAMELESS else agent
    stage = agent or (node if node != _ANY_AGENT else None)
    return {name: value for name, value in (("node", node), ("agent", agent), ("stage", stage)) if value}
