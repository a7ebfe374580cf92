"""A deployment behind HTTP that speaks OpenAI's embeddings, over the same line as chats."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from routed_llm.dialects.openai_embeddings import EmbeddingsWire, build_body, read_vectors
from routed_llm.driver import Patience
from routed_llm.providers.credentials import Credential
from routed_llm.providers.http_line import HttpLine, Transports
from routed_llm.providers.vector_space import document_or_query
from routed_llm.requests import Request
from routed_llm.results import Answer

__all__ = ["HttpEmbeddings"]


class HttpEmbeddings(HttpLine):
    """One embedding model at one URL; see :class:`~routed_llm.providers.http_line.HttpLine` for the other arguments.

    Args:
        url: where embeddings are posted.
        wire: how the model wants to be spoken to.
        credential: its keys; None where it needs none.
    """

    #: OpenAI refuses empty texts, and most compatible servers with it
    takes_empty = False

    def __init__(
        self,
        url: str,
        wire: EmbeddingsWire,
        credential: Credential | None,
        *,
        key_header: str = "Authorization",
        headers: Mapping[str, str] | None = None,
        transports: Transports | None = None,
    ) -> None:
        super().__init__(url, credential, key_header=key_header, headers=headers, transports=transports)
        self.wire = wire
        self.served: str | None = wire.model
        self.dimensions: int | None = wire.params.get("dimensions")

    def __repr__(self) -> str:
        return f"<HttpEmbeddings {self.wire.model} at {self.url.partition('?')[0]}>"

    @property
    def fingerprint(self) -> str:
        """URL and the way the model is spoken to."""
        return f"{self.url.partition('?')[0]} {self.wire.fingerprint()}"

    def _body(self, request: Request) -> bytes:
        return build_body(request.payload, self.wire, request.params, document_or_query(request.facts))

    def _reader(self, request: Request) -> Callable[[bytes], Answer]:
        count = len(request.payload)
        return lambda body: read_vectors(body, count)

    def call(self, request: Request, patience: Patience) -> Answer:
        """One vector for each text, in sync code."""
        return self._post(
            self._body(request), patience.first, self._reader(request), once=patience.once, resent=patience.resent
        )

    async def acall(self, request: Request, patience: Patience) -> Answer:
        """One vector for each text, in async code."""
        return await self._apost(
            self._body(request), patience.first, self._reader(request), once=patience.once, resent=patience.resent
        )
