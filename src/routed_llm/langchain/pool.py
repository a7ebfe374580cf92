"""The part of a chat model's arguments that makes its router."""

from __future__ import annotations

from typing import Any, NamedTuple

from routed_llm.catalog.models import Model
from routed_llm.dispatch.budget import Limits
from routed_llm.errors import ConfigurationError
from routed_llm.router import Router

__all__ = ["Pool", "shared_or_new"]


class Pool(NamedTuple):
    """What a router is made of; see :class:`~routed_llm.langchain.chat_model.RoutedChatModel` for each."""

    models: Any
    strategy: Any
    api_key: Any
    base_url: str | None
    timeout: float | None
    max_retries: int | None
    max_price_ratio: float | None
    quiet_fallbacks: bool
    routing_seed: int | None


_NOTHING = Pool(None, None, None, None, None, None, None, False, None)


def shared_or_new(router: Router | None, pool: Pool) -> Router:
    """The router given, as long as nothing else is asked for than it was made of; else a new one.

    LangChain rebuilds a model from all its fields when one of them is configured at run time: a changed hint must go on
    sharing the router, and changed models must not.

    Raises:
        ConfigurationError: for arguments that cannot be meant.
    """
    if router is not None and pool in (_NOTHING, router.made_of):
        return router
    for name in ("timeout", "max_retries"):
        value = getattr(pool, name)
        if value is not None and not (isinstance(value, (int, float)) and value >= 0):
            raise ConfigurationError(f"must be a number of at least zero, not {value!r}.", path=name)
    same = {} if pool.max_retries is None else {"same": pool.max_retries}
    made = Router(
        pool.models,
        pool.strategy or ("auto" if pool.models is None else "ordered"),
        common=Model(api_key=pool.api_key, base_url=pool.base_url),
        limits=Limits(attempt=pool.timeout, **same),
        max_price_ratio=pool.max_price_ratio,
        quiet_fallbacks=pool.quiet_fallbacks,
        seed=pool.routing_seed,
    )
    made.made_of = pool
    return made
