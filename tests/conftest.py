"""Of the long tests a slice: ``ROUTED_LLM_SLICE`` runs one in four of them, others for every ``ROUTED_LLM_SEED``."""

import os
import zlib

from routed_llm.testing.pytest_plugin import fresh_retry_budget

__all__ = ["fresh_retry_budget"]

ONE_OF = 4
#: seconds that a test may take which has a place in a slice; those that may take longer run with all others only
LONGEST = 900


def pytest_collection_modifyitems(config, items):
    if "ROUTED_LLM_SLICE" not in os.environ:
        return
    seed = os.environ.get("ROUTED_LLM_SEED", "0")
    left, kept = [], []
    for item in items:
        # the fuzzing takes a slice of its own
        whole = item.get_closest_marker("long") is None or "/fuzz/" in item.nodeid
        limit = item.get_closest_marker("timeout")
        short = limit is None or limit.args[0] <= LONGEST
        chosen = whole or (short and zlib.crc32(f"{seed} {item.nodeid}".encode()) % ONE_OF == 0)
        (kept if chosen else left).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept
