"""Trains the classifier of task, domain and difficulty on prompts made of the templates in ``scripts/classifier``.

``python scripts/train_classifier.py`` writes ``src/routed_llm/policy/features/data/classifier.npz`` and, beside it, the
fingerprint of what it was made of. The same templates give the same file. Multinomial logistic regression over sets of rows
(see ``routed_llm.policy.features.weights``), by Adagrad (Duchi et al. 2011) with rows dropped at random, so that no prompt is
known by one word alone, towards smoothed labels (Szegedy et al. 2016); the weights of the last epochs are averaged (Polyak and
Juditsky 1992) and rounded to eight bits. Only numpy is used, and no prompt but those from the templates.
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "classifier"), str(HERE.parent / "src")]

from generate import Generator, Hints, Prompt  # noqa: E402

from routed_llm.policy.features.weights import (  # noqa: E402
    DIFFICULTIES,
    DOMAINS,
    LABELS,
    MEASURES_COUNT,
    ROWS,
    RUNS_COUNT,
    TASKS,
    WORDS_COUNT,
    rows_of,
    scale_of,
)

DATA = HERE.parent / "src/routed_llm/policy/features/data"
SEED = 5
EPOCHS = 5
#: sentences of single words that are made for each domain and each task
HINTS = 2500
BATCH = 256
#: share of the rows of a prompt that each step leaves out
DROPPED = 0.5
#: share of a label's certainty that is spread over all labels of its question, as templates are never sure of people
SMOOTHED = 0.05
#: last epochs whose weights are averaged
AVERAGED = 3
RATE = 0.3
DECAY = 2e-5
#: what the domain "general" has to be ahead by: most templates are general, prompts of a specialist's app are not
GENERAL_LEAD = 0.25

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = tuple[Ints, Ints, list[int]]
#: columns of each question, which are normalised together
HEADS = (slice(0, len(TASKS)), slice(len(TASKS), len(TASKS) + len(DOMAINS)), slice(len(TASKS) + len(DOMAINS), len(LABELS)))


def fingerprint() -> str:
    """SHA-256 of all that the weights are made of: templates, the code that fills them, this file, and rows of some texts."""
    digest = sha256()
    for source in (*sorted((HERE / "classifier").glob("*.toml")), HERE / "classifier/generate.py", Path(__file__)):
        digest.update(source.read_bytes())
    for text in ("", "Why does x = [1, 2]; fail?\n", "Bonjour, \u4f60\u597d " * 40):
        digest.update(repr([list(map(int, part)) for part in rows_of(text)]).encode())
    return digest.hexdigest()


def examples(prompts: list[Prompt], hints: list[tuple[str, str]]) -> tuple[list[Rows], Ints]:
    """Rows of each text, and the columns of its three labels; -1 where it says nothing about them."""
    targets = [
        (TASKS.index(p.task), len(TASKS) + DOMAINS.index(p.domain), HEADS[2].start + DIFFICULTIES.index(p.difficulty))
        for p in prompts
    ]
    for _, label in hints:
        targets.append((TASKS.index(label), -1, -1) if label in TASKS else (-1, len(TASKS) + DOMAINS.index(label), -1))
    texts = [*(p.text for p in prompts), *(text for text, _ in hints)]
    return [rows_of(text) for text in texts], np.asarray(targets, np.int64)


def softmax(scores: Floats) -> Floats:
    """Probabilities, each question for itself."""
    result = np.empty_like(scores)
    for head in HEADS:
        part = np.exp(scores[:, head] - scores[:, head].max(axis=1, keepdims=True))
        result[:, head] = part / part.sum(axis=1, keepdims=True)
    return result


def thinned(parts: Rows, chance: np.random.Generator) -> tuple[Ints, Floats]:
    """Rows that a step sees of a prompt, and their values; measures are always there."""
    words, runs = (part[chance.random(part.size) >= DROPPED] for part in parts[:2])
    simple = np.asarray(parts[2])
    shares = ((words, scale_of(words.size, WORDS_COUNT)), (runs, scale_of(runs.size, RUNS_COUNT)), (simple, MEASURES_COUNT))
    return np.concatenate((words, runs, simple)), np.concatenate([np.full(part.size, share) for part, share in shares])


def step(batch: list[Rows], targets: Ints, weights: Floats, seen: Floats, chance: np.random.Generator) -> float:
    """One step of Adagrad on a batch; gives its loss."""
    kept = [thinned(rows, chance) for rows in batch]
    lengths = np.asarray([rows.size for rows, _ in kept])
    rows, values = np.concatenate([rows for rows, _ in kept]), np.concatenate([values for _, values in kept])
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    chances = softmax(np.add.reduceat(weights[rows] * values[:, None], starts, axis=0) + weights[-1])
    loss = 0.0
    for question, head in enumerate(HEADS):
        asked = targets[:, question] >= 0
        at = np.flatnonzero(asked), targets[asked, question]
        loss -= float(np.log(np.maximum(chances[at], 1e-12)).sum()) / len(batch)
        chances[at] -= 1.0 - SMOOTHED
        chances[asked, head] -= SMOOTHED / (head.stop - head.start)
        chances[~asked, head] = 0.0
    chances /= len(batch)
    touched, place = np.unique(rows, return_inverse=True)
    spread = np.repeat(chances, lengths, axis=0) * values[:, None]
    slope = np.stack([np.bincount(place, spread[:, k], touched.size) for k in range(len(LABELS))], axis=1)
    slope += DECAY * weights[touched]
    seen[touched] += slope * slope
    weights[touched] -= RATE * slope / (np.sqrt(seen[touched]) + 1e-6)
    bias = chances.sum(axis=0)
    seen[-1] += bias * bias
    weights[-1] -= RATE * 0.1 * bias / (np.sqrt(seen[-1]) + 1e-6)
    return loss


def train(rows: list[Rows], targets: Ints, epochs: int) -> Floats:
    """Weights by row and label; the last row is the offset."""
    chance = np.random.default_rng(SEED)
    weights, seen, kept = (np.zeros((ROWS + 1, len(LABELS))) for _ in range(3))
    averaged = min(AVERAGED, epochs)
    for epoch in range(epochs):
        order = chance.permutation(len(rows))
        losses = [
            step([rows[i] for i in order[at : at + BATCH]], targets[order[at : at + BATCH]], weights, seen, chance)
            for at in range(0, len(order), BATCH)
        ]
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}", flush=True)
        if epoch >= epochs - averaged:
            kept += weights / averaged
    return kept


def rounded(weights: Floats) -> dict[str, npt.NDArray[np.generic]]:
    """Weights in eight bits, with a factor for each label; extreme weights are cut.

    All but one in 2,000 weights take 63 steps: as right as with 127, and a tenth smaller when packed.
    """
    weights[-1, len(TASKS) + DOMAINS.index("general")] -= GENERAL_LEAD
    factors = np.quantile(np.abs(weights[:-1]), 0.9995, axis=0) / 63.0
    small = np.clip(np.rint(weights[:-1] / factors), -127, 127).astype(np.int8)
    return {"weights": small, "factors": np.stack([factors, weights[-1]]).astype(np.float32)}


def packed(arrays: dict[str, npt.NDArray[np.generic]]) -> bytes:
    """An npz file without times of day in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (2020, 1, 1, 0, 0, 0)), part.getvalue(), zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()


def main() -> None:
    """Makes the prompts, trains, and writes the two files."""
    parser = argparse.ArgumentParser(description="Train the classifier of task, domain and difficulty.")
    parser.add_argument("--to", type=Path, default=DATA, help="folder that the two files are written to")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    arguments = parser.parse_args()
    prompts = list(Generator(SEED).prompts())
    print(f"{len(prompts)} prompts", flush=True)
    rows, targets = examples(prompts, list(Hints(SEED).made(HINTS)))
    content = packed(rounded(train(rows, targets, arguments.epochs)))
    (arguments.to / "classifier.npz").write_bytes(content)
    (arguments.to / "classifier.sha256").write_text(f"{sha256(content).hexdigest()} {fingerprint()}\n", encoding="utf-8")
    print(f"{len(content)} bytes")


if __name__ == "__main__":
    main()
