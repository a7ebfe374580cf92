"""Routers that ask a small model what each call is, over one served sandbox: the small one wrapped in every way there is."""

from dataclasses import replace

from langchain_openai import ChatOpenAI
from li_models import WireLLM

from routed_llm import Budget, Policy, Router
from routed_llm.policy.features.asked import AskModel
from routed_llm.policy.scorers.by_fact import ByFact
from routed_llm.policy.selectors.best import Best
from routed_llm.testing import DEFAULT_MODELS, sandbox_entries

__all__ = ["ALIAS", "KINDS", "LARGE", "MEDIUM", "SMALL", "check", "entries_of", "own_policy", "own_router", "read", "sums"]

KINDS = ("own", "langchain", "llama_index")
SMALL, MEDIUM, LARGE = "sandbox-small", "sandbox-medium", "sandbox-large"
ALIAS = {name: f"sandbox:{name}" for name in (SMALL, MEDIUM, LARGE)}
ENOUGH = Budget(usd=1_000, name="enough")


def entries_of(server):
    """The served models by name, with their prices."""
    return {entry.model: entry for entry in sandbox_entries(DEFAULT_MODELS, server.base_url)}


def _wrapped_in(kind, entry, server):
    """The entry, or a framework's object over the same model with the price that a user would state."""
    if kind == "langchain":
        # keeps no connection, because it would outlive its event loop
        theirs = ChatOpenAI(
            model=entry.model, base_url=server.base_url, api_key="none", default_headers={"Connection": "close"}
        )
    elif kind == "llama_index":
        theirs = WireLLM(model=entry.model, api_base=server.base_url)
    else:
        return entry
    return replace(entry, model=theirs, base_url=None, api_key=None)


class NotForAnswers:
    """The small model answers nobody: it is only asked."""

    name, static = "not_for_answers", True

    def reject(self, ask, candidates, live):
        return {d.id: "is only asked" for d in candidates if d.model == ALIAS[SMALL]}


def own_policy():
    """Reads the task, so that somebody must find it out."""
    scorers = {ByFact("task", {"chat": ALIAS[LARGE]}): 1.0}
    return Policy("mine", filters=[NotForAnswers()], scorers=scorers, selector=Best("named for it"))


def own_router(server, kind="own", feature=None, **settings):
    """Two models that answer, and a small one that is asked about each call."""
    entries = entries_of(server)
    small = _wrapped_in(kind, entries[SMALL], server)
    models = [entries[MEDIUM], entries[LARGE], replace(small, name=ALIAS[SMALL])]
    server.sandbox.heal()
    server.sandbox.requests.clear()
    server.sandbox.ledger.clear()
    feature = feature or AskModel(ALIAS[SMALL], facts=["task"], seconds=20)
    settings = {"budgets": [ENOUGH], **settings}
    return Router(models, own_policy(), features=[feature], quiet_fallbacks=True, **settings)


def sums(entries):
    entries = list(entries)
    return {
        "nanousd": sum(entry.cost_nanousd for entry in entries),
        "input_tokens": sum(entry.usage.prompt for entry in entries),
        "output_tokens": sum(entry.usage.completion for entry in entries),
        "cache_read": sum(entry.usage.cached for entry in entries),
    }


def read(book, names):
    return {name: getattr(book, name) for name in names}


def check(server, router, books, calls, *, failed=0, refused=0):
    """Every book against the ledger, in all and by model; the small model's part is known and is no call."""
    ledger = list(server.sandbox.ledger)
    total, small = sums(ledger), sums(entry for entry in ledger if entry.model == SMALL)
    assert small["nanousd"] > 0
    for book in books:
        assert read(book.total, total) == total
        assert read(book.by_model[ALIAS[SMALL]], small) == small
        assert book.by_model[ALIAS[SMALL]].calls == 0
        for model in {entry.model for entry in ledger}:
            part = sums(entry for entry in ledger if entry.model == model)
            assert read(book.by_model[ALIAS[model]], part) == part
        assert (book.calls, book.failed_calls, book.unknown_cost_calls) == (calls, failed, 0)
    records = router.records(1000)
    assert sum(record.cost_nanousd for record in records) == total["nanousd"]
    assert sum(own.cost_nanousd for record in records for own in record.own_calls) == small["nanousd"]
    assert sum(own["cost_nanousd"] for record in records for own in record.as_dict()["own_calls"]) == small["nanousd"]
    (standing,) = router.budgets()
    tokens = total["input_tokens"] + total["output_tokens"]
    assert standing.spent == (total["nanousd"], tokens, len(ledger) + refused)
    assert standing.held == (0, 0, 0)
