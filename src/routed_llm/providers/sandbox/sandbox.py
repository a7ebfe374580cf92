"""The sandbox without a network: requests in, replies out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from routed_llm.providers.sandbox.check_body import parse_body
from routed_llm.providers.sandbox.check_embeddings import check_embeddings
from routed_llm.providers.sandbox.completion import Completion
from routed_llm.providers.sandbox.embedding import DEFAULT_EMBEDDINGS, SandboxEmbedding, vector_of
from routed_llm.providers.sandbox.failures import Failure, FailureMode, Failures, failed_reply, spoil
from routed_llm.providers.sandbox.journal import Journal
from routed_llm.providers.sandbox.language import Asked, Language
from routed_llm.providers.sandbox.languages import Languages
from routed_llm.providers.sandbox.ledger import Entry, Ledger, cost_of
from routed_llm.providers.sandbox.models import DEFAULT_MODELS, SandboxModel
from routed_llm.providers.sandbox.replies import Refusal, Reply, json_reply
from routed_llm.providers.sandbox.seals import Seals
from routed_llm.providers.sandbox.simulating import Simulation
from routed_llm.providers.sandbox.skill import draw
from routed_llm.providers.sandbox.tokens import Usage
from routed_llm.providers.sandbox.vectors import embeddings_wire

__all__ = ["Sandbox"]

_FAIL_KEYS = {"model", "status", "times", "code", "retry_after", "mode"}


class Sandbox:
    """Simulated models behind the interfaces of OpenAI, Anthropic and Gemini; every answer says that it is simulated.

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
        trusted: signatures of thinking that count as good, though they were not made here: those of recorded conversations.

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
        trusted: Iterable[str] = (),
    ) -> None:
        self._simulation = Simulation(seed, outcomes)
        self.outcomes = self._simulation.outcomes
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
        self._languages = Languages(Seals(seed, trusted))

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
        route, _, query = path.partition("?")
        route = route.rstrip("/") or "/"
        language = self._languages.of(route)
        try:
            if route.startswith("/sandbox/"):
                return self._control(method, route, body)
            self.requests.note(method, path, headers, body)
            language.admit(headers, dict(parse_qsl(query)), self._key)
            return self._route(method, route, body, language)
        except Refusal as refusal:
            return json_reply(language.refused(refusal), status=refusal.status)
        except RecursionError:
            return json_reply(language.refused(Refusal("The body is nested too deeply.")), status=400)

    def _route(self, method: str, route: str, body: bytes, language: Language) -> Reply:
        if self._languages.answers(route) or route == "/v1/embeddings":
            if method != "POST":
                raise Refusal(f"Not allowed to {method} on {route}.", status=405)
            return self._embed(parse_body(body)) if route == "/v1/embeddings" else self._complete(route, body, language)
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

    def _complete(self, route: str, data: bytes, language: Language) -> Reply:
        named = language.named(route, data)
        model = self._model(named.behind if named.behind in self._all and named.model not in self._all else named.model)
        if not isinstance(model, SandboxModel):
            raise Refusal(
                f"This is not a chat model and thus not supported in the {route.lstrip('/')} endpoint.",
                status=404,
                param="model",
            )
        failure = self._failures.take(model.name)
        if failure is not None:
            failed = failed_reply(failure, language)
            if failed is not None:
                return failed
        if self.outcomes is not None and language is not self._languages.chat:  # no other tells what a call cost
            raise Refusal("Recorded outcomes are replayed through chat completions only.", status=404)
        asked = language.asked(named, model)
        empty = failure is not None and failure.mode == "empty"
        completion, entry = self._simulation.answer(asked, model, language.prefix, empty=empty)
        reply = self._sent(asked, model, completion, entry if failure is None or empty else None, language)
        return reply if failure is None else spoil(reply, failure, language)

    def _embed(self, body: dict[str, Any]) -> Reply:
        language = self._languages.chat
        model = self._model(body["model"])
        if not isinstance(model, SandboxEmbedding):
            raise Refusal("You are not allowed to generate embeddings from this model", status=403)
        failure = self._failures.take(model.name)
        failed = failed_reply(failure, language) if failure is not None else None
        if failed is not None:
            return failed
        counted = check_embeddings(body, model)
        usage = Usage(prompt=sum(tokens for _, tokens in counted), completion=0)
        empty = failure is not None and failure.mode == "empty"
        vectors = [] if empty else [vector_of(model, text, body.get("dimensions")) for text, _ in counted]
        key = f"embd-sim-{self._simulation.new_key(model.name)}"
        if failure is None or empty:
            self.ledger.book(Entry(key, model.name, usage, cost_of(usage, model.price) if model.price else 0))
        wait = model.first * draw(self.seed, key).uniform(0.8, 1.2) * self._pace
        wire = embeddings_wire(model.name, vectors, usage.prompt, body.get("encoding_format"))
        reply = json_reply(wire, wait=wait, headers={"x-request-id": key})
        return reply if failure is None else spoil(reply, failure, language)

    def _sent(
        self, asked: Asked, model: SandboxModel, completion: Completion, booked: Entry | None, language: Language
    ) -> Reply:
        spread = draw(self.seed, completion.id).uniform(0.8, 1.2)
        first, each = model.first * spread * self._pace, model.per_token * self._pace
        head = {"x-simulated": "true", **language.headers(completion)}
        if not asked.stream:
            if booked is not None:
                self.ledger.book(booked)
            wait = first + each * completion.usage.completion
            return json_reply(language.whole(asked, completion), wait=wait, headers=head)
        head["content-type"] = "text/event-stream; charset=utf-8"
        return Reply(200, head, self._events(language.events(asked, completion), first, each, booked))

    def _events(
        self, events: Iterator[tuple[int, bytes]], first: float, each: float, booked: Entry | None
    ) -> Iterator[tuple[float, bytes]]:
        """The stream's events; the call is booked when its last one is taken."""
        wait = first
        tokens, held = next(events)
        for following, data in events:
            yield wait + each * tokens, held
            wait, tokens, held = 0.0, following, data
        if booked is not None:
            self.ledger.book(booked)
        yield wait + each * tokens, held


def _listed(model: SandboxModel | SandboxEmbedding) -> dict[str, Any]:
    head = {"id": model.name, "object": "model", "created": 1_700_000_000, "owned_by": "sandbox (simulated)", "simulated": True}
    if isinstance(model, SandboxEmbedding):
        return {**head, "context_window": model.context, "dimensions": model.dimensions, "abilities": ["embeddings"]}
    told = {"context_window": model.context, "max_output_tokens": model.max_output}
    return {**head, **told, "abilities": sorted(model.abilities)}
