"""The linear model that ships with the package: which features of a text it reads, and how its weights are stored.

A text becomes a set of rows of one table: a row for each hashed word, pair of words and run of characters (whether it is there,
not how often), again for the words at the beginning, at the end, and before the first colon or line break, where instructions
stand, and for simple measures (length, lines, digits, code signs, the kind of the first word) and pairs of them. The sum of the
rows is one number for each label of task, domain and difficulty.
``scripts/train_classifier.py`` makes the table; nothing of it comes from recorded prompts of users.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from routed_llm.abilities import DIFFICULTIES, DOMAINS, TASKS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "DIFFICULTIES",
    "DOMAINS",
    "LABELS",
    "MEASURES_COUNT",
    "ROWS",
    "RUNS_COUNT",
    "TASKS",
    "Table",
    "WORDS_COUNT",
    "load",
    "rows_of",
    "scale_of",
    "scores",
]

#: names of what is told apart, in the order of the table's columns
LABELS = (*TASKS, *DOMAINS, *DIFFICULTIES)

#: rows for words and pairs, for runs of characters, and for the simple measures, in this order
WORD_BITS, RUN_BITS, MEASURES = 16, 15, 192
RUNS_FROM = 1 << WORD_BITS
MEASURES_FROM = RUNS_FROM + (1 << RUN_BITS)
ROWS = MEASURES_FROM + MEASURES
#: what the sums of the three parts are multiplied with, besides the square root of how many rows they have
WORDS_COUNT, RUNS_COUNT, MEASURES_COUNT = 1.0, 1.2, 0.3

#: words at the beginning and at the end that are read once more, as the place of the instruction
ENDS = 12
#: words before the first line break or colon that are read once more: the end of an instruction that stands before a text
BEFORE = 6
#: characters within which such an instruction ends
AHEAD_WITHIN = 400
#: characters whose runs are read; beyond them only words count
RUNS_WITHIN = 400
#: characters in which signs, digits and lines are counted
MEASURED_WITHIN = 1_000

_AT_BEGINNING, _AT_END, _AT_COLON = 0x5851F42D4C957F2D, 0x14057B7EF767814F, 0x2545F4914F6CDD1D
_CODE_SIGNS = "{}();=<>[]_`"
_DIGITS = re.compile(r"\d+")
_WORDS = re.compile(r"[^\W_]+")
_WORD = re.compile(r"[\s,.!]*([^\W\d_]+)")
_BREAK = re.compile(r"\n|:\s")
#: the first item of a list on a line of its own
_LISTED = re.compile(r"\n *(?:[-*\u2022]|\w[.)]) ")
#: words before the one that tells how a text begins
_POLITE = frozenset(["please", "pls", "hi", "hello", "hey", "ok", "so", "can", "could", "would", "you"])
_POLITE |= {"kindly", "bitte", "now", "thanks"}
#: kinds of first words: for a name or number, for a reason, yes or no, of the writer, an order, an instruction or pasted text
_KINDS = (
    """what which who whom whose when where whats was wer wann wo welche quel quelle qui quand combien cu\u00e1l qui\u00e9n
    cu\u00e1ndo""",
    "how why wie warum wieso weshalb comment pourquoi c\u00f3mo cuanto por",
    "is are was were do does did will should shall may am has have had ist sind hat kann darf soll est es",
    "i my me we our im ive ich mein meine wir je mon ma mes nous mi yo since after when because",
    """write give make create list find extract summarise summarize translate explain describe convert turn rewrite
    refactor classify label tag sort build implement design fix add show tell draft compose generate calculate compute solve
    prove put schreib schreibe gib \u00fcbersetze erkl\u00e4re traduis r\u00e9sume \u00e9cris traduce resume
    escribe read get return need""",
    "you act system role context use answer based below here the this these from for in a an",
)
_OPENINGS = {word: kind for kind, listed in enumerate(_KINDS) for word in listed.split()}

Table = tuple[Any, Any]


def _step(value: float, steps: tuple[float, ...]) -> int:
    return sum(value >= step for step in steps)


def measures(text: str, flat: str, ahead: int) -> list[int]:
    """Rows of the simple measures of a text, one for each measure.

    Args:
        text: the text as it is.
        flat: the text with single blanks only.
        ahead: where the instruction before a pasted text ends, -1 for none.
    """
    length, lines, plain = len(flat), text.strip().count("\n"), text.isascii()
    flat = flat[:MEASURED_WITHIN]
    share = 1.0 / (len(flat) + 20)
    signs, digits = sum(map(flat.count, _CODE_SIGNS)) * share, len(_DIGITS.findall(flat)) * share
    fenced, asks, stops = "```" in flat, "?" in flat, flat.count(". ")
    code, opening, size = 2 if fenced or signs >= 0.05 else int(signs >= 0.015), _opening(flat), _step(length, (40, 120, 400))
    listed = lines > 0 and _LISTED.search(text, 0, MEASURED_WITHIN) is not None
    found = (
        _step(length, (15, 30, 60, 100, 160, 300, 600)),
        8 + _step(lines, (1, 2, 4, 10)),
        16 + _step(signs, (0.005, 0.02, 0.05, 0.1)),
        24 + _step(digits * 20, (0.05, 0.2, 0.6, 1.2)),
        32 + _step(flat.count(",") + flat.count(";"), (1, 2, 4, 8)),
        40 + asks + 2 * fenced,
        48 + (not plain) + 2 * (": " in flat),
        56 + _step(stops, (1, 2, 4, 8)),
        # two or three together tell what none tells alone
        64 + opening * 3 + code,
        88 + size * 4 + asks * 2 + (ahead >= 0),
        104 + opening * 4 + size,
        136 + opening * 3 + _step(digits, (0.01, 0.04)),
        160 + listed * 6 + flat.endswith("?") * 3 + code,
        172 + (ahead >= 0) * 6 + code * 2 + listed,
    )
    return [MEASURES_FROM + place for place in found]


def _opening(flat: str) -> int:
    """How a text begins, as the number of its line in :data:`_OPENINGS`; 6 for signs and digits, 7 for any other word."""
    begin = _WORD.match(flat)
    while begin is not None and begin[1].lower() in _POLITE:
        begin = _WORD.match(flat, begin.end())
    return 6 if begin is None else _OPENINGS.get(begin[1].lower(), 7)


def _ahead(text: str) -> int:
    """Where the instruction ends that stands before a text: at the first line break or colon; -1 if there is none."""
    found = _BREAK.search(text, 8, AHEAD_WITHIN)
    return -1 if found is None else found.start()


def rows_of(text: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], list[int]]:
    """Rows of a text's words, of its runs of characters, and of its measures, each once. The text should be normalised."""
    import numpy as np

    from routed_llm.prompt.ngrams import hashes

    flat = " ".join(text.split())
    grams = hashes(flat, words=2, characters=0)
    count = (grams.size + 1) // 2
    single, pairs = grams[:count], grams[count:]
    first = np.concatenate((single[:ENDS], pairs[: ENDS - 1])) ^ np.uint64(_AT_BEGINNING)
    last = np.concatenate((single[-ENDS:], pairs[-ENDS + 1 :])) ^ np.uint64(_AT_END)
    parts = [grams, first, last]
    ahead = _ahead(text)
    if before := len(_WORDS.findall(text, 0, ahead)) if ahead >= 0 else 0:
        near = np.concatenate((single[max(0, before - BEFORE) : before], pairs[max(0, before - BEFORE) : before - 1]))
        parts.append(near ^ np.uint64(_AT_COLON))
    words = np.zeros(1 << WORD_BITS, np.bool_)
    words[np.concatenate(parts) >> np.uint64(64 - WORD_BITS)] = True
    runs = np.zeros(1 << RUN_BITS, np.bool_)
    runs[hashes(flat[:RUNS_WITHIN], words=0, characters=5) >> np.uint64(64 - RUN_BITS)] = True
    return np.flatnonzero(words), np.flatnonzero(runs) + RUNS_FROM, measures(text, flat, ahead)


def scale_of(count: int, share: float) -> float:
    """What the sum of ``count`` rows is multiplied with: many rows weigh more than few, but not in proportion."""
    return float(share * (count + 10) ** -0.5)


def scores(text: str, table: Table) -> npt.NDArray[np.float32]:
    """One number for each of :data:`LABELS`; larger is likelier."""
    weights, factors = table
    words, runs, simple = rows_of(text)
    ones = _ones()
    # a product with ones sums rows faster than sum() does, and exactly: the weights are whole numbers
    total = ones[: words.size] @ weights.take(words, axis=0) * scale_of(words.size, WORDS_COUNT)
    total += ones[: runs.size] @ weights.take(runs, axis=0) * scale_of(runs.size, RUNS_COUNT)
    total += ones[: len(simple)] @ weights.take(simple, axis=0) * MEASURES_COUNT
    found: npt.NDArray[np.float32] = total * factors[0] + factors[1]
    return found


@cache
def _ones() -> npt.NDArray[np.float32]:
    import numpy as np

    return np.ones(1 << max(WORD_BITS, RUN_BITS), np.float32)


@cache
def load() -> Table:
    """The table that ships with the package: weights by row and label, and per label a factor and an offset.

    The weights are stored as int8; in memory they are float32 (10 MB), which sums three times as fast.
    """
    import numpy as np

    with files("routed_llm.policy.features").joinpath("data/classifier.npz").open("rb") as file, np.load(file) as stored:
        return stored["weights"].astype(np.float32), stored["factors"]
