"""A :class:`Deployment`: one callable endpoint of a model, with everything routing may know of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.catalog.prices import Price
from routed_llm.driver import Endpoint

__all__ = ["Deployment"]


class Deployment:
    """One endpoint of a model. Never changed after it was made.

    Args:
        id: unique in its catalog, such as ``openai:gpt-5-mini`` or ``fast#2``.
        model: what the user names: an alias, or ``provider:model``.
        provider: name of the provider, in the words of the provider rows.
        served_model: the model's name on the wire.
        endpoint: what is called.
        price: None where it is unknown.
        context: longest prompt in tokens; None where it is unknown.
        max_output: longest answer in tokens; None where it is unknown.
        abilities: what the model can (True) and cannot do (False); what is missing is unknown.
        region: where it runs, as the user named it.
        tags: free labels that hints can name.
        private: marked private by the user, or on this machine.
        weight: share of calls in the strategy ``weighted``.
        position: place in the user's order of preference.
        account: names the key and provider that pay; deployments of one account run out of money together.
        marks: facts about the endpoint that a decision should tell, such as ``inner_retries: unknown``.
    """

    __slots__ = (
        "abilities",
        "account",
        "context",
        "endpoint",
        "id",
        "marks",
        "max_output",
        "model",
        "names",
        "position",
        "price",
        "private",
        "provider",
        "region",
        "served_model",
        "tags",
        "weight",
    )

    def __init__(
        self,
        id: str,
        model: str,
        provider: str,
        served_model: str,
        endpoint: Endpoint,
        *,
        price: Price | None = None,
        context: int | None = None,
        max_output: int | None = None,
        abilities: Mapping[str, bool] | None = None,
        region: str | None = None,
        tags: tuple[str, ...] = (),
        private: bool = False,
        weight: float = 1.0,
        position: int = 0,
        account: str = "",
        marks: tuple[str, ...] = (),
    ) -> None:
        self.id = id
        self.model = model
        self.provider = provider
        self.served_model = served_model
        self.endpoint = endpoint
        self.price = price
        self.context = context
        self.max_output = max_output
        self.abilities: Mapping[str, bool] = abilities or {}
        self.region = region
        self.tags = tags
        self.private = private
        self.weight = weight
        self.position = position
        self.account = account
        self.marks = marks
        self.names = frozenset({id, model, served_model, f"{provider}:{served_model}"})

    def answers_to(self, name: str) -> bool:
        """True when ``name`` is this deployment, its model, its provider or one of its tags."""
        return name in self.names or name == self.provider or name in self.tags

    def can(self, need: str) -> bool | None:
        """Whether it has an ability: True, False, or None where that is unknown.

        A typed answer can be given natively or by a forced tool call, so either ability is enough. Whoever is known to
        call tools is taken to let itself be told which, unless it is known not to.
        """
        if need == "typed_answer":
            native, tools = self.abilities.get("structured_output"), self.abilities.get("tools")
            if native or tools:
                return True
            return False if native is False and tools is False else None
        if need == "tool_choice":
            return self.abilities.get("tool_choice", self.abilities.get("tools") or None)
        return self.abilities.get(need)

    def facts(self) -> tuple[Any, ...]:
        """All that routing may depend on, as a value that can be compared and hashed into the catalog's version."""
        return (
            self.id,
            self.model,
            self.provider,
            self.served_model,
            repr(self.price),
            self.context,
            self.max_output,
            tuple(sorted(self.abilities.items())),
            self.region,
            self.tags,
            self.private,
            self.weight,
        )

    def __repr__(self) -> str:
        return f"<Deployment {self.id}>"
