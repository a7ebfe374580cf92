"""From a path, a text or a mapping to a :class:`~routed_llm.config.places.Source`."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from routed_llm.config.places import Source
from routed_llm.config.plain import plain
from routed_llm.config.toml_lines import lines_of
from routed_llm.errors import ConfigurationError
from routed_llm.refusing import nearest

__all__ = ["Config", "DEFAULT_FILE", "VARIABLE", "read", "usual_file"]

#: names the file where nothing else is said, and the file that is then looked for
VARIABLE, DEFAULT_FILE = "ROUTED_LLM_CONFIG", "routed.toml"
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")


#: what a configuration can be given as: a path, a text, a mapping, one that was read; None for the usual file
Config = str | Path | Mapping[str, Any] | Source | None


def read(config: Config = None) -> Source:
    """Read a configuration.

    Args:
        config: path of a file (``.yaml`` and ``.yml`` are YAML, all others TOML), a text in TOML (of several lines, or one
            with a ``=`` that is no file's name), or a mapping. None takes the file that the environment variable
            ``ROUTED_LLM_CONFIG`` names, else ``routed.toml`` in the current directory.

    Raises:
        ConfigurationError: for a file that cannot be read, or is no TOML or YAML.
    """
    if config is None:
        return _of_file(_default())
    if isinstance(config, Source):
        return config
    if isinstance(config, Mapping):
        return _of(config, "configuration", {})
    if isinstance(config, Path):
        return _of_file(config)
    if not isinstance(config, str) or not config.strip():
        raise ConfigurationError(
            f"must be a path, a text in TOML or a mapping, not {'an empty text' if isinstance(config, str) else repr(config)}.",
            path="config",
        )
    if "\n" in config or ("=" in config and not os.path.exists(config)):
        return _of_text(config, "configuration", yaml=False)
    return _of_file(Path(config))


def usual_file() -> Path | None:
    """The file that ``ROUTED_LLM_CONFIG`` names, else ``routed.toml`` in the current directory; None where there is neither."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None


def _default() -> Path:
    found = usual_file()
    if found is None:
        raise ConfigurationError(
            f"no configuration is given, {VARIABLE} is not set, and there is no {DEFAULT_FILE} in {Path.cwd()}: name a file.",
            path="config",
        )
    return found


def _of_file(path: Path) -> Source:
    name = str(path)
    try:
        content = path.expanduser().read_bytes()
    except FileNotFoundError:
        there = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        raise ConfigurationError(f"there is no such file.{nearest(path.name, there)}", path=name) from None
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigurationError(f"cannot be read ({error}): name a file that can.", path=name) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError("is no text in UTF-8: save it as UTF-8.", path=name, line=line) from None
    return _of_text(text, name, yaml=path.suffix.lower() in (".yaml", ".yml"))


def _of_text(text: str, name: str, *, yaml: bool) -> Source:
    try:
        if not yaml:
            return _of(_toml(text), name, lines_of(text))
        from routed_llm.config.yaml_reading import read_yaml  # only those who write YAML pay for it

        data, lines = read_yaml(text)
    except ConfigurationError as error:
        raise Source(name, {}, {}).placed(error) from None
    except RecursionError:
        raise ConfigurationError("is nested too deep: name the parts as [policies.<name>].", path=name) from None
    return _of(data, name, lines)


def _of(data: Any, name: str, lines: Mapping[str, int]) -> Source:
    if not isinstance(data, Mapping):
        raise ConfigurationError("must be a table of settings such as models and strategy: write key: value.", path=name)
    try:
        return Source(name, plain(data), lines)
    except ConfigurationError as error:
        raise Source(name, {}, lines).placed(error) from None


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # a TOMLDecodeError, or of Python for numbers of thousands of digits
        said = str(error)
        found = _AT_LINE.search(said)
        line = int(found[1]) if found else None
        said = _AT_LINE.sub("", said).removesuffix(" (at end of document)")
        raise ConfigurationError(f"is no valid TOML: {said}. {_remedy(said)}", line=line) from None


def _remedy(said: str) -> str:
    """What to do about a text that is no TOML."""
    if "twice" in said or "overwrite" in said or "Cannot" in said:
        return "Write each table and each key once."
    if "Invalid value" in said:
        return "Texts stand in quotes; true and false, numbers and days do not; every bracket is closed."
    if "statement" in said or "Expected '='" in said:
        return "Write key = value, and each on a line of its own."
    if "nclosed" in said or "nterminated" in said or "Expected" in said or "Illegal" in said:
        return "Look for a quote or a bracket that is not closed."
    return "Write key = value, with texts in quotes."
