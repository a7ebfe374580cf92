"""Refusals of what this door cannot be given, in our words, before LlamaIndex's events or pydantic stumble over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.callbacks import CallbackManager

from routed_llm.errors import ConfigurationError, InvalidCall

__all__ = ["check_keywords", "check_manager", "check_messages", "check_prompt", "listed", "no_messages"]


def check_manager(manager: object) -> None:
    """Refuse what is no callback manager.

    Raises:
        ConfigurationError: for anything but a ``CallbackManager`` or None.
    """
    if manager is not None and not isinstance(manager, CallbackManager):
        raise ConfigurationError(f"must be a CallbackManager, not {type(manager).__name__}.", path="callback_manager")


def check_prompt(prompt: object) -> None:
    """Refuse a completion's prompt that is no text.

    Raises:
        InvalidCall: for anything but a ``str``.
    """
    if not isinstance(prompt, str):
        raise InvalidCall(f"a prompt must be a text, not {type(prompt).__name__}; messages go into chat().")


def check_messages(messages: object) -> None:
    """Refuse what are no messages; an iterator is left alone, because it can be read only once.

    Raises:
        InvalidCall: names what was given.
    """
    if isinstance(messages, (list, tuple)):
        if not all(isinstance(message, ChatMessage) for message in messages):
            raise no_messages(messages)
    elif isinstance(messages, (str, ChatMessage)):
        raise no_messages(list(messages))
    else:
        _check_iterable(messages)


def check_keywords(kwargs: Mapping[str, Any]) -> None:
    """Refuse a keyword that belongs to another place.

    Raises:
        InvalidCall: for ``timeout``, which no provider knows.
    """
    if "timeout" in kwargs:
        raise InvalidCall(
            "timeout is an argument of the model, given when it is made, and bounds one attempt; "
            "to bound one call use the hint deadline: routing={'deadline': seconds}."
        )


def listed(messages: Any) -> list[Any]:
    """A list of its own of what a call was given.

    Raises:
        InvalidCall: for what cannot be iterated.
    """
    _check_iterable(messages)
    return list(messages)


def _check_iterable(messages: object) -> None:
    if not isinstance(messages, Iterable):
        raise InvalidCall(f"messages must be a list of LlamaIndex ChatMessage objects, not {type(messages).__name__}.")


def no_messages(given: Sequence[Any]) -> InvalidCall:
    """The refusal of a list with something else than messages in it."""
    kind = next((type(each).__name__ for each in given if not isinstance(each, ChatMessage)), "ChatMessage")
    return InvalidCall(f"messages must be LlamaIndex ChatMessage objects; there is a {kind} among them.")
