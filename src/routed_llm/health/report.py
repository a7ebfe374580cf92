"""How every deployment is at a moment: as data, as a table of text, and as a table of HTML for notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Literal, NamedTuple

from routed_llm.catalog.deployments import Deployment
from routed_llm.dispatch.core import Core
from routed_llm.state.columns import DeploymentState

__all__ = ["HealthState", "DeploymentHealth", "Health", "health_of"]

#: ``ready``: it takes calls; ``benched``: it is left alone; ``probing``: one call finds out whether it works again;
#: ``at_limit``: its rate or concurrency limit is reached; ``unused``: nobody asked it yet
HealthState = Literal["ready", "benched", "probing", "at_limit", "unused"]

_COLUMNS = ("deployment", "state", "for", "why", "calls", "in flight", "errors", "first content", "answer", "95 %")


class DeploymentHealth(NamedTuple):
    """One deployment at a moment.

    ``seconds`` are those until it is tried again: None where it is tried now, infinite where only a new configuration helps.
    ``why`` is the failure that keeps it out. ``calls`` were begun, ``in_flight`` are under way, ``errors`` is the share of
    calls that failed lately. Durations are in seconds, None where nothing was measured: ``first_content`` and ``latency``
    moving averages of the first content and of whole answers, ``p95`` of whole answers; ``heard`` since the last answer.
    """

    deployment: str
    model: str
    provider: str
    state: HealthState
    seconds: float | None
    why: str
    calls: int
    in_flight: int
    errors: float
    first_content: float | None
    latency: float | None
    p95: float | None
    heard: float | None

    @property
    def takes_calls(self) -> bool:
        """Whether calls may go to it."""
        return self.state in ("ready", "unused")

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data of JSON: what never ends by itself is ``"change"``."""
        told = self._asdict()
        if self.seconds == float("inf"):
            told["seconds"] = "change"
        return told


class Health(Sequence[DeploymentHealth]):
    """All deployments of a router at a moment, in the order of preference. Text and notebooks show a table.

    ``shared`` tells of the state that processes share, as plain data; None where they share none. ``checks_nanousd`` is what
    checks in the background cost on the day (UTC) of the last one, in nano-dollars; None where there are none.
    """

    def __init__(
        self,
        deployments: Sequence[DeploymentHealth],
        shared: dict[str, Any] | None = None,
        checks_nanousd: int | None = None,
    ) -> None:
        self.deployments = tuple(deployments)
        self.shared = shared
        self.checks_nanousd = checks_nanousd

    @property
    def ok(self) -> bool:
        """Whether anybody takes calls."""
        return any(each.takes_calls for each in self.deployments)

    def of(self, name: str) -> DeploymentHealth:
        """The first one of that id or model.

        Raises:
            KeyError: for a name that is none.
        """
        for each in self.deployments:
            if name in (each.deployment, each.model):
                return each
        raise KeyError(name)

    def as_dict(self) -> dict[str, Any]:
        """The whole as plain data of JSON."""
        told = [each.as_dict() for each in self.deployments]
        return {"ok": self.ok, "deployments": told, "shared": self.shared, "checks_nanousd": self.checks_nanousd}

    def __getitem__(self, index: Any) -> Any:
        return self.deployments[index]

    def __len__(self) -> int:
        return len(self.deployments)

    def __str__(self) -> str:
        rows = [_COLUMNS, *map(_row, self.deployments)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
        return "\n".join("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows)

    def __repr__(self) -> str:
        return f"<Health: {', '.join(f'{each.deployment} {each.state}' for each in self.deployments)}>"

    def _repr_html_(self) -> str:
        return "".join(self._html())

    def _html(self) -> Iterator[str]:
        yield "<table><thead><tr>"
        yield from (f"<th>{escape(name)}</th>" for name in _COLUMNS)
        yield "</tr></thead><tbody>"
        for each in self.deployments:
            yield "<tr>"
            yield from (f"<td>{escape(text)}</td>" for text in _row(each))
            yield "</tr>"
        yield "</tbody></table>"


def health_of(core: Core, now: float, checks_nanousd: int | None = None) -> Health:
    """Look at the live state: nothing is asked and nothing changes. ``checks_nanousd`` is what checks cost."""
    deployments = [_of(core, deployment, now) for deployment in core.catalog.deployments]
    return Health(deployments, core.live.shared(), checks_nanousd)


def _of(core: Core, deployment: Deployment, now: float) -> DeploymentHealth:
    live = core.live
    state = live.of(deployment.id)
    condition, seconds, why = _condition(core, deployment, state, now)
    at = state.columns["at"][state.slot]
    return DeploymentHealth(
        deployment.id, deployment.model, deployment.provider, condition, seconds, why, state.calls, state.in_flight,
        state.errors or 0.0, state.first_content, state.latency, state.p95, now - at if at <= now else None,
    )  # fmt: skip


def _condition(core: Core, deployment: Deployment, state: DeploymentState, now: float) -> tuple[HealthState, float | None, str]:
    live, breaker = core.live, state.breaker
    stands = breaker.condition(now)
    if stands == "open":
        return "benched", breaker.until - now, breaker.why
    if stands != "closed":
        return "probing", None, breaker.why
    if live.limited and (until := live.limiter.emptied(deployment.id, now)) is not None:
        return "at_limit", until - now, "its provider takes nothing more for now"
    return ("ready" if state.calls else "unused"), None, ""


def _row(each: DeploymentHealth) -> tuple[str, ...]:
    wait = "" if each.seconds is None else "until changed" if each.seconds == float("inf") else f"{each.seconds:.1f} s"
    return (
        each.deployment, each.state, wait, each.why, str(each.calls), str(each.in_flight), f"{each.errors:.0%}",
        _milliseconds(each.first_content), _milliseconds(each.latency), _milliseconds(each.p95),
    )  # fmt: skip


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:,.0f} ms"
