"""A small deterministic embedder, so that an index needs no network."""

from typing import Any

from llama_index.core.embeddings import BaseEmbedding

__all__ = ["SmallEmbedding"]


class SmallEmbedding(BaseEmbedding):
    """Counts of letters."""

    def _get_text_embedding(self, text: str) -> list[float]:
        return [float(text.lower().count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    @classmethod
    def class_name(cls) -> str:
        return "SmallEmbedding"

    def to_dict(self, **kwargs: Any) -> dict[str, Any]:
        return {"class_name": self.class_name()}
