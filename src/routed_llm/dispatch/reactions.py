"""What each class of error means for the next step: one table of data, printed by ``routed-llm errors``."""

from __future__ import annotations

from typing import Literal, NamedTuple

from routed_llm.errors import ErrorKind, ProviderError

__all__ = ["CASES", "REACTIONS", "Case", "Cool", "Reaction", "reaction_to"]

#: how long a deployment is left alone: see :class:`Reaction`
Cool = Literal["score", "backoff", "long", "account", "key", "change"]


class Reaction(NamedTuple):
    """What to do after an error.

    ``then``: go to the ``next`` deployment, only to one with a ``larger`` window, or ``raise``. ``same``: whether one more try
    on the same deployment makes sense when no other is left. ``cool``: how long to leave it alone: ``score`` (after two such
    failures in a row, or when a third of its calls fail: 1 s doubling to 30 s), ``backoff`` (the same at once), ``long``
    (10 minutes), ``account`` (10 minutes for all of that account), ``key`` (until the configuration changes, for all of that
    key at that provider), ``change`` (until the configuration changes), or not at all; of the first two, exactly as long as the
    provider told, if it did. ``counts``: whether it counts against its health.
    """

    then: Literal["next", "larger", "raise"]
    same: bool
    cool: Cool | None
    counts: bool
    meaning: str


REACTIONS: dict[ErrorKind, Reaction] = {
    "auth": Reaction("next", False, "key", False, "the key is wrong or revoked"),
    "permission": Reaction("next", False, "long", False, "the key may not use this model"),
    "not_found": Reaction("next", False, "change", False, "the model or its endpoint does not exist"),
    "rate_limit": Reaction("next", True, "backoff", False, "too many requests or tokens for now"),
    "quota": Reaction("next", False, "account", False, "the account has no money or quota left"),
    "context_length": Reaction("larger", False, None, False, "the prompt is longer than the model's window"),
    "content_policy": Reaction("raise", False, None, False, "the provider's filter refused the content"),
    "bad_request": Reaction("raise", False, None, False, "the request itself is at fault"),
    "unsupported_parameter": Reaction("next", False, None, False, "this model does not take a parameter of the request"),
    "timeout": Reaction("next", True, "score", True, "no answer in time"),
    "overloaded": Reaction("next", True, "backoff", True, "the provider is overloaded"),
    "server_error": Reaction("next", True, "score", True, "the provider failed"),
    "connection": Reaction("next", True, "score", True, "the connection broke"),
    "malformed": Reaction("next", True, "score", True, "the answer cannot be read"),
    "empty": Reaction("next", False, None, False, "the answer is empty"),
    "too_large": Reaction("next", False, None, False, "the answer is larger than the limit"),
    "cut": Reaction("next", False, None, False, "no room for the rest of a typed answer"),
    "invalid_json": Reaction("next", False, None, False, "the typed answer is no JSON, or does not fit its schema"),
    "invalid_tool_calls": Reaction("next", False, None, False, "the arguments of a tool call are none"),
    "refusal": Reaction("raise", False, None, False, "the model refused"),
    "cannot_answer": Reaction("next", False, None, False, "a program that answers what it can has no answer to this"),
}


class Case(NamedTuple):
    """A part of a class that means something else: errors of ``kinds``, in one of ``phases``, with one of ``statuses``.

    What is None does not matter. ``word``: a word of the message.
    """

    name: str
    kinds: tuple[ErrorKind, ...]
    reaction: Reaction
    phases: tuple[str, ...] | None = None
    statuses: tuple[int, ...] | None = None
    word: str | None = None


#: the first that fits counts
CASES: tuple[Case, ...] = (
    Case(
        "timeout: no room here", ("connection", "timeout"),
        Reaction("next", True, None, False, "this program's own connections or threads were all in use"), ("pool",),
    ),
    Case(
        "connection: not trusted", ("connection",),
        Reaction("next", False, "long", True, "the server's certificate is not trusted"), ("tls",), None, "certificate",
    ),
    Case(
        "connection: not reached", ("connection", "timeout"),
        Reaction("next", True, "backoff", True, "nobody listens, or the name is unknown"), ("dns", "connect"),
    ),
    Case(
        "connection: no TLS", ("connection", "timeout", "malformed"),
        Reaction("next", False, "backoff", True, "the server does not speak TLS"), ("tls",),
    ),
    Case(
        "overloaded: conflict", ("overloaded",),
        Reaction("next", True, "score", True, "the provider could not take the request at that moment"), None, (409, 425),
    ),
)  # fmt: skip
_SPECIAL = frozenset(kind for case in CASES for kind in case.kinds)


def reaction_to(error: ProviderError) -> Reaction:
    """What an error means."""
    if error.kind in _SPECIAL:
        for case in CASES:
            if (
                error.kind in case.kinds
                and (case.phases is None or error.phase in case.phases)
                and (case.statuses is None or error.status in case.statuses)
                and (case.word is None or case.word in error.message)
            ):
                return case.reaction
    return REACTIONS[error.kind]
