"""A feature that fails loses no call: it gives no facts then, and whoever reads them sees that they are unknown.

Features may be anybody's code, so anything may come out of them. What matters to privacy fails closed: see
:data:`routed_llm.policy.facts.NO_STAND_IN`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from routed_llm.driver import Driver
from routed_llm.errors import AsyncOnly
from routed_llm.logs import log
from routed_llm.policy.shapes import Feature
from routed_llm.requests import Request

__all__ = ["read"]


_LONGEST = 200
#: features whose last call failed, so that the log tells it once
_failing: WeakSet[Any] = WeakSet()


async def read(feature: Feature, request: Request, driver: Driver) -> Mapping[str, Any]:
    """The facts that a feature finds out; none where it fails, with one warning until it works again.

    Raises:
        AsyncOnly: in sync code, for a feature that really has to wait; the message names it.
    """
    try:
        found: Any = await driver.run(feature.read, request, driver)
        if not isinstance(found, Mapping):
            raise TypeError(f"it gave {type(found).__name__}, not a mapping of facts")
    except AsyncOnly:
        raise
    except Exception as error:  # noqa: BLE001  # a feature that is not ours may fail in any way
        _tell(feature, error)
        return {}
    if _failing and feature in _failing:
        _failing.discard(feature)
    return found


def _tell(feature: Feature, error: Exception) -> None:
    if feature in _failing:
        return
    with suppress(TypeError):  # nobody can refer to it weakly: it is told of each time
        _failing.add(feature)
    name = getattr(feature, "name", None) or type(feature).__name__
    log.warning(
        "The feature %r failed (%s: %s%s): its facts are unknown until it works again.",
        name, type(error).__name__, str(error)[:_LONGEST], _where(error), exc_info=log.isEnabledFor(logging.DEBUG),
    )  # fmt: skip


def _where(error: BaseException) -> str:
    """The line at which it was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f", {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
