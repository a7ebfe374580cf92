"""Everything that is wrong with a file, as far as it can be found without calling anybody."""

from __future__ import annotations

from typing import NamedTuple

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.naming import named_also
from routed_llm.catalog.snapshot import Catalog
from routed_llm.config.load import Loaded, examine, told_at_its_place
from routed_llm.config.models import where_is
from routed_llm.config.reading import Config, read
from routed_llm.errors import ConfigurationError
from routed_llm.policy.branches import leaves_of

__all__ = ["Report", "check"]


class Report(NamedTuple):
    """What was found.

    ``name`` is what errors call the file, ``problems`` are in the order of the file; ``loaded`` and ``catalog`` are None
    where they cannot be made.
    """

    name: str
    problems: list[ConfigurationError]
    loaded: Loaded | None = None
    catalog: Catalog | None = None


def check(config: Config = None) -> Report:
    """Read a configuration, and find every mistake that can be found by itself. Nothing is raised, nobody is called."""
    try:
        source = read(config)
    except ConfigurationError as error:
        return Report(str(config or "configuration"), [error])
    loaded, problems = examine(source)
    catalog = None
    if loaded is not None and loaded.models:
        catalog = _catalog(loaded, problems)
        if catalog is not None:
            problems.extend(_names(loaded, catalog))
    unique = {(problem.path, problem.problem): problem for problem in problems}
    return Report(source.name, sorted(unique.values(), key=lambda problem: problem.line or 0), loaded, catalog)


def _catalog(loaded: Loaded, problems: list[ConfigurationError]) -> Catalog | None:
    """All deployments; each model is looked at by itself."""
    from routed_llm.providers.own_rows import providers_with
    from routed_llm.providers.resolve import resolve

    found: list[Deployment] = []
    told = {problem.path for problem in problems}
    whole, providers = True, providers_with(loaded.providers)
    for key, entry in loaded.models.items():
        try:
            found.extend(resolve([entry], loaded.common, loaded.purpose, providers))
        except ConfigurationError as error:
            whole = False
            path = where_is(key) + (error.path or "").removeprefix("models[0]")
            placed = loaded.source.placed(type(error)(error.problem, path=path))
            if placed.path not in told:
                problems.append(placed)
    if not whole or problems:
        return None
    try:
        with told_at_its_place(loaded):
            found = resolve(loaded.pool, loaded.common, loaded.purpose, providers)
            return Catalog(named_also(found, loaded.document.aliases))
    except ConfigurationError as error:
        problems.append(error)
        return None


def _names(loaded: Loaded, catalog: Catalog) -> list[ConfigurationError]:
    """Names of models in policies and budgets that mean nobody."""
    problems: list[ConfigurationError] = []
    policies = [*loaded.policies.values(), *([loaded.policy] if loaded.policy is not None else [])]
    for leaf in [leaf for policy in policies for leaf in leaves_of(policy)]:
        for name in leaf.named:
            try:
                with told_at_its_place(loaded):
                    catalog.check_policy(leaf.name, [name])
            except ConfigurationError as error:
                problems.append(error)
    for budget in loaded.budgets:
        try:
            with told_at_its_place(loaded):
                catalog.check_budget(budget.name, budget.models)
        except ConfigurationError as error:
            problems.append(error)
    return problems
