"""Hashed n-grams: a text as a sparse vector of its words, word pairs and runs of characters, with numpy and nothing else.

Every n-gram is a stretch of the text, and its hash comes from prefix sums: with ``H[i] = sum(code[j] * P**j for j < i)``, the
stretch from i to k has the value ``(H[k] - H[i]) * P**-i`` wherever it stands (Karp and Rabin's rolling hash, here modulo
2**64, where an odd P has an inverse). So all n-grams are hashed by a few operations on whole arrays, and the numbers are the
same in every process, on every machine.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["BITS", "READ_AT_MOST", "Buckets", "buckets", "hashes"]

#: numbers of buckets, and their values, of one text
Buckets = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]
_Hashes = npt.NDArray[np.uint64]

#: 2**16 buckets, whose numbers numpy sorts five times as fast as wider ones. Measured with the 40,000 different n-grams of
#: 2,250 utterances of CLINC150: 2**18 buckets tell its 150 classes apart no better, and with the 110,000 of 15,000 utterances
#: 2**20 of them by 0.002
BITS = 16
#: characters that are read; what comes after them is not looked at
READ_AT_MOST = 4_096

#: 2**64 divided by the golden ratio, made odd: the base of the rolling hash (Knuth, The Art of Computer Programming 6.4)
_BASE = 0x9E3779B97F4A7C15
#: an odd multiplier that spreads the bits of a hash (Pelle Evensen's "rrmxmx" mixer)
_SPREAD = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)
_LONGEST = READ_AT_MOST + 2
_SHORTEST_RUN = 3
#: letters of a word that count in pairs of words that are apart, so that "refunds" pairs as "refunded" does. With 5 examples
#: of each class of CLINC150, 0.008 more are right than with whole words
_HEAD = 4


def buckets(
    text: str, *, words: int = 2, apart: int = 0, characters: int = 5, bits: int = BITS, presence: bool = False
) -> Buckets:
    """The buckets of a text's n-grams, each once and in ascending order, with values of unit length together.

    Args:
        text: read without regard to case and to the kind and number of blanks; at most :data:`READ_AT_MOST` characters.
        words: 0 for no words, 1 for single words, 2 for pairs of neighbours as well.
        apart: pairs of words in either order, from neighbours to so many words apart, as well; none where ``words`` is 0.
        characters: 0 for none, else the longest run of characters, words and blanks alike; the shortest is 3.
        bits: there are ``2 ** bits`` buckets, with ``bits`` from 1 to 31; more than 16 cost time.
        presence: count each n-gram once, however often it is repeated; else its value grows as ``log(1 + count)``.
    """
    found = hashes(text, words=words, apart=apart, characters=characters)
    if not found.size:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    numbers = (found >> np.uint64(64 - bits)).astype(np.uint16 if bits <= 16 else np.int32)
    # of 16 bits, the stable sort is a radix sort
    numbers.sort(kind="stable" if bits <= 16 else "quicksort")
    first = np.flatnonzero(np.concatenate(((True,), numbers[1:] != numbers[:-1])))
    each = numbers[first].astype(np.int64)
    if presence:
        return each, np.full(each.size, each.size**-0.5, np.float32)
    values = np.log1p(np.diff(first, append=numbers.size).astype(np.float32))
    values *= 1.0 / np.sqrt(values @ values)
    return each, values


def hashes(text: str, *, words: int = 2, apart: int = 0, characters: int = 5) -> _Hashes:
    """The 64-bit hashes of a text's n-grams, repeated ones repeatedly; arguments as for :func:`buckets`.

    They come in the order of the text: of all words, then of all pairs, then of those of each distance, then of the runs of
    each length.
    """
    flat = " ".join(text[:READ_AT_MOST].lower().split())
    if not flat:
        return np.empty(0, np.uint64)
    codes = np.frombuffer(f" {flat} ".encode("utf-32-le", "surrogatepass"), np.uint32)[:_LONGEST]
    powers, inverse, letters = _tables()
    length = codes.size
    sums = np.zeros(length + 1, np.uint64)
    np.cumsum(codes * powers[:length], out=sums[1:])
    found = []
    if words:
        inside = letters[np.minimum(codes, letters.size - 1)]
        edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
        # where the text is cut off inside a word, that word does not count
        ends = edges[1::2]
        begins = edges[::2][: ends.size]
        single = (sums[ends] - sums[begins]) * inverse[begins]
        found.append(single)
        if words > 1:
            # a pair depends on the order of its words
            found.append(single[:-1] * _SPREAD + single[1:])
        if apart:
            # a sum does not; sums of plain values would be the same for "cat dog" and "cog dat"
            heads = (sums[np.minimum(begins + _HEAD, ends)] - sums[begins]) * inverse[begins]
            spread = (heads ^ (heads >> _HALF)) * _SPREAD
            before, after = _pairs(spread.size, apart)
            found.append(spread[before] + spread[after])
    # a run that is a whole word is another n-gram than the word: the runs of each length get their own constant
    for run in range(_SHORTEST_RUN, min(characters, length) + 1):
        found.append((sums[run:] - sums[:-run]) * inverse[: length + 1 - run] + np.uint64(run * _BASE & 0xFFFFFFFFFFFFFFFF))
    mixed = np.concatenate(found)
    mixed ^= mixed >> _HALF
    mixed *= _SPREAD
    mixed ^= mixed >> _HALF
    mixed *= _SPREAD
    return mixed


@lru_cache(maxsize=32)
def _pairs(count: int, apart: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The places of the two of each pair of so many words, by distance; kept, as short texts have few lengths."""
    before = [np.arange(count - far) for far in range(1, min(apart + 1, count))] or [np.arange(0)]
    return np.concatenate(before), np.concatenate([each + count - each.size for each in before])


@cache
def _tables() -> tuple[_Hashes, _Hashes, npt.NDArray[np.bool_]]:
    """Powers of the base, their inverses modulo 2**64, and which codes are letters or digits (all above 2**16 are)."""
    count = _LONGEST + 1
    powers, inverse = np.empty(count, np.uint64), np.empty(count, np.uint64)
    power, back, step = 1, 1, pow(_BASE, -1, 1 << 64)
    for i in range(count):
        powers[i], inverse[i] = power, back
        power, back = power * _BASE % (1 << 64), back * step % (1 << 64)
    letters = np.fromiter((chr(code).isalnum() for code in range(0x10000)), np.bool_, 0x10000)
    return powers, inverse, np.append(letters, True)
