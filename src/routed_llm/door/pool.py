"""The part of a door's arguments that makes its router."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from routed_llm.catalog.hiding import shown_address
from routed_llm.catalog.models import Model
from routed_llm.dispatch.budget import Limits
from routed_llm.dispatch.resilience import Resilience
from routed_llm.errors import ConfigurationError
from routed_llm.requests import Purpose
from routed_llm.router import Router

__all__ = ["Pool", "shared_or_new"]


class Pool(NamedTuple):
    """What a router is made of; see :class:`~routed_llm.RoutedChatModel` for each."""

    models: Any = None
    strategy: Any = None
    api_key: Any = None
    credential: Any = None
    base_url: str | None = None
    headers: Any = None
    proxy: str | None = None
    ca_bundle: str | None = None
    client_cert: Any = None
    timeout: float | None = None
    max_retries: int | None = None
    max_price_ratio: float | None = None
    quiet_fallbacks: bool = False
    routing_seed: int | None = None
    hedge: Any = None
    at_most_once: bool | None = None
    state: Any = None
    health_checks: Any = None
    on_stream_break: str | None = None
    retry_on: Any = None

    def common(self) -> Model:
        """Settings of all string models that do not say otherwise."""
        return Model(
            api_key=self.api_key,
            credential=self.credential,
            base_url=self.base_url,
            headers=dict(self.headers or {}),
            proxy=self.proxy,
            ca_bundle=self.ca_bundle,
            client_cert=self.client_cert,
        )


def shared_or_new(
    router: Router | None, pool: Pool, purpose: Purpose = "chat", params: Mapping[str, Any] | None = None
) -> Router:
    """The router given, as long as nothing else is asked for than it was made of; else a new one.

    LangChain rebuilds a model from all its fields when one of them is configured at run time: a changed hint must go on
    sharing the router, and changed models must not. A new router is made for ``purpose``; ``params`` are parameters of all
    its string models.

    Raises:
        ConfigurationError: for arguments that cannot be meant.
    """
    if router is not None:
        made_of = router.made_of
        if made_of is not None and pool.base_url is not None and pool.base_url == shown_address(made_of.base_url or ""):
            pool = pool._replace(base_url=made_of.base_url)  # the field of the model shows only the address itself
        if pool in (Pool(), router.made_of):
            return router
        if pool.models is None or router.made_of is None:
            given = next(name for name, value in pool._asdict().items() if value != Pool._field_defaults[name])
            raise ConfigurationError("is the router's own matter; leave it out beside router=.", path=given)
    if pool.timeout is not None and not (isinstance(pool.timeout, (int, float)) and pool.timeout > 0):
        raise ConfigurationError(f"must be a number of seconds above zero, not {pool.timeout!r}.", path="timeout")
    if pool.max_retries is not None and not (isinstance(pool.max_retries, int) and pool.max_retries >= 0):
        raise ConfigurationError(f"must be a whole number of at least zero, not {pool.max_retries!r}.", path="max_retries")
    same = {} if pool.max_retries is None else {"same": pool.max_retries}
    made = Router(
        pool.models,
        pool.strategy or ("auto" if pool.models is None else "ordered"),
        common=replace(pool.common(), params=params or {}),
        limits=Limits(attempt=pool.timeout, **same),
        max_price_ratio=pool.max_price_ratio,
        quiet_fallbacks=pool.quiet_fallbacks,
        seed=pool.routing_seed,
        purpose=purpose,
        resilience=Resilience.of(pool.on_stream_break, pool.hedge, pool.at_most_once, pool.retry_on),
        state=pool.state,
        health_checks=pool.health_checks,
    )
    made.made_of = pool
    return made
