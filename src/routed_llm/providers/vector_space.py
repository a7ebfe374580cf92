"""One space of vectors for each router: texts that are compared must have been embedded by one model, in one length.

What can be known before a call is checked when the router is made; the length of every answer is checked when it comes. An
answer of another length is never handed on: it counts as a failure of its deployment, with what it cost.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, Protocol

from routed_llm.catalog.cards import find_card
from routed_llm.catalog.deployments import Deployment
from routed_llm.driver import AsyncSource, Patience, Source
from routed_llm.errors import ConfigurationError, InvalidCall, ProviderError
from routed_llm.requests import Mode, Request
from routed_llm.results import Answer

__all__ = ["Embedder", "InSpace", "VectorSpace", "check_one_space", "document_or_query"]


class Embedder(Protocol):
    """Something that embeds texts: as an :class:`~routed_llm.driver.Endpoint`, but without streams.

    ``served`` names the model whose vectors these are, None where that cannot be known; ``dimensions`` is the length that its
    vectors are set to, None for the model's own; ``takes_empty`` tells whether it embeds empty texts.
    """

    modes: frozenset[Mode]
    served: str | None
    dimensions: int | None
    takes_empty: bool

    @property
    def fingerprint(self) -> str:
        """As of an endpoint."""
        ...

    def call(self, request: Request, patience: Patience) -> Answer:
        """One vector for each text of the payload, as ``Answer.native``, in sync code."""
        ...

    async def acall(self, request: Request, patience: Patience) -> Answer:
        """The same in async code."""
        ...


def document_or_query(facts: Mapping[str, Any]) -> str:
    """What the texts of a request are: ``query`` or ``document``, by its fact ``embeds``."""
    return "query" if facts.get("embeds") == "query" else "document"


class VectorSpace:
    """The length of vectors that a router has seen, for each length that was asked for."""

    __slots__ = ("_lock", "_seen")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[int | None, int] = {}

    def fault(self, vectors: Any, texts: int, asked: int | None) -> str | None:
        """What is wrong with vectors; None when they are one for each text, and of the one length.

        Args:
            vectors: lists of numbers.
            texts: how many there were.
            asked: the length that was asked for; None for the model's own, which the first answer tells.
        """
        if len(vectors) != texts:
            return f"{len(vectors)} vectors came for {texts} texts"
        lengths = {len(vector) for vector in vectors}
        if len(lengths) > 1:
            return f"the vectors of one answer have {' and '.join(map(str, sorted(lengths)))} dimensions"
        length = lengths.pop()
        with self._lock:
            expected = self._seen.setdefault(asked, asked or length)
        if length != expected:
            why = "were asked for" if asked else "is what this router has seen before"
            return f"the vectors have {length} dimensions; {expected} {why}, and spaces are never mixed"
        return None


class InSpace:
    """An embedder as an endpoint of a router: its answers are checked against the router's space."""

    __slots__ = ("embedder", "modes", "space")

    def __init__(self, embedder: Embedder, space: VectorSpace) -> None:
        self.embedder = embedder
        self.space = space
        self.modes = embedder.modes

    def __repr__(self) -> str:
        return f"<InSpace {self.embedder!r}>"

    @property
    def fingerprint(self) -> str:
        """That of the embedder."""
        return self.embedder.fingerprint

    def call(self, request: Request, patience: Patience) -> Answer:
        """Vectors, in sync code."""
        _embeds(request)
        return self._checked(self.embedder.call(request, patience), request)

    async def acall(self, request: Request, patience: Patience) -> Answer:
        """Vectors, in async code."""
        _embeds(request)
        return self._checked(await self.embedder.acall(request, patience), request)

    def _checked(self, answer: Answer, request: Request) -> Answer:
        asked = request.params.get("dimensions") or self.embedder.dimensions
        if (wrong := self.space.fault(answer.native, len(request.payload), asked)) is not None:
            answer.fault = ProviderError("malformed", wrong, phase="body")
        return answer

    def open(self, request: Request, patience: Patience) -> Source:
        """Refused: vectors do not come piece by piece."""
        _no_stream()

    async def aopen(self, request: Request, patience: Patience) -> AsyncSource:
        """Refused: vectors do not come piece by piece."""
        _no_stream()


def _embeds(request: Request) -> None:
    if request.dialect != "embeddings":
        raise InvalidCall("This router makes embeddings and cannot chat: chat needs a Router of chat models.")


def _no_stream() -> NoReturn:
    raise InvalidCall("This router makes embeddings: they neither chat nor stream.")


def check_one_space(deployments: Sequence[Deployment], paths: Sequence[str], dimensions: int | None = None) -> None:
    """Refuse deployments whose vectors cannot be compared.

    They count as one model when they serve one name (whatever stands before its last slash), or when the user put them into one
    ``Model(name=..., deployments=[...])``, as long as the catalog does not know them as different models.

    Args:
        deployments: of a router for embeddings.
        paths: where each was written.
        dimensions: the length that every call asks for; None where calls do not say.

    Raises:
        ConfigurationError: with the path of the first that does not belong to the others.
    """
    first = deployments[0]
    names = {*_names(first)}
    length = _length(first, dimensions) if dimensions is None else dimensions
    for deployment, path in zip(deployments, paths, strict=True):
        own = _names(deployment)
        known, other = _card_name(first), _card_name(deployment)
        if not names.intersection(own) or (known and other and known != other):
            raise ConfigurationError(
                f"{deployment.id} and {first.id} make vectors of different models, which cannot be compared. Give each model a "
                "router of its own; if they are one model under two names: Model(name=..., deployments=[...]).",
                path=path,
            )
        names.update(own)
        if (found := _length(deployment, dimensions)) != length:
            other = f"{first.id} of {_told(length)}" if dimensions is None else f"{_told(length)} are asked for"
            raise ConfigurationError(
                f"{deployment.id} makes vectors of {_told(found)}, {other}: they cannot be compared. "
                "Set the same dimensions for all.",
                path=f"{path}.dimensions" if path else "dimensions",
            )


def _names(deployment: Deployment) -> tuple[Any, ...]:
    """What may make it one model with another: its served name, and the user's common name."""
    served = _embedder(deployment).served
    # of several deployments of one entry, the user says that they are one: these alone have a number behind their model's name
    said = () if deployment.id == deployment.model else (("said", deployment.model),)
    return (*said, ("itself", id(_embedder(deployment))) if served is None else served.rpartition("/")[2].lower())


def _card_name(deployment: Deployment) -> str | None:
    card = find_card(deployment.provider, deployment.served_model)
    return None if card is None else card.name.rpartition("/")[2].lower()


def _length(deployment: Deployment, dimensions: int | None) -> int | None:
    embedder = _embedder(deployment)
    # what a call asks for counts where nothing else was set; an object cannot be asked, so its own setting must be the same
    return embedder.dimensions if embedder.dimensions is not None else dimensions


def _embedder(deployment: Deployment) -> Embedder:
    endpoint = deployment.endpoint
    if not isinstance(endpoint, InSpace):
        raise ConfigurationError(f"{deployment.id} makes no embeddings.", path="models")
    return endpoint.embedder


def _told(length: int | None) -> str:
    return "its own length" if length is None else f"{length} dimensions"
