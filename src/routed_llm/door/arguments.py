"""Arguments of a door's constructor: the spellings that users bring along, and those that cannot be meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from pydantic import ValidationError

from routed_llm.door.reach import Rule
from routed_llm.errors import ConfigurationError
from routed_llm.hints import HINTS
from routed_llm.refusing import nearest
from routed_llm.relay import Relay
from routed_llm.requests import Purpose
from routed_llm.router import Router

__all__ = [
    "check_profile", "check_relay", "check_router", "headers_of", "kwargs_of", "refuse_unknown", "switches", "typed_fields",
]  # fmt: skip


def refuse_unknown(given: Collection[str], known: Collection[str]) -> None:
    """Refuse the first argument that is not known.

    Raises:
        ConfigurationError: names the argument and the nearest known one.
    """
    for name in given:
        if name not in known:
            if name in HINTS:
                raise ConfigurationError(f"is a hint: say routing={{{name!r}: ...}}.", path=name)
            meant = nearest(name, known, cutoff=0.6)
            raise ConfigurationError(f"unknown argument.{meant} Provider parameters go into model_kwargs.", path=name)


def kwargs_of(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """A copy of ``model_kwargs``.

    Raises:
        ConfigurationError: for anything but a dict or None.
    """
    if given is not None and not isinstance(given, Mapping):
        raise ConfigurationError(f"must be a dict of generation parameters, not {type(given).__name__}.", path="model_kwargs")
    return dict(given or {})


def headers_of(given: Mapping[str, str] | None) -> dict[str, str] | None:
    """A copy of ``headers``, None where there are none.

    Raises:
        ConfigurationError: for anything but a dict or None.
    """
    if given is not None and not isinstance(given, Mapping):
        raise ConfigurationError(f"must be a dict of HTTP headers, not {type(given).__name__}.", path="headers")
    return dict(given or {}) or None


@contextmanager
def typed_fields() -> Iterator[None]:
    """Around pydantic's own checks: what they refuse is told as ours, with the path of the argument and without its value.

    Raises:
        ConfigurationError: for an argument of the wrong type.
    """
    try:
        yield
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"] if isinstance(part, str) and part.isidentifier())
        raise ConfigurationError(f"{first['msg']}.", path=path) from None


def check_profile(profile: Mapping[str, Any] | Rule | Literal["guaranteed"] | None) -> None:
    """Refuse what is no profile.

    Raises:
        ConfigurationError: for anything but a dict, ``guaranteed`` or None.
    """
    if profile is not None and not (isinstance(profile, Mapping) or profile == "guaranteed"):
        raise ConfigurationError(f"must be a dict or 'guaranteed', not {profile!r}.", path="profile")


def switches(strict_params: bool | None, relay: Any) -> dict[str, Any]:
    """The arguments that are hints for every call.

    Raises:
        ConfigurationError: for what cannot be meant; it names the argument, not a hint that the user never wrote.
    """
    if strict_params is not None and not isinstance(strict_params, bool):
        raise ConfigurationError(f"must be True or False, not {strict_params!r}.", path="strict_params")
    Relay.of(relay)
    return {"strict_params": strict_params, "relay": relay}


def check_relay(relay: Any, router: Router) -> None:
    """Refuse a name in ``relay`` that means nobody in the router, as a :class:`~routed_llm.Router` of its own does.

    Raises:
        ConfigurationError: the message names the nearest one.
    """
    if (meant := Relay.of(relay)) is not None:
        router.catalog.check_relay(name for _, name in meant.by)


def check_router(router: object, purpose: Purpose = "chat") -> None:
    """Refuse what is no router, and a router whose models do something else.

    Raises:
        ConfigurationError: for anything but a router of that purpose, or None.
    """
    if router is not None and not isinstance(router, Router):
        raise ConfigurationError(f"must be a Router, not {type(router).__name__}.", path="router")
    if isinstance(router, Router) and router.purpose != purpose:
        does = "makes embeddings and cannot chat" if purpose == "chat" else "is one of chat models and makes no embeddings"
        raise ConfigurationError(f"this router {does}.", path="router")
