"""The form of a mistake: a file, and what the error must say of it."""

from typing import NamedTuple


class Mistake(NamedTuple):
    """A file, the path of what is wrong in it, words of the problem, and words of what to do about it."""

    id: str
    text: str
    path: str
    problem: str
    remedy: str


#: two models without keys, for mistakes elsewhere
POOL = '[models]\nfast = "sandbox:sandbox-small"\nstrong = "sandbox:sandbox-large"\n'


def of(id: str, text: str, path: str, problem: str, remedy: str, pool: bool = True) -> Mistake:
    """A mistake in a part of a file; keys of the top stand before the pool, tables behind it."""
    top, brackets, tables = text.partition("[") if text.startswith("[") else (text, "", "")
    return Mistake(id, f"{top}\n{POOL if pool else ''}{brackets}{tables}", path, problem, remedy)


def model(id: str, lines: str, key: str, problem: str, remedy: str) -> Mistake:
    """A mistake in the table of a model."""
    named = lines if lines.startswith(("model ", "deployments")) else f'model = "sandbox:sandbox-small"\n{lines}'
    return Mistake(id, f"[models.fast]\n{named}\n", f"models.fast{key}", problem, remedy)


def rule(id: str, lines: str, key: str, problem: str, remedy: str) -> Mistake:
    """A mistake in a rule."""
    named = lines if "name =" in lines or id == "rule-without-name" else f'name = "r"\n{lines}'
    return of(id, f"[[rules]]\n{named}\n", f"rules[0]{key}", problem, remedy)
