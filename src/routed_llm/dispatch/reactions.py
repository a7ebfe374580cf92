"""What each class of error means for the next step: one table of data."""

from __future__ import annotations

from typing import Literal, NamedTuple

from routed_llm.errors import ErrorKind

__all__ = ["REACTIONS", "Reaction"]


class Reaction(NamedTuple):
    """What to do after an error.

    ``then``: go to the ``next`` deployment, only to one with a ``larger`` window, or ``raise``. ``same``: whether one more try
    on the same deployment makes sense when no other is left. ``cool``: how long to leave it alone: ``backoff`` (1 s
    doubling to 30 s, or as the provider told), ``long`` (10 minutes), ``account`` (10 minutes for all of that account),
    ``change`` (until the configuration changes), or not at all. ``counts``: whether it counts against its health.
    """

    then: Literal["next", "larger", "raise"]
    same: bool
    cool: Literal["backoff", "long", "account", "change"] | None
    counts: bool
    meaning: str


REACTIONS: dict[ErrorKind, Reaction] = {
    "auth": Reaction("next", False, "change", False, "the key is wrong or revoked"),
    "permission": Reaction("next", False, "long", False, "the key may not use this model"),
    "not_found": Reaction("next", False, "change", False, "the model or its endpoint does not exist"),
    "rate_limit": Reaction("next", True, "backoff", False, "too many requests or tokens for now"),
    "quota": Reaction("next", False, "account", False, "the account has no money or quota left"),
    "context_length": Reaction("larger", False, None, False, "the prompt is longer than the model's window"),
    "content_policy": Reaction("raise", False, None, False, "the provider's filter refused the content"),
    "bad_request": Reaction("raise", False, None, False, "the request itself is at fault"),
    "unsupported_parameter": Reaction("next", False, None, False, "this model does not take a parameter of the request"),
    "timeout": Reaction("next", True, "backoff", True, "no answer in time"),
    "overloaded": Reaction("next", True, "backoff", True, "the provider is overloaded"),
    "server_error": Reaction("next", True, "backoff", True, "the provider failed"),
    "connection": Reaction("next", True, "backoff", True, "no connection, or it broke"),
    "malformed": Reaction("next", True, "backoff", True, "the answer cannot be read"),
    "empty": Reaction("next", False, None, False, "the answer is empty"),
    "too_large": Reaction("next", False, None, False, "the answer is larger than the limit"),
}
