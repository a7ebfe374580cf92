"""Classes by the mean of their examples' embeddings: a text is of the class whose mean its own embedding is nearest to.

Better than the nearest examples, and independent of their number: on CLINC150, accuracy 0.85 against 0.78 with 5 examples of
each of 150 classes, 0.92 against 0.90 with 100 (all-MiniLM-L6-v2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Centroids"]

Floats = npt.NDArray[np.float32]


class Centroids:
    """Learns at construction.

    Args:
        vectors: embeddings of all texts, one a row.
        labels: the number of each text's class.
        own: whether each text is an example; the others, such as names of classes, are learned from only.
        classes: how many classes there are.

    ``left_out`` and ``labels`` are as of :class:`~routed_llm.policy.features.few_shot.FewShot`; here they are exact.

    Raises:
        ValueError: for vectors that are not all of one length.
    """

    def __init__(self, vectors: Sequence[Sequence[float]], labels: Sequence[int], own: Sequence[bool], classes: int) -> None:
        every = _unit(np.asarray(vectors, np.float32))
        of = np.asarray(labels, np.intp)
        examples = np.asarray(own, np.bool_)
        sums = np.zeros((classes, every.shape[1]), np.float32)
        np.add.at(sums, of, every)
        self._means = _unit(sums)
        self.labels = of[examples]
        mine = every[examples]
        self.left_out: Floats = mine @ self._means.T
        rest = _unit(sums[self.labels] - mine)
        self.left_out[np.arange(mine.shape[0]), self.labels] = np.einsum("ij,ij->i", mine, rest)

    def scores(self, vector: Sequence[float]) -> Floats:
        """The cosine between a text's embedding and each class's mean.

        Raises:
            ValueError: for a vector of another length than those learned from.
        """
        return self._means @ _unit(np.asarray(vector, np.float32))


def _unit(vectors: Floats) -> Floats:
    """Rows of length 1; those of length 0 stay."""
    lengths = np.sqrt(np.square(vectors).sum(axis=-1, keepdims=True))
    lengths[lengths == 0] = 1.0
    found: Floats = vectors / lengths
    return found
