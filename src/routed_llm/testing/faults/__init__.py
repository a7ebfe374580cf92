"""A provider that fails to order, over raw sockets on loopback: rehearse what your chains do when a provider breaks.

::

    with FaultyProvider() as provider:
        model = RoutedChatModel([provider.model(), "sandbox"])
        provider.always("stream_reset_midway")

:data:`FAULTS` has every fault by name. Standard library only; importing this opens nothing.
"""

from __future__ import annotations

from routed_llm.testing.faults.answers import Healthy
from routed_llm.testing.faults.catalogue import FAULTS, select
from routed_llm.testing.faults.fault import Asked, Custom, Fault, http_error, slow_answer
from routed_llm.testing.faults.journal import Arrival, Connection, Journal
from routed_llm.testing.faults.provider import FaultyProvider
from routed_llm.testing.faults.schedules import Schedule, brownout, every, flapping, outage, rate_limit_storm
from routed_llm.testing.faults.tool_calls import TOOL_CALLS
from routed_llm.testing.faults.wire import CLOSE, HOLD, RESET, End

__all__ = [
    "CLOSE",
    "FAULTS",
    "HOLD",
    "RESET",
    "TOOL_CALLS",
    "Arrival",
    "Asked",
    "Connection",
    "Custom",
    "End",
    "Fault",
    "FaultyProvider",
    "Healthy",
    "Journal",
    "Schedule",
    "brownout",
    "every",
    "flapping",
    "http_error",
    "outage",
    "rate_limit_storm",
    "select",
    "slow_answer",
]
