"""Decisions in whatever form they come, with the catalogs and policies that a router knows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from routed_llm.catalog.revisions import Revision
from routed_llm.catalog.snapshot import Catalog
from routed_llm.decisions import Decision
from routed_llm.errors import ConfigurationError
from routed_llm.events import CallRecord
from routed_llm.policy.compose import AnyPolicy
from routed_llm.policy.shapes import Feature
from routed_llm.saved.reading import SavedDecision
from routed_llm.saved.replaying import Replay, again, made_of
from routed_llm.saved.what_if import Changes, decided_otherwise
from routed_llm.state.memory import LiveState

__all__ = ["AnyDecision", "Knows", "otherwise", "replayed"]

AnyDecision: TypeAlias = "Decision | SavedDecision | Mapping[str, Any]"


class Knows(Protocol):
    """A router, as far as it is looked at here."""

    live: LiveState

    @property
    def catalog(self) -> Catalog:
        """The present catalog."""
        ...

    @property
    def policy(self) -> AnyPolicy:
        """The present policy."""
        ...

    @property
    def features(self) -> Sequence[Feature]:
        """Features of the user's own."""
        ...

    def catalog_revisions(self) -> Sequence[Revision]:
        """The catalogs that it had."""
        ...

    def records(self, last: int = 100) -> Sequence[CallRecord]:
        """The records of the last calls."""
        ...


def replayed(router: Knows, decision: AnyDecision) -> Replay:
    """A decision, made again from its stored form.

    Raises:
        ConfigurationError: for a stored form whose catalog or policy the router does not know.
    """
    return again(*_whole(router, decision))


def otherwise(router: Knows, decision: AnyDecision, changes: Changes) -> Decision:
    """A decision, made with changes.

    Raises:
        ConfigurationError: see :meth:`routed_llm.router.Router.what_if`.
    """
    stored, catalog, policy = _whole(router, decision)
    return decided_otherwise(made_of(stored), catalog, policy, changes, router.live, router.features)


def _whole(router: Knows, decision: AnyDecision) -> tuple[Mapping[str, Any], Catalog, AnyPolicy]:
    """The stored form of a decision, its catalog and its policy."""
    if isinstance(decision, Decision):
        stored = json.loads(json.dumps(decision.stored()))  # what is kept in a file must do
        if not isinstance(decision.catalog, str) and decision.policy is not None:
            return stored, decision.catalog, decision.policy
        return stored, *_known(router, stored)
    if isinstance(decision, SavedDecision):
        return decision.stored, *(_known(router, decision.stored, decision))
    if not isinstance(decision, Mapping) or not isinstance(decision.get("decision"), Mapping):
        raise ConfigurationError(
            f"must be a Decision, what its stored() gave, or one of load_decisions(path), not {type(decision).__name__}.",
            path="decision",
        )
    return decision, *_known(router, decision)


def _known(router: Knows, stored: Mapping[str, Any], saved: SavedDecision | None = None) -> tuple[Catalog, AnyPolicy]:
    """The catalog and the policy of the versions that a decision names: the router's own, of its last calls, of the file."""
    told = stored["decision"]
    catalog = next((c for c in _catalogs(router) if c.version == told["catalog_version"]), None)
    policy = next((p for p in _policies(router) if p.version == told["policy_version"]), None)
    if saved is not None:
        return catalog or saved.catalog, policy or saved.policy
    for kind, found in (("catalog", catalog), ("policy", policy)):
        if found is None:
            version = told[f"{kind}_version"]
            raise ConfigurationError(
                f"names the {kind} {version!r}, which is neither this router's nor that of one of its last calls. Keep "
                "decisions with router.save_decisions(path), which writes catalogs and policies, too.",
                path="decision",
            )
    assert catalog is not None
    assert policy is not None
    return catalog, policy


def _catalogs(router: Knows) -> Iterator[Catalog]:
    yield router.catalog
    seen: list[Catalog] = [router.catalog]
    for revision in reversed(router.catalog_revisions()):
        seen.append(revision.catalog)
        yield revision.catalog
    for record in router.records(1000):
        catalog = record.decision.catalog
        if not isinstance(catalog, str) and not any(catalog is each for each in seen):
            seen.append(catalog)
            yield catalog


def _policies(router: Knows) -> Iterator[AnyPolicy]:
    yield router.policy
    seen: list[AnyPolicy] = [router.policy]
    for record in router.records(1000):
        policy = record.decision.policy
        if policy is not None and not any(policy is each for each in seen):
            seen.append(policy)
            yield policy
