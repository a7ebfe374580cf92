"""Answers of the simulated models, whatever the language they are asked in."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

from routed_llm.providers.sandbox.answers import Answered, answer
from routed_llm.providers.sandbox.completion import Completion, make_choice
from routed_llm.providers.sandbox.language import Asked
from routed_llm.providers.sandbox.ledger import Entry, cost_of, nano_of_usd
from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.outcomes import Outcome, Outcomes
from routed_llm.providers.sandbox.prompt import Prompt, read_prompt
from routed_llm.providers.sandbox.replies import Refusal
from routed_llm.providers.sandbox.skill import draw
from routed_llm.providers.sandbox.tokens import PrefixCache, PromptCount, Usage, count_prompt

__all__ = ["Simulation"]


class Simulation:
    """Computes answers, or replays recorded ones. May be used from many threads.

    Args:
        seed: decides every chance.
        outcomes: a file of recorded outcomes; None to compute answers.
    """

    def __init__(self, seed: int, outcomes: str | Path | None) -> None:
        self.seed = seed
        self.outcomes = Outcomes(outcomes) if outcomes is not None else None
        self._cache = PrefixCache()
        self._count = itertools.count(1)

    def new_key(self, model: str) -> str:
        """What makes the ids of an answer."""
        return f"{draw(self.seed, model).getrandbits(32):08x}{next(self._count):06d}"

    def answer(self, asked: Asked, model: SandboxModel, prefix: str, *, empty: bool = False) -> tuple[Completion, Entry]:
        """The answer to a checked request, and what is booked for it.

        Args:
            asked: the request.
            model: who answers.
            prefix: what the answer's id begins with.
            empty: whether nothing is said.

        Raises:
            Refusal: for a prompt that is too long, and for one of which nothing was recorded.
        """
        body = asked.body
        count = count_prompt(body)
        _fits(count, body.get("max_completion_tokens") or body.get("max_tokens") or 0, model)
        prompt = read_prompt(body["messages"])
        key = self.new_key(model.name)
        if self.outcomes is not None:
            return self._replayed(self.outcomes, prompt, model, count, prefix + key)
        return self._simulated(asked, prompt, model, count, key, prefix, empty)

    def _simulated(
        self, asked: Asked, prompt: Prompt, model: SandboxModel, count: PromptCount, key: str, prefix: str, empty: bool
    ) -> tuple[Completion, Entry]:
        body = asked.body
        reasoning = 0 if empty else asked.reasoning
        budget = (body.get("max_completion_tokens") or body.get("max_tokens") or model.max_output) - reasoning
        thought = f"Simulated reasoning about: {prompt.text[:80]}" if asked.shown and reasoning else None
        choices = []
        for index in range(body.get("n") or 1):
            said = Answered("") if empty else answer(body, prompt, model, self.seed, index)
            choice = make_choice(said, body, f"{key}{index}", budget=max(0, budget), thought=thought)
            choices.append(choice if budget > 0 or empty else replace(choice, text="", calls=(), finish="length"))
        read, written = self._cached(asked, model, count)
        usage = Usage(
            prompt=count.tokens,
            completion=sum(choice.tokens for choice in choices) + reasoning * len(choices),
            cached=read,
            audio=count.audio,
            reasoning=reasoning * len(choices),
            written=written,
            written_long=written if asked.cached_long else 0,
        )
        completion = Completion.now(prefix + key, model.name, tuple(choices), usage)
        cost = 0 if model.price is None else cost_of(usage, model.price)
        return completion, Entry(completion.id, model.name, usage, cost)

    def _cached(self, asked: Asked, model: SandboxModel, count: PromptCount) -> tuple[int, int]:
        """Tokens read from the cache, and tokens written to it."""
        until = asked.cached_until
        if until is None:
            return self._cache.cached(model.name, count), 0
        if until < 0:
            return 0, 0
        covered = count_prompt({**asked.body, "messages": asked.body["messages"][:until]})
        return self._cache.marked(model.name, count, covered.tokens)

    def _replayed(
        self, outcomes: Outcomes, prompt: Prompt, model: SandboxModel, count: PromptCount, key: str
    ) -> tuple[Completion, Entry]:
        found: Outcome | None = outcomes.find(prompt.text, model.name)
        if found is None:
            raise Refusal(
                f"Nothing was recorded of '{model.name}' for this prompt (the last user message).",
                status=404,
                param="messages",
                code="unknown_prompt",
            )
        usage = Usage(prompt=count.tokens, completion=found.output_tokens)
        choice = replace(make_choice(Answered(found.text), {}, key, budget=10**9, thought=None), tokens=usage.completion)
        completion = Completion.now(key, model.name, (choice,), usage, found.cost_usd)
        return completion, Entry(completion.id, model.name, usage, nano_of_usd(found.cost_usd))


def _fits(count: PromptCount, asked: int, model: SandboxModel) -> None:
    if model.context is not None and count.tokens + asked > model.context:
        raise Refusal(
            f"This model's maximum context length is {model.context} tokens. However, your messages resulted in "
            f"{count.tokens} tokens{f' and {asked} were asked for the completion' if asked else ''}. Please reduce the "
            "length of the messages.",
            param="messages",
            code="context_length_exceeded",
            counts=(count.tokens + asked, model.context),
        )
