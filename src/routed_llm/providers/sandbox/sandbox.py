"""The sandbox without a network: requests in, replies out."""

from __future__ import annotations

import hmac
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from routed_llm.providers.sandbox.answers import Answered, answer
from routed_llm.providers.sandbox.check_body import check_body, parse_body
from routed_llm.providers.sandbox.check_embeddings import check_embeddings
from routed_llm.providers.sandbox.completion import Completion, make_choice
from routed_llm.providers.sandbox.embedding import DEFAULT_EMBEDDINGS, SandboxEmbedding, vector_of
from routed_llm.providers.sandbox.failures import Failure, FailureMode, Failures, failed_reply, spoil
from routed_llm.providers.sandbox.journal import Journal
from routed_llm.providers.sandbox.ledger import Entry, Ledger, cost_of, nano_of_usd
from routed_llm.providers.sandbox.models import DEFAULT_MODELS, SandboxModel
from routed_llm.providers.sandbox.outcomes import Outcome, Outcomes
from routed_llm.providers.sandbox.prompt import Prompt, read_prompt
from routed_llm.providers.sandbox.replies import Refusal, Reply, event, json_reply, refusal_reply
from routed_llm.providers.sandbox.skill import draw
from routed_llm.providers.sandbox.tokens import PrefixCache, PromptCount, Usage, count_prompt
from routed_llm.providers.sandbox.vectors import embeddings_wire

__all__ = ["Sandbox"]

#: reasoning tokens by ``reasoning_effort``
_EFFORTS = {None: 64, "none": 0, "minimal": 16, "low": 32, "medium": 64, "high": 128, "xhigh": 256, "max": 512}
_FAIL_KEYS = {"model", "status", "times", "code", "retry_after", "mode"}


class Sandbox:
    """Simulated models behind OpenAI's chat completions and embeddings; every answer says that it is simulated.

    Answers are computed by solvers, right or wrong by each model's skill and the seed. Unknown parameters are refused.
    May be used from many threads.

    Args:
        models: the chat models it serves.
        embeddings: the embedding models it serves; none beside recorded outcomes.
        seed: decides every chance; the same seed and prompts give the same answers.
        outcomes: a file of recorded outcomes of real models (JSON lines, also ``.gz``) to replay instead: its models are
            served, and each prompt gets what was recorded.
        speed: divides all waits; 0 or infinity for none.
        api_key: the only key that is let in; None lets everybody in.

    Raises:
        ValueError: for two models of one name, a negative speed, or a file that holds no outcomes.
    """

    def __init__(
        self,
        models: Iterable[SandboxModel] = DEFAULT_MODELS,
        *,
        embeddings: Iterable[SandboxEmbedding] = DEFAULT_EMBEDDINGS,
        seed: int = 0,
        outcomes: str | Path | None = None,
        speed: float = 1.0,
        api_key: str | None = None,
    ) -> None:
        self.outcomes = Outcomes(outcomes) if outcomes is not None else None
        served = [SandboxModel(name) for name in self.outcomes.models] if self.outcomes else list(models)
        self.models: dict[str, SandboxModel] = {model.name: model for model in served}
        embedders = [] if self.outcomes else list(embeddings)
        self.embeddings: dict[str, SandboxEmbedding] = {model.name: model for model in embedders}
        if len({**self.models, **self.embeddings}) != len(served) + len(embedders):
            raise ValueError("two models of one name")
        if not speed >= 0:
            raise ValueError("speed is a positive number, or 0 for no waits at all")
        self.seed = seed
        self.ledger = Ledger()
        self.requests = Journal()
        self._pace = 0.0 if speed == 0 else 1.0 / speed
        self._key = api_key
        self._failures = Failures()
        self._cache = PrefixCache()
        self._count = itertools.count(1)

    def __repr__(self) -> str:
        return f"Sandbox({', '.join(self.models)}; simulated, seed={self.seed})"

    def fail(
        self,
        model: str | None = None,
        status: int = 500,
        times: int | None = None,
        *,
        code: str | None = None,
        retry_after: float | str | None = None,
        mode: FailureMode = "status",
    ) -> None:
        """Makes a model fail from now on.

        Args:
            model: its name; None for all models.
            status: HTTP status, for mode ``status``.
            times: how many calls fail; None for all until :meth:`heal`.
            code: the error's code.
            retry_after: the header of that name, in seconds.
            mode: see :class:`~routed_llm.providers.sandbox.failures.Failure`.

        Raises:
            ValueError: for an unknown model, mode, or status.
        """
        if model is not None and model not in self._all:
            raise ValueError(f"no model {model!r} here; there are {', '.join(self._all)}")
        self._failures.set(model, Failure(mode, status, code, retry_after), times)

    @property
    def _all(self) -> dict[str, SandboxModel | SandboxEmbedding]:
        return {**self.models, **self.embeddings}

    def heal(self, model: str | None = None) -> None:
        """Ends the failures of a model, or of all."""
        self._failures.heal(model)

    def quality(self, prompt: str, model: str) -> float | None:
        """Recorded quality of a model's outcome on a prompt, 0..1; None where nothing was recorded."""
        found = self.outcomes.find(prompt, model) if self.outcomes else None
        return None if found is None else found.quality

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answers one request. Never raises for what is in the request; the caller does the waiting and the sending."""
        route = path.split("?", 1)[0].rstrip("/") or "/"
        try:
            if route.startswith("/sandbox/"):
                return self._control(method, route, body)
            self.requests.note(method, path, headers, body)
            self._admit(headers)
            return self._route(method, route, body)
        except Refusal as refusal:
            return refusal_reply(refusal)
        except RecursionError:
            return refusal_reply(Refusal("The body is nested too deeply."))

    def _admit(self, headers: Mapping[str, str]) -> None:
        if self._key is None:
            return
        given = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._key}".encode()):
            raise Refusal("Incorrect API key provided.", status=401, code="invalid_api_key")

    def _route(self, method: str, route: str, body: bytes) -> Reply:
        if route in ("/v1/chat/completions", "/v1/embeddings"):
            if method != "POST":
                raise Refusal(f"Not allowed to {method} on {route}.", status=405)
            return self._embed(parse_body(body)) if route == "/v1/embeddings" else self._complete(parse_body(body))
        if route == "/v1/models" and method == "GET":
            return json_reply({"object": "list", "simulated": True, "data": [_listed(m) for m in self._all.values()]})
        if route.startswith("/v1/models/") and method == "GET":
            return json_reply(_listed(self._model(route.removeprefix("/v1/models/"))))
        raise Refusal(f"Invalid URL ({method} {route})", status=404)

    def _model(self, name: str) -> SandboxModel | SandboxEmbedding:
        model = self._all.get(name)
        if model is None:
            raise Refusal(
                f"The model '{name}' does not exist or you do not have access to it.", status=404, code="model_not_found"
            )
        return model

    def _control(self, method: str, route: str, body: bytes) -> Reply:
        """The sandbox's own paths: fail, heal, ledger, requests."""
        if (method, route) == ("GET", "/sandbox/ledger"):
            return json_reply(self.ledger.wire())
        if (method, route) == ("GET", "/sandbox/requests"):
            return json_reply(self.requests.wire())
        try:
            given = json.loads(body) if body else {}
            if (method, route) == ("POST", "/sandbox/fail"):
                unknown = set(given) - _FAIL_KEYS
                if unknown:
                    raise ValueError(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(sorted(_FAIL_KEYS))}")
                self.fail(**given)
            elif (method, route) == ("POST", "/sandbox/heal"):
                self.heal(given.get("model"))
            else:
                raise Refusal(f"Invalid URL ({method} {route})", status=404)
        except (ValueError, TypeError, AttributeError) as error:
            raise Refusal(f"The sandbox cannot do that: {error}") from None
        return json_reply({"ok": True, "simulated": True})

    def _complete(self, body: dict[str, Any]) -> Reply:
        model = self._model(body["model"])
        if not isinstance(model, SandboxModel):
            raise Refusal(
                "This is not a chat model and thus not supported in the v1/chat/completions endpoint.",
                status=404,
                param="model",
            )
        failure = self._failures.take(model.name)
        if failure is not None:
            failed = failed_reply(failure)
            if failed is not None:
                return failed
        check_body(body, model)
        reply = self._answer(body, model, failure)
        return reply if failure is None else spoil(reply, failure)

    def _embed(self, body: dict[str, Any]) -> Reply:
        model = self._model(body["model"])
        if not isinstance(model, SandboxEmbedding):
            raise Refusal("You are not allowed to generate embeddings from this model", status=403)
        failure = self._failures.take(model.name)
        failed = failed_reply(failure) if failure is not None else None
        if failed is not None:
            return failed
        counted = check_embeddings(body, model)
        usage = Usage(prompt=sum(tokens for _, tokens in counted), completion=0)
        empty = failure is not None and failure.mode == "empty"
        vectors = [] if empty else [vector_of(model, text, body.get("dimensions")) for text, _ in counted]
        key = f"embd-sim-{draw(self.seed, model.name).getrandbits(32):08x}{next(self._count):06d}"
        if failure is None or empty:
            self.ledger.book(Entry(key, model.name, usage, cost_of(usage, model.price) if model.price else 0))
        wait = model.first * draw(self.seed, key).uniform(0.8, 1.2) * self._pace
        wire = embeddings_wire(model.name, vectors, usage.prompt, body.get("encoding_format"))
        reply = json_reply(wire, wait=wait, headers={"x-request-id": key})
        return reply if failure is None else spoil(reply, failure)

    def _answer(self, body: dict[str, Any], model: SandboxModel, failure: Failure | None) -> Reply:
        count = count_prompt(body)
        asked = body.get("max_completion_tokens") or body.get("max_tokens")
        _fits(count, asked or 0, model)
        prompt = read_prompt(body["messages"])
        key = f"{draw(self.seed, model.name).getrandbits(32):08x}{next(self._count):06d}"
        if self.outcomes is not None:
            completion, entry = self._replayed(self.outcomes, prompt, model, count, key)
        else:
            empty = failure is not None and failure.mode == "empty"
            completion, entry = self._simulated(body, prompt, model, count, key, empty)
        booked = entry if failure is None or failure.mode == "empty" else None
        return self._sent(body, model, completion, booked)

    def _simulated(
        self, body: dict[str, Any], prompt: Prompt, model: SandboxModel, count: PromptCount, key: str, empty: bool
    ) -> tuple[Completion, Entry]:
        shown = model.name.endswith("reasoner")
        effort = body.get("reasoning_effort")
        reasoning = 0 if empty or not (shown or effort) else _EFFORTS[effort]
        budget = (body.get("max_completion_tokens") or body.get("max_tokens") or model.max_output) - reasoning
        thought = f"Simulated reasoning about: {prompt.text[:80]}" if shown and reasoning else None
        choices = []
        for index in range(body.get("n") or 1):
            said = Answered("") if empty else answer(body, prompt, model, self.seed, index)
            choice = make_choice(said, body, f"{key}{index}", budget=max(0, budget), thought=thought)
            choices.append(choice if budget > 0 or empty else replace(choice, text="", calls=(), finish="length"))
        usage = Usage(
            prompt=count.tokens,
            completion=sum(choice.tokens for choice in choices) + reasoning * len(choices),
            cached=self._cache.cached(model.name, count),
            audio=count.audio,
            reasoning=reasoning * len(choices),
        )
        completion = Completion.now(key, model.name, tuple(choices), usage)
        cost = 0 if model.price is None else cost_of(usage, model.price)
        return completion, Entry(completion.id, model.name, usage, cost)

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

    def _sent(self, body: dict[str, Any], model: SandboxModel, completion: Completion, booked: Entry | None) -> Reply:
        spread = draw(self.seed, completion.id).uniform(0.8, 1.2)
        first, each = model.first * spread * self._pace, model.per_token * self._pace
        head = {"x-simulated": "true", "x-request-id": completion.id}
        if not body.get("stream"):
            if booked is not None:
                self.ledger.book(booked)
            wait = first + each * completion.usage["completion_tokens"]
            return json_reply(completion.wire(), wait=wait, headers=head)
        include = bool((body.get("stream_options") or {}).get("include_usage"))
        head["content-type"] = "text/event-stream; charset=utf-8"
        return Reply(200, head, self._events(completion, include, first, each, booked))

    def _events(
        self, completion: Completion, include_usage: bool, first: float, each: float, booked: Entry | None
    ) -> Iterator[tuple[float, bytes]]:
        """The stream's events; the call is booked when its last one is taken."""
        wait = first
        for tokens, value in completion.events(include_usage):
            yield wait + each * tokens, event(value)
            wait = 0.0
        if booked is not None:
            self.ledger.book(booked)
        yield 0.0, event("[DONE]")


def _fits(count: PromptCount, asked: int, model: SandboxModel) -> None:
    if model.context is not None and count.tokens + asked > model.context:
        raise Refusal(
            f"This model's maximum context length is {model.context} tokens. However, your messages resulted in "
            f"{count.tokens} tokens{f' and {asked} were asked for the completion' if asked else ''}. Please reduce the "
            "length of the messages.",
            param="messages",
            code="context_length_exceeded",
        )


def _listed(model: SandboxModel | SandboxEmbedding) -> dict[str, Any]:
    head = {"id": model.name, "object": "model", "created": 1_700_000_000, "owned_by": "sandbox (simulated)", "simulated": True}
    if isinstance(model, SandboxEmbedding):
        return {**head, "context_window": model.context, "dimensions": model.dimensions, "abilities": ["embeddings"]}
    told = {"context_window": model.context, "max_output_tokens": model.max_output}
    return {**head, **told, "abilities": sorted(model.abilities)}
