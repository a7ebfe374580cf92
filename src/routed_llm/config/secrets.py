"""No key stands in a file: it tells where keys are, and one that was written into it is refused without being shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from routed_llm.catalog.hiding import REFERENCES, bare
from routed_llm.config.places import below
from routed_llm.errors import ConfigurationError

__all__ = ["secrets_in"]

#: how the keys of well-known providers begin, with at least so many characters after it
_LOOKS_LIKE_KEY = re.compile(
    r"(?:Bearer\s+)?(?:sk-|sk_|gsk_|xai-|AIza|hf_|r8_|pplx-|nvapi-|csk-|fw_|ghp_|AKIA|eyJhbGci)[A-Za-z0-9_.-]{16,}"
)
_HEADER = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: how others name a variable of the environment
_OTHER_FORMS = re.compile(r"\$\{?([A-Za-z_]\w*)\}?|os\.environ/([A-Za-z_]\w*)|\{\{\s*env\.([A-Za-z_]\w*)\s*\}\}")


def secrets_in(value: Any, path: str = "", key: str = "") -> Iterator[ConfigurationError]:
    """Every secret that stands in data, and every reference that names nothing."""
    if key == "api_key":
        yield from _keys(value, path)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if key == "headers" and isinstance(each, str) and _HEADER.search(name):
                yield ConfigurationError(
                    "a header that names who you are does not belong in a file: write api_key = 'env:NAME' instead.",
                    path=below(path, name),
                )
            else:
                yield from secrets_in(each, below(path, name), name)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from secrets_in(each, below(path, number), key)
    elif isinstance(value, str):
        yield from _text(value, path, key)


def _text(value: str, path: str, key: str) -> Iterator[ConfigurationError]:
    if key == "proxy" and bare(value) != value:
        yield ConfigurationError(
            "a password does not belong in a file: set the environment variable HTTPS_PROXY instead.", path=path
        )
    elif key == "base_url" and bare(value) != value:
        yield ConfigurationError(
            "a password does not belong in a file: leave user and password out, and write api_key = 'env:NAME'.", path=path
        )
    elif _LOOKS_LIKE_KEY.fullmatch(value):
        yield ConfigurationError(
            "looks like a key, and keys do not belong in a file: write api_key = 'env:NAME' and set NAME.", path=path
        )


def _keys(value: Any, path: str) -> Iterator[ConfigurationError]:
    several = isinstance(value, list)
    for number, each in enumerate(value if several else [value]):
        problem = _wrong_with(each) if isinstance(each, str) else None
        if problem:
            yield ConfigurationError(problem, path=below(path, number) if several else path)


def _wrong_with(reference: str) -> str | None:
    scheme = next((scheme for scheme in REFERENCES if reference.startswith(scheme)), None)
    if scheme is None:
        other = _OTHER_FORMS.fullmatch(reference.strip())
        if other:
            return f"write it as 'env:{other[1] or other[2] or other[3]}'."
        return (
            "a key itself does not belong in a file: set an environment variable and write api_key = 'env:NAME', "
            "or 'file:PATH' or 'command:PROGRAM'."
        )
    rest = reference.removeprefix(scheme)
    if scheme == "env:" and not _VARIABLE.fullmatch(rest):
        return "names no environment variable: write 'env:NAME', such as 'env:OPENAI_API_KEY'."
    if not rest.strip():
        return f"names nothing after '{scheme}': write '{scheme}{'PATH' if scheme == 'file:' else 'PROGRAM ARGUMENT'}'."
    return None
