"""A :class:`Policy`: rules, filters, scorers and a selector, composed."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.snapshot import Catalog
from routed_llm.errors import ConfigurationError
from routed_llm.policy.filters.abilities import Abilities
from routed_llm.policy.filters.cost import MaxCost
from routed_llm.policy.filters.factuality import MinFactuality
from routed_llm.policy.filters.modes import Modes
from routed_llm.policy.filters.named import Named
from routed_llm.policy.filters.output import Output
from routed_llm.policy.filters.place import Place
from routed_llm.policy.filters.quality import MinQuality
from routed_llm.policy.filters.ruled import Ruled
from routed_llm.policy.filters.speed import MaxSeconds
from routed_llm.policy.filters.taking import Taking
from routed_llm.policy.filters.terms import Required
from routed_llm.policy.filters.window import Window
from routed_llm.policy.later import Pool
from routed_llm.policy.selectors.best import Best
from routed_llm.policy.selectors.in_order import InOrder
from routed_llm.policy.shapes import Feature, Filter, Live, Rule, Scorer, Selector
from routed_llm.policy.vectors import left_of
from routed_llm.requests import Ask, Requirements

if TYPE_CHECKING:
    from routed_llm.policy.branches import Branch
    from routed_llm.policy.leaves import Ruling

__all__ = ["HARD_FILTERS", "AnyPolicy", "Eligible", "Policy"]

#: what no policy can switch off: a model that cannot or may not serve a call is never tried
HARD_FILTERS: tuple[Filter, ...] = (
    Named(), Ruled(), Modes(), Abilities(), Place(), Required(), Taking(), Window(), Output(), MaxCost(), MaxSeconds(),
    MinQuality(), MinFactuality(),
)  # fmt: skip

AnyPolicy: TypeAlias = "Policy | Branch"
_keys = itertools.count(1)


class Eligible:
    """Who passed the static filters for one kind of call: cached per catalog.

    ``unsure`` holds the ids of those of whom it is not known that they can; they rank after the others.
    """

    __slots__ = ("_narrowed", "candidates", "needs", "rejected", "unsure", "window")

    #: verdicts of filters with keys that are kept
    KEPT = 256

    def __init__(self, candidates: Sequence[Deployment], rejected: Mapping[str, str], needs: frozenset[str]) -> None:
        self.unsure = frozenset(d.id for d in candidates if any(d.can(need) is None for need in needs))
        self.candidates = Pool(candidates)
        self.rejected = rejected
        self.needs = needs
        #: the smallest window of all
        self.window = min((d.context for d in candidates if d.context is not None), default=float("inf"))
        self._narrowed: dict[Hashable, Eligible] = {}

    def narrowed(self, filters: Sequence[Any], ask: Ask, live: Live) -> Eligible:
        """Who passes filters whose verdicts depend on nothing but their keys (``depends``), too."""
        key = tuple([each.depends(ask) for each in filters])
        found = self._narrowed.get(key)
        if found is None:
            candidates: Sequence[Deployment] = self.candidates
            rejected = self.rejected
            for each in filters:
                if verdicts := each.reject(ask, candidates, live):
                    candidates, rejected = left_of(candidates, verdicts), {**rejected, **verdicts}
            if len(self._narrowed) >= self.KEPT:
                self._narrowed.clear()
            found = self._narrowed[key] = Eligible(tuple(candidates), rejected, self.needs) if rejected else self
        return found


class Policy:
    """Who should answer: rules, filters, scorers with weights, and a selector.

    Args:
        name: shown in reasons.
        rules: change what may or should answer when their condition holds; all that hold take effect, in this order.
        filters: in addition to :data:`HARD_FILTERS`.
        scorers: scorer -> weight. Values are brought to 0..1 over the candidates (0 the best) before they are weighed,
            so that units do not drown one another; with a single scorer they are taken as they are. See
            :mod:`routed_llm.policy.weigh`.
        selector: puts the candidates in order; by default the lowest total, and without scorers the catalog's order.
        features: how to find out facts, instead of the built-in ways; see :mod:`routed_llm.policy.facts`.

    Raises:
        ConfigurationError: for an object that has not the shape of its place.
    """

    def __init__(
        self,
        name: str,
        *,
        rules: Sequence[Rule] = (),
        filters: Sequence[Filter] = (),
        scorers: Mapping[Scorer, float] | None = None,
        selector: Selector | None = None,
        features: Sequence[Feature] = (),
    ) -> None:
        self.name = name
        for given, method in ((rules, "apply"), (filters, "reject"), (tuple(scorers or ()), "values"), (features, "read")):
            _check_shape(given, method, name)
        _check_shape((selector,) if selector is not None else (), "order", name)
        every = (*HARD_FILTERS, *filters)
        self.rules = tuple(rules)
        plain = all(getattr(rule, "by_condition", False) for rule in self.rules)
        #: of each rule, where conditions alone say which of them hold
        self.conditions: tuple[Any, ...] = tuple(rule.if_ for rule in self.rules) if plain else ()  # type: ignore[attr-defined]
        self.filters = tuple(filters)
        self.static_filters = tuple(f for f in every if f.static)
        self.live_filters = tuple(f for f in every if not f.static and not hasattr(f, "depends"))
        #: those whose verdicts depend on nothing but a key, so that they are kept by it
        self.keyed_filters = tuple(f for f in every if not f.static and hasattr(f, "depends"))
        #: those that do something for calls without hints and without ``max_tokens``, too
        self.plain_filters = tuple(f for f in self.live_filters if getattr(f, "hint", None) is None)
        #: the same for prompts that fit every window
        self.fitting_filters = tuple(f for f in self.plain_filters if not isinstance(f, Window))
        self.plain_keyed = tuple(f for f in self.keyed_filters if getattr(f, "hint", None) is None)
        self.scorers = tuple((scorer, float(weight)) for scorer, weight in (scorers or {}).items())
        #: the same, with what each one's values depend on, where that is all that they do
        self.weighing = tuple((scorer, weight, getattr(scorer, "depends", None)) for scorer, weight in self.scorers)
        #: the only scorer, where there is one and its values are totals as they are
        self.single = self.scorers[0][0] if len(self.scorers) == 1 and self.scorers[0][0].lower_is_better else None
        #: the selector that was given, or None
        self.chosen_selector = selector
        self.selector: Selector = selector or (Best("lowest total") if self.scorers else InOrder())
        #: selectors that may have to tell something about whoever answers
        self.noticing = tuple(piece for piece in _chain(self.selector) if hasattr(piece, "notice"))
        self.features = tuple(features)
        #: tells policies of this process apart, for caches
        self.key = next(_keys)
        self._version: str | None = None
        #: what rules that hold together do to a call: see :func:`routed_llm.policy.leaves.ruling_of`
        self.rulings: dict[tuple[int, ...], Ruling] = {}
        self._under: dict[int, tuple[AnyPolicy, AnyPolicy]] = {}
        #: the verdicts that were asked for last: by catalog and requirements
        self.last: tuple[Catalog, Requirements, Eligible] | None = None

    @property
    def pieces(self) -> tuple[Any, ...]:
        """All pieces but the features."""
        return (
            *self.rules,
            *self.static_filters,
            *self.keyed_filters,
            *self.live_filters,
            *(s for s, _ in self.scorers),
            *_chain(self.selector),
        )

    @property
    def reads(self) -> frozenset[str]:
        """Names of the facts that its pieces look at."""
        return frozenset(fact for piece in self.pieces for fact in getattr(piece, "reads", ()))

    @property
    def parts(self) -> tuple[AnyPolicy, ...]:
        """Policies that its rules switch to."""
        return tuple(part for rule in self.rules for part in getattr(rule, "policies", ()))

    @property
    def named(self) -> tuple[str, ...]:
        """Models, aliases, providers and tags that the pieces name: those of a router that has none of them are mistakes."""
        return tuple(name for piece in self.pieces for name in getattr(piece, "names", ()))

    def under(self, other: AnyPolicy) -> AnyPolicy:
        """Another policy under this one's filters: those of whoever switches policies stay in force."""
        if not self.filters:
            return other
        found = self._under.get(id(other))
        if found is None:
            from routed_llm.policy.combine import combined  # combining makes policies

            kept = Policy(self.name, filters=self.filters)
            found = self._under[id(other)] = (other, combined([kept, other]))
        return found[1]

    def as_data(self) -> dict[str, Any]:
        """The policy as plain data, from which :func:`~routed_llm.policy.data.policy_from` makes it again."""
        from routed_llm.policy.data import policy_data  # data knows policies

        return policy_data(self)

    @property
    def version(self) -> str:
        """Hash of what decides: the same for equal policies in every process."""
        if self._version is None:
            from routed_llm.policy.data import version_of  # data knows policies

            self._version = version_of(self)
        return self._version

    def eligible(self, ask: Ask, catalog: Catalog, live: Live) -> Eligible:
        """Verdicts of the static filters, from the catalog's cache where they are there."""
        requires = ask.requires
        key = (self.key, requires)
        found: Eligible | None = catalog.static.get(key)
        if found is None:
            rejected: dict[str, str] = {}
            left: tuple[Deployment, ...] = catalog.deployments
            for each in self.static_filters:
                verdicts = each.reject(ask, left, live)
                if verdicts:
                    rejected.update(verdicts)
                    left = tuple(d for d in left if d.id not in verdicts)
            found = Eligible(left, rejected, requires.needs)
            catalog.remember(key, found)
        self.last = (catalog, requires, found)
        return found

    def __repr__(self) -> str:
        return f"<Policy {self.name}>"


def _check_shape(pieces: Iterable[object], method: str, name: str) -> None:
    for piece in pieces:
        if not callable(getattr(piece, method, None)):
            raise ConfigurationError(
                f"{piece!r} has no method {method!r}: pass an object of that shape.", path=f"Policy({name!r})"
            )


def _chain(selector: Any) -> Iterator[Any]:
    """A selector and those whose order it refines."""
    while selector is not None:
        yield selector
        selector = getattr(selector, "then", None)
