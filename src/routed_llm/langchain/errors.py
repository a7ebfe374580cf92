"""Errors at the door: ours, and langchain-core's matching class at once, so that ``except`` clauses go on working."""

from __future__ import annotations

from langchain_core import exceptions as core

from routed_llm.errors import BudgetSpent, CallFailed, ErrorKind

__all__ = ["TOLD", "at_the_door"]

_MATCHING: dict[ErrorKind, type[core.ModelError]] = {
    "auth": core.ModelAuthenticationError,
    "permission": core.ModelPermissionDeniedError,
    "not_found": core.ModelNotFoundError,
    "rate_limit": core.ModelRateLimitError,
    "quota": core.ModelRateLimitError,
    "context_length": core.ContextOverflowError,
    "content_policy": core.ModelInvalidRequestError,
    "bad_request": core.ModelInvalidRequestError,
    "unsupported_parameter": core.ModelInvalidRequestError,
    "timeout": core.ModelTimeoutError,
    "overloaded": core.ModelAPIError,
    "server_error": core.ModelAPIError,
    "connection": core.ModelConnectionError,
    "malformed": core.ModelAPIError,
    "empty": core.ModelAPIError,
    "too_large": core.ModelAPIError,
    "cut": core.ModelAPIError,
    "invalid_json": core.ModelAPIError,
    "invalid_tool_calls": core.ModelAPIError,
    "cannot_answer": core.ModelAPIError,
    # langchain-core has this class since 1.7.5
    "refusal": getattr(core, "ModelRefusalError", core.ModelInvalidRequestError),
}


#: errors that have a class of langchain-core, by their kind
TOLD = (CallFailed, BudgetSpent)
Told = CallFailed | BudgetSpent

_classes: dict[tuple[type[Told], ErrorKind], type[Told]] = {}


def _combined(ours: type[Told], kind: ErrorKind) -> type[Told]:
    """A class that is both; named and documented like ours."""
    found = _classes.get((ours, kind))
    if found is None:
        found = type(ours.__name__, (ours, _MATCHING[kind]), {"__doc__": ours.__doc__, "__module__": __name__})
        _classes[ours, kind] = found
    return found


def at_the_door(error: Told) -> Told:
    """The same error as an instance of langchain-core's matching class too."""
    cls = _combined(type(error), error.kind)
    raised = cls.__new__(cls)
    raised.args = error.args
    raised.__dict__.update(error.__dict__)
    return raised
