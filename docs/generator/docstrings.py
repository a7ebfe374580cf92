"""A docstring (reStructuredText with Google's sections) as Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable

__all__ = ["arguments", "first_sentence", "markdown", "named_parts"]

_ROLE = re.compile(r":(?:py:)?(?:class|func|meth|mod|data|attr|exc|obj):`(~?)([^`]+)`")
_SECTION = re.compile(r"^(Args|Raises|Returns|Yields|Attributes|Example|Examples):$")
_TITLES = {"Args": "Arguments", "Raises": "Raises", "Returns": "Gives", "Yields": "Gives", "Attributes": "Attributes"}
_ITEM = re.compile(r"^(\*{0,2}[\w.,/* ]+?): (.*)$")


def _inline(text: str, targets: Iterable[str]) -> str:
    """Roles as links where they lead to something on these pages, else as code; double backticks as single ones."""

    def link(found: re.Match[str]) -> str:
        short, name = found[1], found[2]
        shown = name.rpartition(".")[2] if short else name
        at = name if name in targets else next((t for t in targets if t.endswith(f".{name}")), None)
        if name.rpartition(".")[2].isupper():
            at = None  # constants stay code
        return f"[`{shown}`](#{at})" if at else f"`{shown}`"

    return re.sub(r"``([^`]+)``", r"`\1`", _ROLE.sub(link, text))


def _linked(name: str, targets: Iterable[str]) -> str:
    """A name as code, and as a link where it is a class of these pages."""
    at = next((t for t in targets if t.endswith(f".{name}")), None) if name[:1].isupper() else None
    return f"[`{name}`](#{at})" if at else f"`{name}`"


def _items(lines: list[str], targets: Iterable[str]) -> list[str]:
    """``name: text`` lines, continued by indented ones, as a list."""
    told: list[str] = []
    for line in inspect.cleandoc("\n".join(lines)).splitlines():
        found = _ITEM.match(line) if not line.startswith(" ") else None
        if found:
            names = ", ".join(_linked(name.strip(), targets) for name in found[1].split(","))
            told.append(f"- {names}: {_inline(found[2], targets)}")
        elif line.strip():
            told.append(f"  {_inline(line.strip(), targets)}")
    return told


def _plain(lines: list[str], targets: Iterable[str]) -> list[str]:
    """Paragraphs; what follows a ``::`` is kept as it is."""
    told: list[str] = []
    verbatim = False
    for line in lines:
        if line.strip() in ("::", ".. code-block:: text"):
            verbatim = True
            told.append("```text")
        elif verbatim and line and not line.startswith(" "):
            verbatim = False
            while told[-1] == "":
                told.pop()
            told += ["```", "", _inline(line, targets)]
        elif verbatim:
            if line or told[-1] != "```text":
                told.append(line[4:])
        else:
            told.append(_inline(line, targets))
    return [*told, "```"] if verbatim else told


def markdown(docstring: str, targets: Iterable[str] = ()) -> str:
    """The docstring as Markdown.

    Args:
        docstring: as it stands in the source.
        targets: full names that have a place on the API pages, for links.
    """
    sections: list[tuple[str | None, list[str]]] = [(None, [])]
    for line in inspect.cleandoc(docstring).splitlines():
        if _SECTION.match(line):
            sections.append((line[:-1], []))
        elif line and not line.startswith(" ") and sections[-1][0] is not None:
            sections.append((None, [line]))
        else:
            sections[-1][1].append(line)
    told: list[str] = []
    for title, lines in sections:
        if title is None:
            told += _plain(lines, targets)
        elif title.startswith("Example"):
            told += ["", "Example:", "", "```pycon", *inspect.cleandoc("\n".join(lines)).splitlines(), "```"]
        else:
            told += ["", f"{_TITLES[title]}:", "", *_items(lines, targets)]
        told.append("")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(told)).strip()


def first_sentence(docstring: str) -> str:
    """The first paragraph, as one line of Markdown."""
    return _inline(" ".join(inspect.cleandoc(docstring).split("\n\n")[0].split()), ())


def arguments(docstring: str) -> dict[str, str]:
    """The arguments that a docstring tells of, with their meanings."""
    found = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", inspect.cleandoc(docstring), re.MULTILINE)
    return {name: _inline(" ".join(said.split()), ()) for name, said in found}


def named_parts(docstring: str) -> dict[str, str]:
    """What a docstring says of each field in the form ````name````: meaning; ...``."""
    text = " ".join(inspect.cleandoc(docstring).split())
    parts = re.findall(r"``(\w+)``: (.*?)(?=[;.] ``\w+``: |[;.]$|$)", text)
    return {name: _inline(meaning.strip(" ;."), ()) for name, meaning in parts}
