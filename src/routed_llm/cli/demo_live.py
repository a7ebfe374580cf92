"""The demo on real models, within a limit of money."""

from __future__ import annotations

from collections.abc import Sequence

from routed_llm.catalog.deployments import Deployment
from routed_llm.cli.demo_calls import Report, Run, Task
from routed_llm.cli.demo_chain import ask_all
from routed_llm.cli.demo_progress import progress
from routed_llm.cli.demo_simulated import task_of
from routed_llm.cli.show import usd
from routed_llm.decisions import Decision
from routed_llm.langchain.chat_model import RoutedChatModel
from routed_llm.money import NANO
from routed_llm.providers.sandbox import generate
from routed_llm.telemetry.spend import Spend

__all__ = ["live_demo"]

#: longest answer in tokens: room for some reasoning; the questions want a line
_MOST_TOKENS = 1_024


def live_demo(questions: int, seed: int, limit_usd: float) -> Report:
    """Asks the models whose keys the environment has, or a local Ollama, one call after the other.

    Before each call the most that it can cost (prompt, and an answer of full length) is set against what is left. Models
    that would pass the limit are left out of the call, also as fallbacks, and so are those whose price is unknown, unless
    they run on this machine. When nobody is left, it stops.

    Raises:
        NoModels: when there is neither a key nor a local model.
    """
    model = RoutedChatModel(quiet_fallbacks=True, routing_seed=seed, max_retries=0, max_tokens=_MOST_TOKENS, timeout=60)
    tasks = [task_of(question) for question in generate(questions, seed)]
    run = Run("auto", "auto", tuple(model.router.catalog.models))
    limit = int(limit_usd * NANO)
    with model.router.track() as spend:
        stopped = _asked(model, run, tasks, spend, limit)
    run.spent_nanousd = spend.total_nanousd
    notes = (
        f"Real models: {', '.join(run.models)}.",
        f"Every figure is measured in this run; the limit is {usd(limit)}.",
        *_unpriced(model.router.catalog.deployments),
    )
    after = (*stopped, f"Spent {usd(run.spent_nanousd)} of {usd(limit)}.")
    return Report("live", seed, tasks[: len(run.calls)], [run], notes, after)


def _asked(model: RoutedChatModel, run: Run, tasks: Sequence[Task], spend: Spend, limit: int) -> list[str]:
    """One task after the other, until all are done, the limit is near, or the user interrupts; why it stopped early."""
    deployments = model.router.catalog.deployments
    with progress(len(tasks)) as bar:
        bar.says("auto, real models")
        for number, task in enumerate(tasks):
            out = _left_out(model.explain(task.prompt), deployments, limit - spend.total_nanousd)
            if len(out) == len(deployments):
                return [f"Stopped after {number} of {len(tasks)} questions: another call could pass the limit."]
            try:
                run.calls += ask_all(model, [(number, task)], 1, bar.tick, {"exclude": out} if out else None)
            except KeyboardInterrupt:
                return [f"Interrupted after {number} of {len(tasks)} questions."]
    return []


def _free(deployment: Deployment) -> bool:
    """Whether it runs on this machine and has no price."""
    return deployment.price is None and deployment.private


def _left_out(decision: Decision, deployments: Sequence[Deployment], left: int) -> list[str]:
    """Ids of those that may not be called: in the decision's order, each is set against what those before it may cost."""
    out = []
    order = [*decision.order, *(d for d in deployments if d not in decision.order)]
    for deployment in order:
        most = 0 if _free(deployment) else _most(deployment, decision.ask.input_tokens)
        if most is None or most > left:
            out.append(deployment.id)
        else:
            left -= most
    return out


def _most(deployment: Deployment, input_tokens: int) -> int | None:
    """The most that a call can cost; the prompt is counted double, since its length is an estimate."""
    return None if deployment.price is None else deployment.price.estimate(2 * input_tokens + 50, _MOST_TOKENS)


def _unpriced(deployments: Sequence[Deployment]) -> list[str]:
    names = [d.model for d in deployments if d.price is None and not d.private]
    local = [d.model for d in deployments if _free(d)]
    notes = [f"Not called, since their price is unknown: {', '.join(names)}."] if names else []
    return [*notes, *([f"On this machine, without a price: {', '.join(local)}."] if local else [])]
