"""A linear classifier that learns from a few examples of each class, on hashed n-grams.

Ridge regression, one class against the rest: of all weights W that give each example x the value ``x @ W`` near 1 for its
class and near 0 for the others, those with the least ``sum of squared errors + RIDGE * |W|**2``. It is solved in its dual form,
one example after the other (Gauss-Seidel; Saunders, Gammerman and Vovk 1998 for the dual), which needs neither a matrix of all
examples nor more than numpy.

A text is its words, its pairs of words up to :data:`APART` apart in either order, and its runs of three characters. The pairs
do what a polynomial kernel over words would do, at the price of a linear classifier.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from routed_llm.prompt.ngrams import BITS, Buckets, buckets

__all__ = ["FewShot", "Floats"]

Floats = npt.NDArray[np.float32]

#: weight of small weights against small errors; on CLINC150, accuracy with 1.0 is lower by 0.003 to 0.009, with 0.25 the same
RIDGE = 0.5
#: times that all examples are gone through; more change the accuracy there by less than 0.002
PASSES = 3
#: how far apart the two words of a pair may be (1: neighbours). With 15 examples of each class there, pairs at any distance are
#: as right as those to 8, those to 3 less right by 0.01, and neighbours alone by 0.03
APART = 8
#: length of the runs of characters: with longer ones as well, no more is right
RUN = 3


class FewShot:
    """Learns at construction: about 60 us for each example, and up to 150 us where there are 150 classes.

    Args:
        examples: the texts of each class.
        hints: for each class further texts that are learned from but are no examples, such as its name.

    ``left_out`` holds, for each example, the values of all classes as they would be without that example, estimated on the
    low side: the example's residual is taken as if no other example had anything in common with it. ``labels`` has the
    numbers of the examples' classes, in the same order.
    """

    def __init__(self, examples: Sequence[Sequence[str]], hints: Sequence[Sequence[str]] = ()) -> None:
        found = [*_told(examples, True), *_told(hints, False)]
        # the classes take turns, so that no pass ends with many examples of one
        found.sort(key=lambda each: each.place)
        self._rarity, self._rows = _seen([each.vector for each in found])
        labels = np.array([each.label for each in found], np.intp)
        own = np.array([each.own for each in found], np.bool_)
        vectors = [self._weighed(each.vector) for each in found]
        self._weights, duals = _solve(vectors, labels, len(examples), int(self._rows.max()) + 1)
        self.labels = labels[own]
        self.left_out: Floats = np.eye(len(examples), dtype=np.float32)[self.labels] - duals[own] * np.float32(1.0 + RIDGE)

    def scores(self, text: str) -> Floats:
        """The value of each class: about 1 for a text like its examples, about 0 for any other."""
        rows, values = self._weighed(_vector(text))
        return values @ self._weights[rows]

    def _weighed(self, vector: Buckets) -> Buckets:
        """Rows of the weights (the first one for all n-grams that no example has) and values of unit length."""
        numbers, counts = vector
        values = counts * self._rarity[numbers]
        if values.size:
            values *= 1.0 / np.sqrt(values @ values)
        return self._rows[numbers], values


class _Told(NamedTuple):
    """A text that is learned from: how many of its class came before it, its class, and whether it is an example."""

    place: int
    label: int
    own: bool
    vector: Buckets


def _told(texts: Sequence[Sequence[str]], own: bool) -> Iterator[_Told]:
    for label, each in enumerate(texts):
        for place, text in enumerate(each):
            vector = _vector(text)
            if vector[0].size:
                yield _Told(place, label, own, vector)


def _vector(text: str) -> Buckets:
    return buckets(text, words=1, apart=APART, characters=RUN)


def _seen(vectors: Sequence[Buckets]) -> tuple[Floats, npt.NDArray[np.int64]]:
    """For each bucket how rare it is (``1 + log((1 + n) / (1 + texts that have it))``) and its row; 0 where no text has it."""
    size = 1 << BITS
    texts = np.zeros(size, np.int64)
    for numbers, _ in vectors:
        texts[numbers] += 1
    rarity = (1.0 + np.log((1 + len(vectors)) / (1.0 + texts))).astype(np.float32)
    rows = np.zeros(size, np.int64)
    known = np.flatnonzero(texts)
    rows[known] = np.arange(1, known.size + 1)
    return rarity, rows


def _solve(vectors: Sequence[Buckets], labels: npt.NDArray[np.intp], classes: int, rows: int) -> tuple[Floats, Floats]:
    """Weights (rows x classes) and dual variables (texts x classes)."""
    weights = np.zeros((rows, classes), np.float32)
    duals = np.zeros((len(vectors), classes), np.float32)
    # written to again and again: new arrays for each text take twice the time
    longest = max((values.size for _, values in vectors), default=0)
    all_mine, all_steps = np.empty((2, longest, classes), np.float32)
    for _ in range(PASSES):
        for (at, values), label, dual in zip(vectors, labels, duals, strict=True):
            mine = np.take(weights, at, 0, all_mine[: at.size], "clip")
            step = values @ mine
            step += RIDGE * dual
            step[label] -= 1.0
            step *= -1.0 / (1.0 + RIDGE)
            dual += step
            mine += np.multiply(values[:, None], step, all_steps[: at.size])
            weights[at] = mine
    weights[0] = 0.0
    return weights, duals
