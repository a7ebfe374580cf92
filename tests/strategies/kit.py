"""What tests of strategies share: named models on one loopback server, and one call through either framework or a file.

A test states its promise as a function of the strategy, runs it with the strategy through every door, and shows with
``fails_when_ordered`` that the promise is broken as soon as the pool's order decides.
"""

from typing import Any, NamedTuple

import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.base.llms.types import ChatMessage

from routed_llm import Model, RoutedChatModel, RoutedLLM, Router
from routed_llm.testing import Sandbox, SandboxModel, SandboxServer

DOORS = ("langchain", "llama_index")


class Answered(NamedTuple):
    """Who answered, why, and everything else that the answer tells of its call."""

    model: str
    reason: str
    routing: dict[str, Any]


class Pool:
    """Models of one served sandbox by alias; ``about`` is what a router is told of each.

    ``waits`` (alias -> seconds to the first token) makes models slow on the wire.
    """

    def __init__(self, about: dict[str, dict[str, Any]], waits: dict[str, float] | None = None) -> None:
        self.about = about
        waits = waits or {}
        served = [SandboxModel(alias, abilities=frozenset({"tools"}), first=waits.get(alias, 0.0)) for alias in about]
        self.server = SandboxServer(Sandbox(served, speed=1 if waits else 0))

    def __enter__(self) -> "Pool":
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__(None, None, None)

    @property
    def models(self) -> list[Model]:
        """The entries, in the order given. They count as in the cloud where nothing else is said."""
        plain = {"private": False, "base_url": self.server.base_url, "api_key": "any"}
        return [Model(f"openai:{alias}", name=alias, **{**plain, **told}) for alias, told in self.about.items()]

    @property
    def asked(self) -> list[str]:
        """Who was asked on the wire, in turn."""
        return [arrival.body["model"] for arrival in self.server.sandbox.requests if arrival.body]

    def router(self, strategy: Any, **settings: Any) -> Router:
        """A router over the pool."""
        return Router(self.models, strategy, quiet_fallbacks=True, **settings)

    def file(self, strategy: str) -> str:
        """The text of a configuration file over the pool; ``strategy`` is TOML that sets ``strategy`` and its tables."""
        lines = [strategy, ""]
        for alias, told in self.about.items():
            lines.append(f"[models.{alias}]")
            plain = {"model": f"openai:{alias}", "private": False, "base_url": self.server.base_url, "api_key": "env:POOL_KEY"}
            lines.extend(f"{key} = {as_toml(value)}" for key, value in {**plain, **told}.items())
            lines.append("")
        return "\n".join(lines)


def ask(
    door: str, router: Router, text: str = "What is 17 + 4?", routing: dict[str, Any] | None = None, **params: Any
) -> Answered:
    """One call through a door; raises what the door raises."""
    if door == "langchain":
        message = RoutedChatModel(router=router).invoke([HumanMessage(text)], routing=routing, **params)
        told = message.response_metadata["routing"]
    else:
        answer = RoutedLLM(router=router).chat([ChatMessage(content=text)], routing=routing, **params)
        told = answer.additional_kwargs["routing"]
    return Answered(told["model"], told["reason"], told)


def fails_when_ordered(promise: Any, *args: Any) -> None:
    """The promise is no longer kept when the pool's order decides."""
    with pytest.raises(AssertionError):
        promise("ordered", *args)


def as_toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{key}" = {as_toml(each)}' for key, each in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return repr(value) if isinstance(value, (int, float)) else '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
