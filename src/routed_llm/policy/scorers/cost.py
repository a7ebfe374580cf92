"""Expected cost of this call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routed_llm.errors import ConfigurationError
from routed_llm.policy.later import LaterValues, Pool
from routed_llm.policy.lengths import lengths_of
from routed_llm.policy.rates import Contenders, RateTable, expected_cost, never_changing, table_for
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.policy.vectors import Values, home_of, index_in, is_large, place_of
from routed_llm.prompt.estimate import MEDIA_TOKENS
from routed_llm.requests import Ask

__all__ = ["ExpectedCost", "expected_cost"]

#: tokens of answers whose length a feature or the caller told in a word
LENGTHS = {"short": 60, "medium": 300, "long": 1_200}
#: seconds after which a cached prefix begins to be dropped, and after which none is left: Anthropic keeps it for 5 minutes
#: after its last use, OpenAI for 5 to 10 (their guides to prompt caching)
FRESH, GONE = 300.0, 600.0


_INFINITE = float("inf")


class ExpectedCost:
    """Nano-dollars that the call is expected to cost; an unknown price is never the cheapest.

    Tokens of the prompt at the input price and tokens of the answer at the output price, by the price's tiers and times of
    day, with prices for a request, for images and for audio in the prompt. Calls within a capacity that is paid for already
    cost nothing.

    Args:
        learn: use how long an answer the wording asks for, and what was measured at each deployment: how many tokens it
            really counts in a prompt, and how long its answers are beside those of the others; and that the one that
            answered a conversation last has its transcript in its cache.
    """

    name = "cost"
    unit = "nano-USD"
    lower_is_better = True

    def __init__(self, learn: bool = True) -> None:
        if not isinstance(learn, bool):
            raise ConfigurationError(f"must be true or false, not {learn!r}.", path="learn")
        self.learn = learn
        #: facts for which features run
        self.reads = ("answer_tokens",) if learn else ()

    def values(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[float | None]:
        """Expected cost of each candidate."""
        facts, measured = ask.facts, self.learn and live.knows("usage")
        told = _told_length(ask) if "answer_tokens" in facts or "answer_length" in facts else None
        if not measured and told is None and type(candidates) is Pool and (ask.session is None or not self.learn):
            contenders = candidates.notes.get("contenders")  # those of a pool whose prices never change
            if contenders is None:
                contenders = _static(ask, candidates)
            if contenders is not None:
                lowest = contenders.lowest(ask.input_tokens, ask.output_tokens)
                if lowest is not None:
                    return LaterValues(lowest, candidates, expected_cost, ask)
                return [expected_cost(d, ask) for d in candidates]
        costs = self._costs(ask, candidates, live, told, measured)
        if is_large(candidates):
            return Values(costs)
        total = sum(costs)
        return costs if total == total else [None if cost != cost else cost for cost in costs]

    def _costs(self, ask: Ask, candidates: Candidates, live: Live, told: float | None, measured: bool) -> Any:
        pool, indexes = (candidates, None) if type(candidates) is Pool else home_of(candidates)
        table = table_for(pool, ask)
        answer, limit = float(ask.output_tokens if told is None else told), _INFINITE
        if ask.max_tokens is not None:
            limit = float(ask.max_tokens)
            answer = min(answer, limit)
        ratios, lengths = None, (None, answer)
        if measured and answer:  # how each counts prompts, and how long its answers are
            ratios = live.column("ratio", candidates)
            usual = live.usual
            if usual == usual:
                lengths = lengths_of(candidates, live, told, usual)
        work_out = _many if table.large else _few
        costs: Any = work_out(float(ask.input_tokens), lengths, limit, table.of(candidates, indexes), ratios)
        if table.media and (pieces := _pieces(ask)):
            for count, column in zip(pieces, (table.image, table.audio), strict=True):
                extra = column if indexes is None else candidates.taken(column)  # type: ignore[attr-defined]  # a part
                costs = costs + count * extra if table.large else [c + count * e for c, e in zip(costs, extra, strict=True)]
        if self.learn and ask.session is not None:
            _less_cached(costs, ask, table, candidates, live)
        if table.prepaid is not None:
            _free(costs, ask.input_tokens + answer, table.prepaid, indexes, (candidates, live, ask.now))
        return costs


def _static(ask: Ask, pool: Pool) -> Contenders | None:
    """Who can be the cheapest, where nothing but prices decides; None where paid capacity or media do, too."""
    table = table_for(pool, ask)
    if table.prepaid is not None:
        return None
    if table.media:
        return None if _pieces(ask) else table.contenders
    if never_changing(pool):
        pool.notes["contenders"] = table.contenders
    return table.contenders


def _few(tokens: float, lengths: tuple[Any, float], limit: float, rates: Any, ratios: Any) -> list[float]:
    """Costs in plain Python. A prompt's tokens times the deployment's own ratio, and its own length of answers."""
    a, b, r = rates
    outputs, answer = lengths
    if not answer:  # embeddings: a price of answers is not needed
        costs = [tokens * x for x in a]
    elif ratios is None:
        costs = [tokens * x + answer * y for x, y in zip(a, b, strict=True)]
    elif outputs is None:
        costs = [tokens * k * x + answer * y for x, y, k in zip(a, b, ratios, strict=True)]
    else:
        if answer != 1.0:
            outputs = [answer * o for o in outputs]
        if limit < _INFINITE:
            outputs = [o if o < limit else limit for o in outputs]
        costs = [tokens * k * x + o * y for x, y, k, o in zip(a, b, ratios, outputs)]  # noqa: B905  # columns of one pool
    return costs if r is None else [cost + z for cost, z in zip(costs, r, strict=True)]


def _many(tokens: float, lengths: tuple[Any, float], limit: float, rates: Any, ratios: Any) -> Any:
    """The same costs, as an array."""
    a, b, r = rates
    outputs, answer = lengths
    costs = tokens * a if ratios is None or not answer else tokens * ratios * a
    if outputs is None:
        if answer:
            costs += answer * b
    else:
        if answer != 1.0:
            outputs = answer * outputs
        if limit < _INFINITE:
            import numpy as np

            outputs = np.minimum(outputs, limit)
        costs += outputs * b
    if r is not None:
        costs += r
    return costs


def _told_length(ask: Ask) -> int | None:
    """Tokens of the answer, where a feature or the caller told them."""
    facts = ask.facts
    if not ask.output_tokens:  # embeddings have no answer
        return None
    if "answer_tokens" in facts:
        tokens = facts["answer_tokens"]
        if isinstance(tokens, (int, float)) and tokens > 0:
            return int(tokens)
    return LENGTHS.get(facts["answer_length"]) if "answer_length" in facts else None


def _pieces(ask: Ask) -> tuple[int, int] | None:
    """Images and tokens of audio in the prompt, one piece where nobody counted them; None where there are none."""
    needs = ask.requires.needs
    if not needs:
        return None
    images = _count(ask, "images") if "images" in needs or "image_urls" in needs else 0
    sounds = _count(ask, "audio") if "audio" in needs else 0
    return (images, sounds * MEDIA_TOKENS["audio"]) if images or sounds else None


def _count(ask: Ask, kind: str) -> int:
    count = ask.facts.get(kind)
    return count if isinstance(count, int) and count > 0 else 1


def _less_cached(costs: Any, ask: Ask, table: RateTable, candidates: Candidates, live: Live) -> None:
    """Take off what the deployment that answered this conversation last reads from its cache."""
    home = live.session(ask.session_key or "")
    place = None if home is None else place_of(candidates, home.last or home.deployment)
    if home is None or place is None:
        return
    index = home_of(candidates)[0].index_of[home.last or home.deployment]
    left = min(1.0, max(0.0, (GONE - (ask.now - home.at)) / (GONE - FRESH)))
    costs[place] -= min(home.tokens, ask.input_tokens) * left * (table.input[index] - table.cache[index])


def _free(
    costs: Any, tokens: float, prepaid: Sequence[tuple[int, float]], indexes: Any, where: tuple[Candidates, Live, float]
) -> None:
    """Calls that fit what is left of a paid capacity in this minute cost nothing, whatever the price."""
    candidates, live, now = where
    minutes, used = live.column("minute", candidates), live.column("minute_tokens", candidates)
    for index, capacity in prepaid:
        place = index if indexes is None else index_in(indexes, index)
        if place is None:
            continue
        spent = used[place] if minutes[place] == now // 60 else 0.0
        if spent + tokens <= capacity:
            costs[place] = 0.0
