"""Small corpora of invented firms, made anew from a seed, with questions and what a right answer holds."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from llama_index.core import Document
from llama_index.core.embeddings import MockEmbedding

__all__ = ["Asked", "Corpus", "WordEmbedding"]

_SYLLABLES = "ba ce di fo gu ka le mi no pu ra se ti vo zu bra cor den fal gri".split()  # noqa: SIM905
_GOODS = "lamps bicycles kettles violins umbrellas telescopes carpets sledges".split()  # noqa: SIM905


class Asked(NamedTuple):
    """A question and the words of its right answer."""

    question: str
    holds: tuple[str, ...]

    def check(self, answer: object) -> bool:
        """Whether the answer holds them all."""
        return all(word in str(answer) for word in self.holds)


@dataclass(frozen=True)
class Firm:
    """One invented firm."""

    name: str
    founder: str
    year: int
    town: str
    goods: str
    staff: int

    @property
    def text(self) -> str:
        """What is told of it, in the words of nobody's prompt."""
        return (
            f"{self.name} is a firm in {self.town}. It was founded by {self.founder} in {self.year}.\n"
            f"Today {self.name} makes {self.goods} and has {self.staff} employees.\n"
            "The weather in that region is mild, and visitors like the old harbour."
        )

    def questions(self) -> list[Asked]:
        """One question for each thing told."""
        return [
            Asked(f"Who founded {self.name}?", (self.founder,)),
            Asked(f"When was {self.name} founded?", (str(self.year),)),
            Asked(f"Where is {self.name} located?", (self.town,)),
            Asked(f"What does {self.name} make?", (self.goods,)),
            Asked(f"How many employees does {self.name} have?", (str(self.staff),)),
        ]


class Corpus:
    """So many firms; the same seed gives the same ones."""

    def __init__(self, seed: int, size: int = 4) -> None:
        chance = Random(seed)

        def name() -> str:
            return "".join(chance.choice(_SYLLABLES) for _ in range(3)).capitalize()

        goods = chance.sample(_GOODS, k=min(size, len(_GOODS)))
        self.firms = [
            Firm(f"{name()} Works", f"{name()} {name()}", 1800 + chance.randrange(220), name(), good, chance.randint(11, 9999))
            for good in goods
        ]

    @property
    def documents(self) -> list[Document]:
        """A document for each firm."""
        return [Document(text=firm.text, metadata={"file_name": f"{firm.goods}.txt"}) for firm in self.firms]

    @property
    def questions(self) -> list[Asked]:
        """All questions."""
        return [asked for firm in self.firms for asked in firm.questions()]


class WordEmbedding(MockEmbedding):
    """Hashes words into a vector, so that texts with the same words are near."""

    def __init__(self) -> None:
        super().__init__(embed_dim=256)

    def _vector(self, text: str) -> list[float]:
        vector = [0.0] * self.embed_dim
        for word in text.lower().replace("?", " ").replace(".", " ").split():
            vector[Random(word).randrange(self.embed_dim)] += 1.0
        return vector

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._vector(text)

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._vector(query)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return self._vector(text)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._vector(query)
