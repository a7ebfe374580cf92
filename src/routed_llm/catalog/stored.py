"""Deployments as plain data and back: enough to decide again in another process, not enough to call anybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from routed_llm.catalog.deployments import MAPPINGS, PLAIN, Deployment
from routed_llm.catalog.prices import Price
from routed_llm.driver import AsyncSource, Patience, Source
from routed_llm.errors import ConfigurationError
from routed_llm.requests import Mode, Request
from routed_llm.results import Answer

__all__ = ["StoredEndpoint", "deployment_data", "deployment_of"]


def deployment_data(deployment: Deployment) -> dict[str, Any]:
    """What routing may know of a deployment, as JSON data. What is unknown or empty is left out."""
    told: dict[str, Any] = {}
    for name in PLAIN:
        value = getattr(deployment, name)
        if value is not None and value != ():
            told[name] = _listed(value)
    told.update(
        (name, {key: _listed(each) for key, each in value.items()}) for name in MAPPINGS if (value := getattr(deployment, name))
    )
    if deployment.price is not None:
        told["price"] = deployment.price.as_data()
    told["names"] = sorted(deployment.names)
    told["modes"] = sorted(deployment.endpoint.modes)
    return told


def deployment_of(data: Mapping[str, Any]) -> Deployment:
    """The deployment that :func:`deployment_data` told, with an endpoint that cannot be called.

    Raises:
        KeyError, TypeError: for what is no such data.
    """
    told: dict[str, Any] = {name: _tupled(value) for name, value in data.items()}
    told.update((name, {key: _tupled(each) for key, each in told[name].items()}) for name in MAPPINGS if name in told)
    modes, price, names = told.pop("modes"), told.pop("price", None), told.pop("names")
    endpoint = StoredEndpoint(told["id"], frozenset(modes))
    deployment = Deployment(endpoint=endpoint, price=None if price is None else Price.from_data(price), **told)
    deployment.names = frozenset(names)
    return deployment


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class StoredEndpoint:
    """Stands for the endpoint of a deployment that was restored from data."""

    def __init__(self, name: str, modes: frozenset[Mode]) -> None:
        self.name = name
        self.modes = modes

    @property
    def fingerprint(self) -> str:
        """Tells that nobody answers here."""
        return f"stored:{self.name}"

    def call(self, request: Request, patience: Patience) -> Answer:
        """Refused.

        Raises:
            ConfigurationError: always.
        """
        self._refuse()

    async def acall(self, request: Request, patience: Patience) -> Answer:
        """Refused like :meth:`call`."""
        self._refuse()

    def open(self, request: Request, patience: Patience) -> Source:
        """Refused like :meth:`call`."""
        self._refuse()

    async def aopen(self, request: Request, patience: Patience) -> AsyncSource:
        """Refused like :meth:`call`."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ConfigurationError(
            f"{self.name} comes from a stored catalog, which has no addresses and no keys: it can be decided about, but not "
            "called. Make a router of the models themselves to call it."
        )
