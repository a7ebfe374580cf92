"""On what terms a model may be used: what its usage policy forbids and requires, and until when it is served.

What changes from call to call is asked only where the catalog holds a deployment with such terms: see
:attr:`~routed_llm.catalog.snapshot.Catalog.terms_from`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import UTC, date, datetime

from routed_llm.abilities import DOMAINS, TASK_GROUPS, TASKS
from routed_llm.catalog.usd import DAY
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["CHANGING_TERMS", "Forbidden", "Required", "Retired"]

_TASKS, _DOMAINS = frozenset({*TASKS, *TASK_GROUPS}), frozenset(DOMAINS)


class Required:
    """The agreements that a usage policy requires against those that the user says hold. What is not said does not hold."""

    name = "required"
    static = True

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates that lack an agreement which their own policy requires."""
        rejected = {}
        for deployment in candidates:
            required = deployment.usage_policy.get("requires", ())
            if missing := [name for name in required if name not in deployment.agreements]:
                lacking = " and ".join(missing)
                rejected[deployment.id] = f"has a usage policy that requires {lacking}, which is not among its agreements"
        return rejected


class Forbidden:
    """The tasks and domains that a usage policy forbids against those of the call.

    Fails closed: as long as it is not known whether a call is of a forbidden kind, it counts as one.
    """

    name = "forbidden"
    static = False
    reads = ("task", "domain")

    def depends(self, ask: Ask) -> Hashable:
        """All that a candidate's verdict depends on."""
        return self.name, ask.facts.get("task"), ask.facts.get("domain")

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates whose policy forbids the kind of call, or would if it were known."""
        task, domain = (_lowered(ask.facts.get(name)) for name in self.reads)
        held = {task, domain, task and task.partition("_")[0]}
        rejected = {}
        for deployment in candidates:
            forbidden = deployment.usage_policy.get("forbids", ())
            if found := next((word for word in forbidden if word in held), None):
                rejected[deployment.id] = f"has a usage policy that forbids {found!r}"
            elif unknown := next((word for word in forbidden if _may_be(word, task, domain)), None):
                rejected[deployment.id] = (
                    f"has a usage policy that forbids {unknown!r}, and whether the call is such is not known"
                )
        return rejected


class Retired:
    """The day from which a deployment is not served any more against the day of the call, both in UTC.

    Where nobody else is left it is asked all the same: days are moved, and a model that is gone says so itself.
    """

    name = "retired"
    static = False

    def depends(self, ask: Ask) -> Hashable:
        """All that a candidate's verdict depends on: the day."""
        return self.name, ask.wall // DAY

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates whose day has come, unless it has come for all."""
        today: date = datetime.fromtimestamp(ask.wall, UTC).date()
        gone = [d for d in candidates if d.retires is not None and d.retires <= today.isoformat()]
        if len(gone) == len(candidates):
            return {}
        return {d.id: f"is not served any more since {d.retires} (retires=False says otherwise)" for d in gone}


#: the terms that may mean something else from call to call
CHANGING_TERMS = (Forbidden(), Retired())


def _lowered(fact: object) -> str | None:
    return fact.lower() if isinstance(fact, str) else None


def _may_be(word: str, task: str | None, domain: str | None) -> bool:
    """Whether a call of which something is unknown may be of a kind."""
    return (task is None and word not in _DOMAINS) or (domain is None and word not in _TASKS)
