"""Pools over one served sandbox, and what all tests of the LlamaIndex door ask it."""

from dataclasses import replace
from typing import Any

from langchain_openai import ChatOpenAI
from li_models import WireLLM
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from routed_llm import RoutedLLM
from routed_llm.testing import DEFAULT_MODELS, SandboxServer, sandbox_entries

__all__ = [
    "ASKED", "DIALECTS", "KINDS", "SAID", "WEATHER", "Sum", "add", "address", "answering", "bodies", "pool", "question",
    "served", "weather",
]  # fmt: skip

#: pools whose models are spoken to in another dialect than OpenAI's chat completions
DIALECTS = {"anthropic": "anthropic.messages", "gemini": "gemini.generate", "responses": "openai.responses"}
#: ``mixed`` has a LlamaIndex object first and a LangChain model second
KINDS = ("up", "first_down", "mixed", "mixed_first_down", *DIALECTS)
FIRST, SECOND = "sandbox-medium", "sandbox-large"
ASKED = "What is 2 plus 3?"
WEATHER = "What is the weather in Paris?"
SAID = "In Paris it is sunny at 21 degrees."


class Sum(BaseModel):
    """A sum."""

    result: int


def weather(city: str) -> str:
    """The weather in a city."""
    return f"In {city} it is sunny at 21 degrees."


add = FunctionTool.from_defaults(lambda a, b: a + b, name="add", description="Add two numbers.")


def question(text: str = ASKED) -> list[ChatMessage]:
    """One message of a user."""
    return [ChatMessage(content=text, role="user")]


def answering(kind: str) -> str:
    """The model that answers in a pool of that kind."""
    return SECOND if kind.endswith("down") else FIRST


def served(kind: str) -> str:
    """The same by its name on the wire, which in Gemini's dialect says whose rules it keeps."""
    return f"gemini-3-{answering(kind)}" if kind == "gemini" else answering(kind)


def address(kind: str, server: SandboxServer) -> str:
    """Where the server speaks the dialect of a kind of pool."""
    return {"anthropic": server.anthropic_url, "gemini": server.gemini_url}.get(kind, server.base_url)


def pool(kind: str, server: SandboxServer, *names: str, **options: Any) -> RoutedLLM:
    """Two capable models in order of preference, or those named; everything that the server remembers is forgotten."""
    dialect = DIALECTS.get(kind, "openai.chat")
    served = sandbox_entries(DEFAULT_MODELS, address(kind, server), dialect=dialect)
    entries = {model.name: entry for model, entry in zip(DEFAULT_MODELS, served, strict=True)}
    chosen = [entries[name] for name in names or (FIRST, SECOND)]
    if kind.startswith("mixed"):
        objects = [WireLLM(model=FIRST, api_base=server.base_url), langchain_model(SECOND, server)]
        wrapped = {"base_url": None, "api_key": None}
        chosen = [replace(entry, model=each, **wrapped) for entry, each in zip(chosen, objects, strict=True)]
    server.sandbox.heal()
    if kind.endswith("down"):
        server.sandbox.fail(model=FIRST, status=500)
    server.sandbox.requests.clear()
    server.sandbox.ledger.clear()
    return RoutedLLM(chosen, quiet_fallbacks=True, **options)


def langchain_model(name: str, server: SandboxServer) -> ChatOpenAI:
    """A LangChain model that keeps no connection, because it would outlive its event loop."""
    return ChatOpenAI(
        model=name, base_url=server.base_url, api_key="none", stream_usage=True, default_headers={"Connection": "close"}
    )


def bodies(server: SandboxServer) -> list[dict[str, Any]]:
    """What arrived at the server."""
    return [arrival.body for arrival in server.sandbox.requests]
