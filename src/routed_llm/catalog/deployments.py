"""A :class:`Deployment`: one callable endpoint of a model, with everything routing may know of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.abilities import able
from routed_llm.catalog.known import NOTHING, Place
from routed_llm.catalog.prices import Price
from routed_llm.catalog.regions import in_region
from routed_llm.catalog.strengths import strength_names
from routed_llm.driver import Endpoint

__all__ = ["MAPPINGS", "PLAIN", "Deployment"]

#: attributes that routing may depend on, beside names, price and modes: plain values (tuples of texts, too), and mappings
PLAIN = (
    "id",
    "model",
    "provider",
    "served_model",
    "context",
    "max_output",
    "region",
    "tags",
    "private",
    "weight",
    "position",
    "marks",
    "quality",
    "knowledge",
    "factuality",
    "agreements",
    "residency",
    "place",
    "languages",
    "network",
    "retires",
)
MAPPINGS = ("abilities", "strengths", "traits", "prepaid", "latency", "limits", "usage_policy")


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
        quality: how good its answers are in general, 0 to 1; None where it is unknown.
        strengths: the same by task, group of tasks, domain, ``language:de`` or ``code:python``.
        knowledge: ISO date until which it knows the world.
        factuality: share of its claims that are true, 0 to 1.
        agreements: what its provider has signed or promised, in lower case, such as ``baa``.
        residency: further regions that it counts as, in lower case.
        place: ``device``, ``on_premises`` or ``cloud``; None where nothing is known, which is taken as the cloud.
        languages: ISO codes of languages that it is known to be good at, in lower case.
        traits: words for its manner.
        network: seconds that the network takes to it and back.
        prepaid: capacity that is paid for already, ``tokens_per_minute``.
        latency: what to expect before anything was measured: ``first_content`` in seconds, ``tokens_per_second``.
        limits: ``requests_per_minute``, ``tokens_per_minute``, ``concurrent``.
        usage_policy: tasks and domains that it ``forbids``, and agreements that it ``requires``.
        retires: ISO date of the first day (UTC) on which it is not served any more; None where nothing is known.
    """

    __slots__ = (
        "abilities",
        "account",
        "agreements",
        "context",
        "endpoint",
        "factuality",
        "id",
        "knowledge",
        "languages",
        "latency",
        "limits",
        "marks",
        "max_output",
        "model",
        "names",
        "network",
        "place",
        "position",
        "prepaid",
        "price",
        "private",
        "provider",
        "quality",
        "region",
        "residency",
        "retires",
        "said",
        "served_model",
        "strengths",
        "tags",
        "traits",
        "usage_policy",
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
        quality: float | None = None,
        strengths: Mapping[str, float] = NOTHING,
        knowledge: str | None = None,
        factuality: float | None = None,
        agreements: tuple[str, ...] = (),
        residency: tuple[str, ...] = (),
        place: Place | None = None,
        languages: tuple[str, ...] = (),
        traits: Mapping[str, str | float | bool] = NOTHING,
        network: float | None = None,
        prepaid: Mapping[str, float] = NOTHING,
        latency: Mapping[str, float] = NOTHING,
        limits: Mapping[str, int] = NOTHING,
        usage_policy: Mapping[str, tuple[str, ...]] = NOTHING,
        retires: str | None = None,
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
        self.quality = quality
        self.strengths = strengths
        self.knowledge = knowledge
        self.factuality = factuality
        self.agreements = agreements
        self.residency = residency
        self.place = place
        self.languages = languages
        self.traits = traits
        self.network = network
        self.prepaid = prepaid
        self.latency = latency
        self.limits = limits
        self.usage_policy = usage_policy
        self.retires = retires or None
        #: names of the facts that a user said, which no newer card changes
        self.said: frozenset[str] = frozenset()
        self.names = frozenset({id, model, served_model, f"{provider}:{served_model}"})

    def answers_to(self, name: str) -> bool:
        """True when ``name`` is this deployment, its model, its provider or one of its tags."""
        return name in self.names or name == self.provider or name in self.tags

    def can(self, need: str) -> bool | None:
        """Whether it serves a need: True, False, or None where that is unknown; see :func:`routed_llm.abilities.able`."""
        return able(self.abilities, need)

    def strength(self, task: str | None = None, domain: str | None = None, language: str | None = None) -> float | None:
        """How good it is at a kind of call, 0 to 1: the most specific number that is known, else ``quality``.

        Whoever asks many deployments makes :func:`~routed_llm.catalog.strengths.strength_names` once, and asks with
        :meth:`strength_at`.
        """
        return self.strength_at(strength_names(task, domain, language))

    def strength_at(self, names: tuple[str, ...]) -> float | None:
        """The number of the first name that is known, else ``quality``."""
        strengths = self.strengths
        if strengths:
            for name in names:
                if name in strengths:
                    return strengths[name]
        return self.quality

    def lies_in(self, wanted: str) -> bool:
        """Whether it is known to be in a region or area; see :func:`~routed_llm.catalog.regions.in_region`."""
        return in_region(self.region, wanted) or any(in_region(region, wanted) for region in self.residency)

    def facts(self) -> tuple[Any, ...]:
        """All that routing may depend on, as a value that can be compared and hashed into the catalog's version."""
        return (
            *(getattr(self, name) for name in PLAIN),
            *(tuple(sorted(getattr(self, name).items())) for name in MAPPINGS),
            tuple(sorted(self.names)),
            repr(self.price),
            tuple(sorted(self.endpoint.modes)),
        )

    def __repr__(self) -> str:
        return f"<Deployment {self.id}>"
