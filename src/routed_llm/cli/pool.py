"""Options that several commands have: which models, which strategy, or which file says both."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from routed_llm.langchain.chat_model import RoutedChatModel

__all__ = ["chat_model", "one_line", "pool_options", "read_prompt"]

F = TypeVar("F", bound=Callable[..., Any])


def pool_options(command: F) -> F:
    """Adds ``--models``, ``--strategy`` and ``--config`` to a command."""
    models = click.option(
        "--models", "-m", metavar="A,B,...", help="Models, such as openai:gpt-5.4-mini; 'sandbox' needs no key. By default: "
        "those of the configuration file, else a few of each provider whose key is in the environment.",
    )  # fmt: skip
    strategy = click.option("--strategy", "-s", help="How to choose among them; by default auto.")
    file = click.option(
        "--config", "-c", type=click.Path(), help="A configuration file, instead of models and strategy. "
        "By default the one that ROUTED_LLM_CONFIG names, else routed.toml, where there is one.",
    )  # fmt: skip
    return models(strategy(file(command)))


def chat_model(models: str | None, strategy: str | None, config: str | None = None) -> RoutedChatModel:
    """The model of the three options.

    Args:
        models: names with commas between; None for what the environment has keys for.
        strategy: name of a strategy; None for ``auto``.
        config: a configuration file, instead of the two. Without any of the three, the usual one, where there is one.

    Raises:
        ConfigurationError: for what cannot be meant, and where no model is found.
        click.UsageError: for a file beside one of the others.
    """
    if config is not None and (models or strategy):
        raise click.UsageError("--config says models and strategy: leave --models and --strategy out.")
    from routed_llm.config.reading import usual_file
    from routed_llm.langchain.chat_model import RoutedChatModel

    file = None if config is None else Path(config)
    if file is None and models is None and strategy is None:
        file = usual_file()
    names = None if models is None else [name.strip() for name in models.split(",") if name.strip()]
    with warnings.catch_warnings():
        warnings.showwarning = one_line
        if file is not None:
            return RoutedChatModel.from_config(file)
        return RoutedChatModel(names, strategy or "auto")


def read_prompt(prompt: str) -> str:
    """The prompt; ``-`` reads it from the standard input.

    Raises:
        click.UsageError: for an empty prompt.
    """
    text = sys.stdin.read() if prompt == "-" else prompt
    if not text.strip():
        raise click.UsageError("the prompt is empty.")
    return text


def one_line(message: Warning | str, *where: Any, **more: Any) -> None:
    """A warning without the line of code it came from."""
    click.secho(str(message), fg="yellow", err=True)
