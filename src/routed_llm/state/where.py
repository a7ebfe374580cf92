"""Where the state of a router is: in this process alone, or shared by many."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from routed_llm.catalog.deployments import Deployment
from routed_llm.state.memory import LiveState

if TYPE_CHECKING:
    from routed_llm.state.redis import RedisState

__all__ = ["live_at", "state_of"]


class _Clock(Protocol):
    @property
    def now(self) -> Callable[[], float]: ...

    @property
    def wall(self) -> Callable[[], float]: ...


def state_of(state: Any) -> RedisState | None:
    """What the argument ``state`` means: an address, a client of Redis, a ``RedisState``; None is nowhere.

    Raises:
        ConfigurationError: for what cannot be meant.
    """
    if state is None:
        return None
    from routed_llm.state.redis import RedisState

    return RedisState.of(state)


def live_at(state: RedisState | None, deployments: Iterable[Deployment], clock: _Clock) -> LiveState:
    """The live state of a router: that of its process, or one that is shared."""
    if state is None:
        return LiveState(clock.now)
    from routed_llm.state.shared import SharedLive

    return SharedLive(state, deployments, clock.now, clock.wall)
