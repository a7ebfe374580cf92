"""A configuration as it is in force: every value with where it comes from; of keys only where they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.hiding import is_literal, shown_address
from routed_llm.catalog.models import Model
from routed_llm.catalog.prices import Price
from routed_llm.catalog.snapshot import Catalog
from routed_llm.config.load import Loaded
from routed_llm.config.models import COMMON, where_is
from routed_llm.config.places import below
from routed_llm.config.words import in_words
from routed_llm.money import NANO

__all__ = ["shown"]

#: what is known of a deployment whoever said it: the file, or else the catalog of models
_KNOWN = ("price", "context", "max_output", "abilities", "region", "tags", "private", "weight", "quality", "strengths",
          "knowledge", "factuality", "agreements", "residency", "place", "languages", "traits", "network", "prepaid",
          "latency", "limits")  # fmt: skip
#: what only an entry says
_ENTRY = ("base_url", "api_key", "params", "reasoning", "headers", "proxy", "ca_bundle", "client_cert", "api_version",
          "dialect")  # fmt: skip
_SETTINGS = ("purpose", "seed", "max_price_ratio", "quiet_fallbacks", "strict_params", "relay", "state")


def shown(loaded: Loaded, catalog: Catalog) -> str:
    """The whole, as lines of TOML with where each value comes from behind it."""
    blocks = [list(_settings(loaded)), list(_limits(loaded)), *_models(loaded, catalog), list(_policies(loaded))]
    for section in ("aliases", "providers", "budgets", "resilience", "health_checks", "prices", "tasks", "domains", "features"):
        blocks.append(list(_section(loaded, section)))
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _line(key: str, value: Any, where: str) -> str:
    return f"{below('', key)} = {_toml(value)}  # {where}"


def _place(loaded: Loaded, path: str) -> str:
    line = loaded.source.line_of(path)
    return loaded.source.name if line is None else f"{loaded.source.name}:{line}"


def _settings(loaded: Loaded) -> Iterator[str]:
    document = loaded.document
    routing = document.routing
    said = {*document.model_fields_set, *(routing.model_fields_set if routing else ())}
    if loaded.policy is not None:
        path = "strategy" if "strategy" in document.model_fields_set else "routing.strategy"
        where = _place(loaded, path if "strategy" in said else "rules")
        yield _line("strategy", in_words(loaded.policy), where)
    else:
        yield _line("strategy", "ordered" if loaded.models else "auto", "default")
    for key in _SETTINGS:
        value = loaded.chosen(key)
        if value is not None or key in said:
            path = f"routing.{key}" if routing and key in routing.model_fields_set else key
            yield _line(key, value, _place(loaded, path) if key in said else "default")


def _limits(loaded: Loaded) -> Iterator[str]:
    yield "[limits]"
    said = loaded.document.limits.model_fields_set if loaded.document.limits else ()
    for key, value in loaded.limits._asdict().items():
        if value is not None:
            yield _line(key, value, _place(loaded, f"limits.{key}") if key in said else "default")


def _models(loaded: Loaded, catalog: Catalog) -> Iterator[list[str]]:
    """A block for each deployment."""
    entries = {entry.name or entry.model: (key, entry) for key, entry in loaded.models.items()}
    for deployment in catalog.deployments:
        key, entry = entries.get(deployment.model, ("", Model()))
        block = [f"[{below('models', deployment.id)}]"]
        block.append(_line("model", f"{deployment.provider}:{deployment.served_model}", _place(loaded, where_is(key))))
        block.extend(_of_entry(loaded, key, entry, deployment))
        block.extend(_known(loaded, key, entry, deployment))
        if deployment.account:
            block.append(f"# paid by {deployment.account}" if not _fixed(deployment) else "# paid by a key of its own")
        yield block


def _fixed(deployment: Deployment) -> bool:
    return deployment.account.rpartition("/")[2].isdecimal()


def _part(entry: Model, deployment: Deployment) -> tuple[Model | None, str]:
    """The table of a deployment of several, and its path below the model's."""
    number = deployment.id.rpartition("#")[2]
    if entry.deployments and number.isdecimal() and 0 < int(number) <= len(entry.deployments):
        return entry.deployments[int(number) - 1], f".deployments[{int(number) - 1}]"
    return None, ""


def _origin(loaded: Loaded, key: str, entry: Model, deployment: Deployment, name: str) -> str | None:
    """Where a field of a deployment is said in the file, or None."""
    part, below_it = _part(entry, deployment)
    defaults = {f.name: f for f in fields(Model)}
    told = loaded.document.models.get(key)
    if part is not None and getattr(part, name) != getattr(Model(), name):
        return _place(loaded, f"{where_is(key)}{below_it}.{name}")
    if told is not None and name in told.model_fields_set and name in defaults:
        return _place(loaded, f"{where_is(key)}.{name}")
    if loaded.document.defaults is not None and name in loaded.document.defaults.model_fields_set:
        return _place(loaded, f"defaults.{name}")
    return None


def _of_entry(loaded: Loaded, key: str, entry: Model, deployment: Deployment) -> Iterator[str]:
    part, _ = _part(entry, deployment)
    for name in _ENTRY:
        origin = _origin(loaded, key, entry, deployment, name)
        if origin is None:
            continue
        own = [m for m in (part, entry, loaded.common if name in COMMON else None) if m is not None]
        value = next((getattr(m, name) for m in own if getattr(m, name) not in (None, {}, ())), None)
        yield _line(name, _harmless(name, value), origin)


def _harmless(name: str, value: Any) -> Any:
    """A value without what may be secret."""
    if name == "headers":
        return sorted(value or ())
    if name == "api_key":
        return "withheld" if is_literal(value) else value
    return shown_address(value) if name in ("proxy", "base_url") and isinstance(value, str) else value


def _known(loaded: Loaded, key: str, entry: Model, deployment: Deployment) -> Iterator[str]:
    for name in _KNOWN:
        value = getattr(deployment, name)
        origin = _origin(loaded, key, entry, deployment, name)
        if value in (None, (), {}) and origin is None:
            continue
        standard = (name == "weight" and value == 1.0) or (name == "private" and value is False)
        yield _line(name, _data(value), origin or ("default" if standard else "known of the model"))


def _data(value: Any) -> Any:
    if isinstance(value, Price):
        return {key: rate / NANO for key, rate in value.rates.as_data().items()}
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, (tuple, frozenset)) else value


def _policies(loaded: Loaded) -> Iterator[str]:
    if loaded.policies:
        yield "[policies]"
    for name, policy in loaded.policies.items():
        yield _line(name, in_words(policy), _place(loaded, below("policies", name)))


def _section(loaded: Loaded, section: str) -> Iterator[str]:
    data = loaded.source.data.get(section)
    if data:
        yield f"[{section}]"
        for key, value in data.items():
            yield _line(key, value, _place(loaded, below(section, key)))


def _toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{below('', key)} = {_toml(each)}" for key, each in value.items() if each is not None) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    if isinstance(value, float):
        return f"{value:.15g}" if "." in f"{value:.15g}" or "e" in f"{value:.15g}" else f"{value:.1f}"
    return json.dumps(value, ensure_ascii=False)
