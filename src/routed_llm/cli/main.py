"""The command ``routed-llm``. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

from typing import Any

import click

from routed_llm import __version__
from routed_llm.cli.ask import ask
from routed_llm.cli.config import config
from routed_llm.cli.demo import demo
from routed_llm.cli.errors import errors
from routed_llm.cli.explain import explain
from routed_llm.cli.health import health
from routed_llm.cli.models import models
from routed_llm.cli.sandbox import sandbox
from routed_llm.errors import CallFailed, RoutedError

__all__ = ["main"]


class _Routed(click.Group):
    """A group whose commands end with one line for each error of ours: code 1 after a failed call, else 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RoutedError as error:
            click.secho(" ".join(str(error).split()), fg="red", err=True)
            ctx.exit(1 if isinstance(error, CallFailed) else 2)


@click.group(cls=_Routed, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="routed-llm")
def main() -> None:
    """Many language models behind one: chooses a model for every call, survives failures, counts exact cost."""


for _command in (demo, ask, explain, models, config, health, sandbox, errors):
    main.add_command(_command)
