"""Classes by embeddings of their examples, asked for within a time limit, and without any hurry to have learned them all.

Calls embed the examples in batches, each call as many as its time allows; until all are there, and whenever the embedder fails
or is late, there is no verdict, and whoever asks must know another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from routed_llm.catalog.deployments import Deployment
from routed_llm.driver import Driver
from routed_llm.errors import ProviderError
from routed_llm.logs import log
from routed_llm.policy.features.own_calls import Asking, Remembered, Rest, ask_aside, texts_request
from routed_llm.requests import Request

if TYPE_CHECKING:
    from routed_llm.policy.features.centroids import Centroids, Floats
    from routed_llm.policy.features.certainty import Certainty, Verdict

__all__ = ["Embedded", "Judged", "Lesson"]


#: examples embedded at once; fewer after a batch that was late
BATCH = 64


class Judged(NamedTuple):
    """That the embedder answered, and what that means: None for a text of no class."""

    verdict: Verdict | None


class Lesson(NamedTuple):
    """A text to learn from: the number of its class, and whether it is an example rather than a name or a description."""

    text: str
    label: int
    own: bool


class Embedded:
    """A classifier by embeddings.

    Args:
        embedder: who embeds texts.
        lessons: what is learned from.
        unknown: share of texts of the classes that may be taken for texts of none.
        seconds: what one call may spend on it.
        trusted: whether the embedder may see calls that may not go everywhere.
    """

    def __init__(
        self, embedder: Deployment, lessons: Sequence[Lesson], unknown: float, seconds: float, trusted: bool = False
    ) -> None:
        self._embedder = embedder
        self._trusted = trusted
        self._lessons = lessons
        self._unknown = unknown
        self._seconds = seconds
        self._vectors: list[Sequence[float]] = []
        self._batch = BATCH
        self._learning = False
        self._learned: tuple[Centroids, Certainty] | None = None
        self._rest = Rest()
        self._vector_of: Remembered[Sequence[float]] = Remembered()

    async def judge(self, text: str, request: Request, driver: Driver) -> Judged | None:
        """What the text of a call is; None where the embedder does not tell in time, or may not be asked."""
        now = driver.now()
        if not self._rest.over(now):
            return None
        try:
            scores = await self._scores(text, request, driver, now + self._seconds)
        except (ProviderError, ValueError) as error:
            self._batch = max(1, self._batch // 2)
            if self._rest.begin(driver.now()):
                log.warning("The embedder of Examples failed (%s); tasks are told by n-grams until it works again.", error)
            return None
        if scores is None or self._learned is None:
            return None
        self._rest.end()
        return Judged(self._learned[1].verdict(scores))

    async def _scores(self, text: str, request: Request, driver: Driver, until: float) -> Floats | None:
        if self._learned is None:
            # one call learns at a time; the others do not wait for it
            if self._learning:
                return None
            self._learning = True
            try:
                await self._learn(request, driver, until)
            finally:
                self._learning = False
            if self._learned is None:
                return None
        vector = self._vector_of.get(text)
        if vector is None:
            vectors = await self._embed(texts_request([text], "query"), request, driver, until)
            if vectors is None:
                return None
            vector = vectors[0]
            self._vector_of.keep(text, vector)
        return self._learned[0].scores(vector)

    async def _learn(self, request: Request, driver: Driver, until: float) -> None:
        """Embed as many examples as time allows, and learn when all are there."""
        begun, took = driver.now(), 0.0
        # a batch that would hardly end in time is left to the next call
        while len(self._vectors) < len(self._lessons) and begun + 1.5 * took < until:
            known = self._vectors
            batch = [lesson.text for lesson in self._lessons[len(known) : len(known) + self._batch]]
            vectors = await self._embed(texts_request(batch, "document"), request, driver, until)
            if vectors is None:
                return
            self._vectors = [*known, *vectors]
            ended = driver.now()
            begun, took = ended, ended - begun
        if len(self._vectors) < len(self._lessons):
            return
        from routed_llm.policy.features.centroids import Centroids  # numpy is for those who need it
        from routed_llm.policy.features.certainty import Certainty

        labels = [lesson.label for lesson in self._lessons]
        centroids = Centroids(self._vectors, labels, [lesson.own for lesson in self._lessons], max(labels) + 1)
        self._learned = centroids, Certainty(centroids.left_out, centroids.labels, self._unknown)

    async def _embed(self, texts: Request, request: Request, driver: Driver, until: float) -> Sequence[Sequence[float]] | None:
        """Vectors of texts; None where the embedder may not be asked."""
        seconds = max(0.0, until - driver.now())
        asking = Asking("examples", self._embedder, texts, seconds, beside=True, trusted=self._trusted)
        answer = await ask_aside(asking, request, driver)
        if answer is None:
            return None
        vectors: Any = answer.native
        if len(vectors) != len(texts.payload):
            raise ProviderError("malformed", f"{len(vectors)} vectors came for {len(texts.payload)} texts", phase="body")
        return vectors  # type: ignore[no-any-return]  # lists of numbers, checked by the endpoint
