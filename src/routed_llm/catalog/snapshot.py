"""The :class:`Catalog`: all deployments of a router as one immutable snapshot, named by the hash of its content."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.naming import LONGEST_NAME
from routed_llm.catalog.stored import deployment_data, deployment_of
from routed_llm.catalog.usd import DAY
from routed_llm.errors import ConfigurationError, NoModels, UnknownHint, UnknownModel
from routed_llm.refusing import nearest

__all__ = ["Catalog"]


_ALWAYS, _NEVER = float("-inf"), float("inf")


class Catalog:
    """All deployments, in the user's order.

    ``static`` caches what depends on nothing but the catalog: verdicts of static filters by the call's requirements.

    Raises:
        NoModels: when there is no deployment.
        ConfigurationError: when two deployments carry one id.
    """

    __slots__ = ("by_id", "deployments", "known", "reads", "retiring", "static", "terms_from", "version", "warns_from")

    #: how many verdicts are kept; hints are the caller's, so the number of different ones is not ours to bound
    STATIC_LIMIT = 4096
    #: seconds before a deployment's last day at which it is said that it comes: 30 days
    EARLY = 30 * DAY

    def __init__(self, deployments: Iterable[Deployment]) -> None:
        # however they come, the user's order is what counts; where nobody gave one, it is the order in which they come
        self.deployments: tuple[Deployment, ...] = tuple(sorted(deployments, key=lambda d: d.position))
        if not self.deployments:
            raise NoModels("No model to route to: the list of models is empty.")
        self.by_id: dict[str, Deployment] = {}
        for deployment in self.deployments:
            if deployment.id in self.by_id:
                raise ConfigurationError(
                    f"two models are named {deployment.id!r}. Give one another alias, or put both into one "
                    "Model(..., deployments=[...]) when they serve the same model."
                )
            self.by_id[deployment.id] = deployment
        content = repr([d.facts() for d in self.deployments])
        self.version = hashlib.blake2s(content.encode("utf-8", "replace"), digest_size=6).hexdigest()
        self.static: dict[Hashable, Any] = {}
        forbidding = any(d.usage_policy.get("forbids") for d in self.deployments)
        #: facts on which the terms of its deployments depend
        self.reads: frozenset[str] = frozenset(("task", "domain")) if forbidding else frozenset()
        #: (seconds since 1970, deployment) of those of which it is known when they retire, by that time
        self.retiring = sorted(
            ((_begin(d.retires), d) for d in self.deployments if d.retires is not None), key=lambda each: each[0]
        )
        #: from when on terms that can change from call to call say something: one comparison for each decision
        self.terms_from = _ALWAYS if forbidding else self.retiring[0][0] if self.retiring else _NEVER
        #: from when on there is something to say of a last day
        self.warns_from = self.retiring[0][0] - self.EARLY if self.retiring else _NEVER
        #: every name that a hint can mean
        self.known = frozenset(name for d in self.deployments for name in (*d.names, d.provider, *d.tags))

    def remember(self, key: Hashable, value: Any) -> None:
        """Keep a static verdict, within bounds."""
        if len(self.static) >= self.STATIC_LIMIT:
            self.static.clear()
        self.static[key] = value

    def named(self, name: str) -> tuple[Deployment, ...]:
        """The deployments of a model or alias.

        Raises:
            UnknownModel: when there is none; the message names the nearest one.
        """
        found = tuple(d for d in self.deployments if name in d.names)
        if not found:
            known = sorted({n for d in self.deployments for n in d.names})
            meant = nearest(name[:LONGEST_NAME], known)
            raise UnknownModel(f"No model {name[:LONGEST_NAME]!r} in this router.{meant} It has: {', '.join(self.models)}.")
        return found

    def check_names(self, hint: str, names: Iterable[str]) -> None:
        """Refuse names in a hint that mean nobody here: a mistyped ``exclude`` would exclude nobody.

        Raises:
            UnknownHint: the message names the nearest one.
        """
        for name in names:
            if name not in self.known:
                raise UnknownHint(f"routing[{hint!r}] {self._names_nobody(name)}")

    def check_policy(self, policy: str, names: Iterable[str]) -> None:
        """Refuse a policy that names nobody here.

        Raises:
            ConfigurationError: the message names the nearest one.
        """
        for name in names:
            if name not in self.known:
                raise ConfigurationError(f"the policy {policy!r} {self._names_nobody(name)}", path="strategy")

    def check_budget(self, budget: str, names: Iterable[str]) -> None:
        """Refuse a budget for models that are not here.

        Raises:
            ConfigurationError: the message names the nearest one.
        """
        for name in names:
            if name not in self.known:
                raise ConfigurationError(f"the budget {budget!r} {self._names_nobody(name)}", path="budgets")

    def check_relay(self, names: Iterable[str]) -> None:
        """Refuse a name of somebody who is to describe media and is not here.

        Raises:
            ConfigurationError: the message names the nearest one.
        """
        for name in names:
            if name not in self.known:
                raise ConfigurationError(self._names_nobody(name), path="relay")

    def _names_nobody(self, name: str) -> str:
        meant = nearest(name, sorted(self.known))
        return f"names {name!r}, which is no model, alias, provider or tag here.{meant}"

    def as_data(self) -> dict[str, Any]:
        """All that decisions may depend on as plain JSON data: no endpoints, no addresses, no keys."""
        return {"version": self.version, "deployments": [deployment_data(d) for d in self.deployments]}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Catalog:
        """The catalog that :meth:`as_data` told, with the same version. It decides like the first one, but calls nobody.

        Raises:
            ConfigurationError: for data that is no catalog, or not the one whose version it names.
        """
        try:
            catalog = cls(deployment_of(each) for each in data["deployments"])
            told = data["version"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigurationError(f"this is no stored catalog: {type(error).__name__}: {error}", path="catalog") from None
        if catalog.version != told:
            raise ConfigurationError(
                f"the stored catalog names the version {told!r}, but its content is {catalog.version!r}: it was changed, or "
                "stored by another version of routed-llm.",
                path="catalog.version",
            )
        return catalog

    @property
    def models(self) -> tuple[str, ...]:
        """The models by the names users give them, each once."""
        return tuple(dict.fromkeys(d.model for d in self.deployments))

    def __len__(self) -> int:
        return len(self.deployments)

    def __repr__(self) -> str:
        return f"<Catalog {self.version}: {', '.join(self.models)}>"


def _begin(day: str) -> float:
    """When a day of UTC begins, in seconds since 1970."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
