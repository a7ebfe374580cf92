"""From a file to the values that a router is made of, with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from routed_llm.catalog.models import Model
from routed_llm.config.budgets import budgets_of
from routed_llm.config.conditions import condition_problems
from routed_llm.config.document import Document
from routed_llm.config.fact_sources import features_of
from routed_llm.config.models import alias_problems, common_of, entries_of, model_problems
from routed_llm.config.named_policies import NamedPolicies
from routed_llm.config.names import CHOOSING, name_in
from routed_llm.config.places import Source
from routed_llm.config.problems import problems_of, without_unknown
from routed_llm.config.providers import providers_of
from routed_llm.config.reading import Config, read
from routed_llm.config.secrets import secrets_in
from routed_llm.dispatch.budget import Limits
from routed_llm.dispatch.resilience import Resilience
from routed_llm.errors import ConfigurationError
from routed_llm.policy.combine import combined
from routed_llm.policy.compose import AnyPolicy
from routed_llm.policy.shapes import Feature
from routed_llm.pricing.settings import Prices
from routed_llm.providers.rows import ProviderRow
from routed_llm.requests import Purpose
from routed_llm.state.budgets import Budget

__all__ = ["Loaded", "examine", "load", "told_at_its_place"]

#: keys that may stand at the top, or in ``[routing]``
_EITHER = ("strategy", "purpose", "seed", "max_price_ratio", "quiet_fallbacks", "strict_params", "relay", "state")


@dataclass(frozen=True)
class Loaded:
    """A configuration as values.

    Args:
        source: what was read.
        document: the same, checked for its form, with defaults.
        models: entries by the keys of the file; empty where it names none.
        policy: how to choose; None where nothing is said.
        policies: the named policies, made.
        common: what all models share.
        limits: the call budget.
        features: how facts are found out.
        budgets: what may be spent.
        resilience: what is done about faults.
        providers: rows of the user's own.
        prices: where prices come from; None where nothing is said.
    """

    source: Source
    document: Document
    models: Mapping[str, Model]
    policy: AnyPolicy | None
    policies: Mapping[str, AnyPolicy]
    common: Model | None
    limits: Limits
    features: tuple[Feature, ...]
    budgets: tuple[Budget, ...]
    resilience: Resilience
    providers: tuple[ProviderRow, ...] = ()
    prices: Prices | None = None

    def chosen(self, key: str) -> Any:
        """What is said of one of the keys that may stand at the top or in ``[routing]``; its default where nothing is."""
        return _either(self.document, key)

    @property
    def purpose(self) -> Purpose:
        """What the models do."""
        return self.chosen("purpose")  # type: ignore[no-any-return]  # checked by the document

    @property
    def pool(self) -> Any:
        """The models as :class:`~routed_llm.router.Router` takes them; None for what the environment has keys for."""
        if not self.models:
            return None
        listed = isinstance(self.source.data.get("models"), (list, str))
        return list(self.models.values()) if listed else dict(self.models)

    def settings(self) -> dict[str, Any]:
        """The arguments of the router."""
        told: dict[str, Any] = {
            "models": self.pool,
            "strategy": self.policy,
            "common": self.common,
            "limits": self.limits,
            "resilience": self.resilience,
            "features": self.features,
            "aliases": dict(self.document.aliases),
            "providers": self.providers,
        }
        if (checks := self.document.health_checks) is not None:
            told["health_checks"] = checks if isinstance(checks, bool) else checks.model_dump()
        if self.prices is not None:
            told["prices"] = self.prices
        if self.budgets:
            told["budgets"] = self.budgets
        return told | {key: self.chosen(key) for key in _EITHER if key != "strategy"}


def load(config: Config = None) -> Loaded:
    """The values of a configuration.

    Args:
        config: path, text or mapping; see :func:`routed_llm.config.reading.read`.

    Raises:
        ConfigurationError: for the first mistake, with file, key path, and line; it says how many others there are.
    """
    source = read(config)
    loaded, problems = examine(source)
    if loaded is None or problems:
        first = problems[0]
        if len(problems) == 1:
            raise first
        more = "is 1 more mistake" if len(problems) == 2 else f"are {len(problems) - 1} more mistakes"
        problem = f"{first.problem} There {more}: see routed-llm config check."
        raise type(first)(problem, path=first.path, line=first.line)
    return loaded


def examine(source: Source) -> tuple[Loaded | None, list[ConfigurationError]]:
    """The values, as far as they can be made, and every mistake that can be found by itself, in the order of the file.

    Where a key stands in the file, only such mistakes are told.
    """
    problems = list(secrets_in(source.data))
    if problems:  # what else is wrong may be told with a word that is a key
        return None, _in_order(source, problems)
    try:
        document = Document.model_validate(source.data)
    except ValidationError as error:
        problems = problems_of(error)
        sound = without_unknown(source.data, error)
        if sound is not None:
            problems.extend(_further(source._replace(data=sound), {problem.path or "" for problem in problems}))
        return None, _in_order(source, problems)
    loaded = _made(source, document, problems)
    return loaded, _in_order(source, problems)


def _further(source: Source, told: set[str]) -> list[ConfigurationError]:
    """What is wrong in the tables beside those of which something is told; these may only follow from it."""
    try:
        document = Document.model_validate(source.data)
    except ValidationError:
        return []
    found: list[ConfigurationError] = []
    _made(source, document, found)
    tables = {path.rpartition(".")[0] for path in told} - {""}
    return [each for each in found if not any(f"{each.path}.".startswith((f"{table}.", f"{table}[")) for table in tables)]


def _in_order(source: Source, problems: list[ConfigurationError]) -> list[ConfigurationError]:
    placed = [source.placed(problem) for problem in problems]
    return sorted(placed, key=lambda problem: problem.line or 0)


def _made(source: Source, document: Document, problems: list[ConfigurationError]) -> Loaded:
    for key in _EITHER:
        if document.routing is not None and key in document.routing.model_fields_set and key in document.model_fields_set:
            problems.append(ConfigurationError("is said at the top of the file, too: leave one out.", path=f"routing.{key}"))
    models = entries_of(document)
    problems.extend(model_problems(document, models))
    problems.extend(alias_problems(document.aliases, models))
    named = NamedPolicies(document.policies)
    policy = _policy(document, named)
    problems.extend(named.problems)
    features = features_of(document, problems)
    if not named.problems:  # a policy that cannot be made may have features of its own
        every = [*named.made.values(), *([policy] if policy is not None else [])]
        problems.extend(condition_problems(source.data, every, features))
    budgets = budgets_of(document.budgets, problems)
    limits = Limits(**({} if document.limits is None else document.limits.model_dump(exclude_none=True)))
    resilience = Resilience()
    try:
        if document.resilience is not None:
            resilience = Resilience.of(**document.resilience.model_dump())
    except ConfigurationError as error:
        problems.append(error.below("resilience"))
    providers = providers_of(document.providers, problems)
    prices = None
    try:
        if document.prices is not None:
            prices = Prices(**document.prices.model_dump())
    except ConfigurationError as error:
        problems.append(error)
    return Loaded(
        source, document, models, policy, named.made, common_of(document), limits, features, budgets, resilience, providers,
        prices,
    )  # fmt: skip


def _policy(document: Document, named: NamedPolicies) -> AnyPolicy | None:
    """The strategy, behind the rules at the top of the file."""
    strategy = _either(document, "strategy")
    given = strategy is not None
    where = "routing.strategy" if given and document.strategy is None else "strategy"
    policy = named.policy(strategy if given else ("ordered" if document.models else "auto"), where)
    if not document.rules:
        return policy if given else None
    rules = named.rules(document.rules)
    return None if rules is None or policy is None else combined([rules, policy], "strategy")


def _either(document: Document, key: str) -> Any:
    if document.routing is not None and key in document.routing.model_fields_set:
        return getattr(document.routing, key)
    return getattr(document, key)


@contextmanager
def told_at_its_place(loaded: Loaded) -> Iterator[None]:
    """Around the making of a router: what it refuses is told with the place in the file.

    Raises:
        ConfigurationError: with file, key path and line.
    """
    try:
        yield
    except ConfigurationError as error:
        name = name_in(error)
        place = None if name is None else loaded.source.place_of(name, CHOOSING)
        found = error if place is None else type(error)(error.problem, path=place)
        raise loaded.source.placed(found) from None
