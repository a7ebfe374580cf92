"""What is known of a call by where it is made: the node of a LangGraph graph, the agent, the thread.

LangGraph writes these into the config of each node, ``create_agent`` its agent's name, and all runs within inherit them in a
context variable. Outside of any run that is one look at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.runnables.config import var_child_runnable_config

from routed_llm.requests import NO_FACTS

__all__ = ["facts_around", "stage_given"]

#: the node of ``create_agent`` and of LangGraph's older agents that calls the model: it says nothing where the agent has a name
_ANY_AGENT = frozenset({"model", "agent", "call_model"})


def facts_around() -> Mapping[str, Any]:
    """Facts ``node``, ``agent``, ``thread_id`` and ``stage`` of the run around this call, those that are known.

    The stage is the node's name; in the node with which every agent calls its model, the agent's name.
    """
    around = var_child_runnable_config.get()
    if around is None:
        return NO_FACTS
    metadata = around.get("metadata") or NO_FACTS
    thread = (around.get("configurable") or NO_FACTS).get("thread_id") or metadata.get("thread_id")
    node, agent = metadata.get("langgraph_node"), metadata.get("lc_agent_name")
    if node is None and agent is None and thread is None:
        return NO_FACTS
    found = {"node": node, "agent": agent, "thread_id": thread, "stage": _stage(node, agent)}
    return {name: str(value) for name, value in found.items() if value}


def stage_given(metadata: Mapping[str, Any]) -> dict[str, str] | None:
    """The stage as a hint, where only the call's own config names it and nothing around it does."""
    stage = _stage(metadata.get("langgraph_node"), metadata.get("lc_agent_name"))
    return {"stage": str(stage)} if stage and facts_around().get("stage") != str(stage) else None


def _stage(node: Any, agent: Any) -> Any:
    return agent if agent and (node is None or node in _ANY_AGENT) else node
