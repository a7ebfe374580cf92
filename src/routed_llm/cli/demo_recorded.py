"""The demo on recorded prompts and outcomes of real models, replayed on the loopback interface."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random

from routed_llm.catalog.models import Model
from routed_llm.cli.demo_calls import Report, Task
from routed_llm.cli.demo_contest import Contest, Plan
from routed_llm.providers.sandbox import Sandbox, SandboxServer
from routed_llm.providers.sandbox.outcomes import Outcomes

__all__ = ["recorded_demo"]


def recorded_demo(file: Path, questions: int, seed: int, concurrency: int) -> Report:
    """Routes recorded prompts among the file's models; quality and cost are those recorded of the model that answered.

    Args:
        file: outcomes, a JSON object a line.
        questions: how many prompts at most, drawn by the seed.
        seed: also decides the draws of ``weighted``.
        concurrency: calls at a time.

    Raises:
        ValueError: for a file without outcomes, or without a prompt that all of its models answered.
    """
    sandbox = Sandbox(outcomes=file, seed=seed, speed=0)
    outcomes = sandbox.outcomes
    assert outcomes is not None  # for the type checker: it was given
    prompts = _drawn(outcomes, questions, seed, file)
    tasks = [Task(prompt, _grader(sandbox, prompt)) for prompt in prompts]
    means = _mean_costs(outcomes)
    with SandboxServer(sandbox) as server:
        entries = {name: _entry(name, means[name], server.base_url) for name in sorted(means, key=lambda n: means[n])}
        runs = Contest(sandbox, tasks, seed, concurrency).run_all(_plans(entries))
    notes = (
        f"{len(means)} real models, outcomes recorded in {file.name}: {len(tasks)} of {len(outcomes)} prompts, by seed {seed}.",
        "Quality is the mean recorded quality of the models that answered, cost the sum of their recorded costs.",
        "Before a call the router knows each model's mean recorded cost a request, and nothing of its quality.",
        "Strongest and cheapest are the dearest and the cheapest by that mean.",
    )
    return Report("recorded", seed, tasks, runs, notes, ledger_nanousd=sandbox.ledger.total_nanousd)


def _plans(entries: dict[str, Model]) -> list[Plan]:
    """The ways to choose; those that depend on the calls before run in turn, so that they can be repeated."""
    pool, names = list(entries.values()), list(entries)
    return [
        Plan("auto, one model down half-way", "auto", pool, outage=True),
        Plan("auto", "auto", pool),
        Plan("cheapest", "cheapest", pool),
        Plan("round_robin", "round_robin", pool, in_turn=True),
        Plan("weighted (equal weights)", "weighted", pool, in_turn=True),
        Plan(f"always the strongest ({names[-1]})", "ordered", pool[-1:]),
        Plan(f"always the cheapest ({names[0]})", "ordered", pool[:1]),
    ]


def _drawn(outcomes: Outcomes, questions: int, seed: int, file: Path) -> list[str]:
    """Prompts that all models answered, drawn without replacement, in the order of the file."""
    whole = [p for p in outcomes.prompts if all(outcomes.find(p, name) for name in outcomes.models)]
    if not whole:
        raise ValueError(f"{file}: there is no prompt that all of its models answered.")
    chosen = set(Random(seed).sample(range(len(whole)), min(questions, len(whole))))
    return [prompt for number, prompt in enumerate(whole) if number in chosen]


def _mean_costs(outcomes: Outcomes) -> dict[str, Decimal]:
    """Mean recorded dollars a request, by model."""
    costs: dict[str, list[Decimal]] = {name: [] for name in outcomes.models}
    for prompt in outcomes.prompts:
        for name, found in costs.items():
            outcome = outcomes.find(prompt, name)
            if outcome is not None:
                found.append(outcome.cost_usd)
    return {name: sum(found, Decimal(0)) / len(found) for name, found in costs.items()}


def _entry(name: str, mean: Decimal, base_url: str) -> Model:
    # a colon would be read as the provider's name, so such a model gets one in front
    model = f"vllm:{name}" if ":" in name else name
    return Model(model, name=name, base_url=base_url, api_key="none", price={"input": 0, "output": 0, "request": mean})


def _grader(sandbox: Sandbox, prompt: str) -> Callable[[str, str], float]:
    return lambda text, model: sandbox.quality(prompt, model) or 0.0
