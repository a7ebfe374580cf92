"""Further names of models: an alias means the deployments of a model, or of another alias."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from routed_llm.catalog.deployments import Deployment
from routed_llm.errors import ConfigurationError
from routed_llm.refusing import nearest

__all__ = ["LONGEST_NAME", "check_name", "named_also"]

#: characters of a model's name; the longest today, ARNs of Amazon Bedrock, are below 300
LONGEST_NAME = 1_024


def check_name(name: str, path: str) -> None:
    """Refuse what is no name of a model: it stands in requests, headers of logs, and at some providers in the URL.

    Raises:
        ConfigurationError: for an empty, very long or unprintable name, and for steps up in a path.
    """
    if not name.strip() or len(name) > LONGEST_NAME:
        raise ConfigurationError(f"must be a name of 1 to {LONGEST_NAME:,} characters.", path=path)
    if not name.isprintable():
        raise ConfigurationError(f"holds line breaks or other characters that cannot be seen: {name[:80]!r}.", path=path)
    if ".." in name.replace("\\", "/").split("/"):
        raise ConfigurationError(f"must not step up in a path: {name[:80]!r}.", path=path)


def named_also(deployments: Sequence[Deployment], aliases: Mapping[str, str]) -> Sequence[Deployment]:
    """The same deployments, each with the aliases of its model among its names.

    Args:
        deployments: fresh ones, which nobody else holds.
        aliases: alias -> model or alias.

    Raises:
        ConfigurationError: for an alias that is a model's name already, that names nobody, or that leads back to itself.
    """
    names = sorted({name for deployment in deployments for name in deployment.names})
    for alias, target in aliases.items():
        path = f"aliases.{alias}"
        if not isinstance(alias, str) or not alias or not isinstance(target, str):
            raise ConfigurationError(f"must be a model or an alias, not {target!r}.", path=path)
        check_name(alias, path)
        if alias in names:
            raise ConfigurationError("is the name of a model already: choose another name.", path=path)
        way = [alias]
        while target in aliases and target not in way:
            way.append(target)
            target = aliases[target]
        if target not in names:
            circle = (
                f"leads back to itself ({' -> '.join([*way, target])})"
                if target in way
                else f"names {target!r}, which is no model"
            )
            raise ConfigurationError(f"{circle}: name a model.{nearest(target, names)}", path=path)
        for deployment in deployments:
            if target in deployment.names and alias not in deployment.names:
                deployment.names |= {alias}
    return deployments
