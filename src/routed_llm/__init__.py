"""Many language models behind one: chooses a model for every call, survives failures, counts every token and cent.

``RoutedChatModel`` is a LangChain chat model, ``RoutedLLM`` a LlamaIndex LLM. Importing this package loads no framework and
touches no network; each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from routed_llm.catalog.models import Model
    from routed_llm.catalog.prices import Price
    from routed_llm.clock import Clock
    from routed_llm.decisions import Decision
    from routed_llm.dispatch.budget import Limits
    from routed_llm.dispatch.resilience import Hedge, Resilience
    from routed_llm.errors import CannotAnswer
    from routed_llm.health.checks import HealthChecks
    from routed_llm.health.report import Health
    from routed_llm.langchain.callbacks import RoutingCallbackHandler, get_routing_callback
    from routed_llm.langchain.chat_model import RoutedChatModel
    from routed_llm.langchain.embeddings import RoutedEmbeddings
    from routed_llm.llama_index.embedding import RoutedEmbedding
    from routed_llm.llama_index.llm import RoutedLLM
    from routed_llm.policy import strategies
    from routed_llm.policy.branches import First, Split, When
    from routed_llm.policy.compose import Policy
    from routed_llm.policy.features.asked import AskModel
    from routed_llm.policy.features.examples import Examples, Task
    from routed_llm.policy.registry import register
    from routed_llm.policy.rules.rule import Rule
    from routed_llm.policy.strategies import by_stage
    from routed_llm.pricing.settings import Prices
    from routed_llm.providers.offered import adiscover_models, discover_models
    from routed_llm.providers.rows import ProviderRow
    from routed_llm.router import Router
    from routed_llm.saved import load_decisions, replay
    from routed_llm.state.budgets import Budget
    from routed_llm.state.redis import RedisState
    from routed_llm.telemetry.spend import Spend, track

__version__ = "0.1.0"

_HOME = {
    "RoutedChatModel": "routed_llm.langchain.chat_model",
    "RoutedLLM": "routed_llm.llama_index.llm",
    "RoutedEmbeddings": "routed_llm.langchain.embeddings",
    "RoutedEmbedding": "routed_llm.llama_index.embedding",
    "RoutingCallbackHandler": "routed_llm.langchain.callbacks",
    "get_routing_callback": "routed_llm.langchain.callbacks",
    "Router": "routed_llm.router",
    "Model": "routed_llm.catalog.models",
    "ProviderRow": "routed_llm.providers.rows",
    "discover_models": "routed_llm.providers.offered",
    "adiscover_models": "routed_llm.providers.offered",
    "Price": "routed_llm.catalog.prices",
    "Prices": "routed_llm.pricing.settings",
    "Policy": "routed_llm.policy.compose",
    "Rule": "routed_llm.policy.rules.rule",
    "First": "routed_llm.policy.branches",
    "When": "routed_llm.policy.branches",
    "Split": "routed_llm.policy.branches",
    "by_stage": "routed_llm.policy.strategies",
    "Decision": "routed_llm.decisions",
    "Task": "routed_llm.policy.features.examples",
    "Examples": "routed_llm.policy.features.examples",
    "AskModel": "routed_llm.policy.features.asked",
    "register": "routed_llm.policy.registry",
    "load_decisions": "routed_llm.saved",
    "replay": "routed_llm.saved",
    "Budget": "routed_llm.state.budgets",
    "Limits": "routed_llm.dispatch.budget",
    "Resilience": "routed_llm.dispatch.resilience",
    "CannotAnswer": "routed_llm.errors",
    "Hedge": "routed_llm.dispatch.resilience",
    "HealthChecks": "routed_llm.health.checks",
    "Health": "routed_llm.health.report",
    "RedisState": "routed_llm.state.redis",
    "Clock": "routed_llm.clock",
    "Spend": "routed_llm.telemetry.spend",
    "track": "routed_llm.telemetry.spend",
}

__all__ = [
    "RoutedChatModel",
    "RoutedLLM",
    "RoutedEmbeddings",
    "RoutedEmbedding",
    "RoutingCallbackHandler",
    "get_routing_callback",
    "Router",
    "Model",
    "ProviderRow",
    "discover_models",
    "adiscover_models",
    "CannotAnswer",
    "Price",
    "Prices",
    "Policy",
    "Rule",
    "First",
    "When",
    "Split",
    "strategies",
    "by_stage",
    "Task",
    "Examples",
    "AskModel",
    "register",
    "Decision",
    "load_decisions",
    "replay",
    "Budget",
    "Limits",
    "Resilience",
    "Hedge",
    "HealthChecks",
    "Health",
    "RedisState",
    "Clock",
    "Spend",
    "track",
]


def __getattr__(name: str) -> Any:
    if name == "strategies":  # a module, not a name of one
        return import_module("routed_llm.policy.strategies")
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
