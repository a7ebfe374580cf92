"""Options that several commands have: which models, which strategy."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from routed_llm.langchain.chat_model import RoutedChatModel

__all__ = ["chat_model", "pool_options", "read_prompt"]

F = TypeVar("F", bound=Callable[..., Any])


def pool_options(command: F) -> F:
    """Adds ``--models`` and ``--strategy`` to a command."""
    models = click.option(
        "--models", "-m", metavar="A,B,...", help="Models, such as openai:gpt-5-mini; 'sandbox' needs no key. By default: "
        "a few of each provider whose key is in the environment.",
    )  # fmt: skip
    strategy = click.option("--strategy", "-s", default="auto", show_default=True, help="How to choose among them.")
    return models(strategy(command))


def chat_model(models: str | None, strategy: str) -> RoutedChatModel:
    """The model of the two options.

    Args:
        models: names with commas between; None for what the environment has keys for.
        strategy: name of a strategy.

    Raises:
        ConfigurationError: for what cannot be meant, and where no model is found.
    """
    from routed_llm.langchain.chat_model import RoutedChatModel

    names = None if models is None else [name.strip() for name in models.split(",") if name.strip()]
    with warnings.catch_warnings():
        warnings.showwarning = _one_line
        return RoutedChatModel(names, strategy)


def read_prompt(prompt: str) -> str:
    """The prompt; ``-`` reads it from the standard input.

    Raises:
        click.UsageError: for an empty prompt.
    """
    text = sys.stdin.read() if prompt == "-" else prompt
    if not text.strip():
        raise click.UsageError("the prompt is empty.")
    return text


def _one_line(message: Warning | str, *where: Any, **more: Any) -> None:
    """A warning without the line of code it came from."""
    click.secho(str(message), fg="yellow", err=True)
