"""Whether LangChain traces, which is asked at every call: what its ``_tracing_v2_is_enabled`` says, in a third of the time.

langsmith's part of it imports two modules by name each time and reads nine settings for one, which took 7 of the 200 us of a
call. Here the same switches are read in the same order (langsmith 0.15). Where this process has other code, or somebody put
something of his own in its place, LangChain is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from routed_llm.langchain.followed import followed

__all__ = ["tracing_switch"]

# every name, attribute and keyword in the code of the three functions that are followed here
_ENABLED = "get ls_utils tracing_is_enabled tracing_v2_callback_var"
_LANGSMITH = """
    _GLOBAL_TRACING_ENABLED _context _internal default get_current_run_tree get_env_var get_tracing_context
    langsmith._internal._context langsmith.run_helpers
"""
_SETTINGS = """
    _ADDRESS _CLIENT _CONTEXT_KEYS _DISTRIBUTED_PARENT_ID _METADATA _PROJECT_NAME _REPLICAS _TAGS _TRACING_ENABLED _context
    address client distributed_parent_id enabled get get_current_run_tree items metadata parent pop project_name replicas
    run_trees tags
"""


@cache
def tracing_switch() -> Callable[[], bool]:
    """A function that tells whether tracing is on; what it looks at is dear to import, so this is called by the first call."""
    from langchain_core.tracers import context as tracers
    from langsmith import run_helpers, utils

    core: Any = tracers
    helpers: Any = run_helpers
    enabled = followed(core._tracing_v2_is_enabled, _ENABLED)
    langsmith = followed(utils.tracing_is_enabled, _LANGSMITH)
    if not (enabled and langsmith and followed(helpers.get_tracing_context, _SETTINGS)):
        return lambda: bool(core._tracing_v2_is_enabled())
    settings = helpers._context

    def is_on() -> bool:
        if core._tracing_v2_is_enabled is not enabled or utils.tracing_is_enabled is not langsmith:
            return bool(core._tracing_v2_is_enabled())
        if core.tracing_v2_callback_var.get() is not None:
            return True
        told = settings._TRACING_ENABLED.get()
        if told is None:
            if helpers.get_current_run_tree():
                return True
            told = settings._GLOBAL_TRACING_ENABLED
        if told is None:
            return utils.get_env_var("TRACING_V2", default=utils.get_env_var("TRACING", default="")) == "true"
        return bool(told)

    return is_on
