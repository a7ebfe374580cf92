"""No key stands in a file: it tells where keys are, and one that was written into it is refused without being shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from routed_llm.catalog.hiding import REFERENCES, bare
from routed_llm.config.places import below
from routed_llm.errors import ConfigurationError
from routed_llm.prompt.sensitive.secrets import keys

__all__ = ["secrets_in"]

#: how the keys of well-known providers begin, with at least so many characters after it
_LOOKS_LIKE_KEY = re.compile(
    r"(?:Bearer\s+)?(?:sk-|sk_|gsk_|xai-|AIza|hf_|r8_|pplx-|nvapi-|csk-|fw_|ghp_|AKIA|eyJhbGci)[A-Za-z0-9_.-]{16,}"
)
_HEADER = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)
#: names of an address's parameters, with those of signed addresses
_QUERY = re.compile(rf"{_HEADER.pattern}|^sig|signature", re.IGNORECASE)
_BEARER = re.compile(r"\b(?:bearer|basic)\s+(?=[^\s]*\d)[A-Za-z0-9+/_=.-]{16,}", re.IGNORECASE)
#: tables of what is sent to a provider, and those of them that are headers or the like
_SENT = ("params", "set", "headers")
_HEADERS = ("headers", "extra_headers", "default_headers", "extra_query", "default_query", "cookies")
_NAMES = (
    "apikey xapikey authorization proxyauthorization token accesstoken authtoken bearertoken bearer password passwd secret "
    "clientsecret secretkey accesskey cookie"
)
#: names in them, without - and _
_SECRET_NAMES = frozenset(_NAMES.split())
_NO_KEY = "looks like a key, and keys do not belong in a file: write api_key = 'env:NAME' and set NAME."
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: how others name a variable of the environment
_OTHER_FORMS = re.compile(r"\$\{?([A-Za-z_]\w*)\}?|os\.environ/([A-Za-z_]\w*)|\{\{\s*env\.([A-Za-z_]\w*)\s*\}\}")


def secrets_in(value: Any, path: str = "", key: str = "", inside: bool = False) -> Iterator[ConfigurationError]:
    """Every secret that stands in data, and every reference that names nothing.

    Args:
        value: the data.
        path: where it stands.
        key: of the mapping in which it stands.
        inside: whether it stands in what is sent to a provider.
    """
    if key == "api_key":
        yield from _keys(value, path)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if _holds_key(str(name)):
                yield ConfigurationError(f"a key of this table {_NO_KEY}", path=path or None)
            elif isinstance(each, str) and _names_secret(str(name), key, inside):
                yield ConfigurationError(
                    "a header that names who you are does not belong in a file: write api_key = 'env:NAME' instead.",
                    path=below(path, name),
                )
            else:
                yield from secrets_in(each, below(path, name), name, inside or name in _SENT)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from secrets_in(each, below(path, number), key, inside)
    elif isinstance(value, str):
        yield from _text(value, path, key)


def _names_secret(name: str, table: str, inside: bool) -> bool:
    """Whether what stands under a name is what lets one in: in headers by a part of the name, else by the whole."""
    if table.lower().replace("-", "_") in _HEADERS:
        return _HEADER.search(name) is not None
    return inside and name.lower().replace("-", "").replace("_", "") in _SECRET_NAMES


def _holds_key(text: str) -> bool:
    """Whether a text is or holds a key of a known form."""
    if _LOOKS_LIKE_KEY.fullmatch(text) or _BEARER.search(text):
        return True
    # the words before a key are no key; a private key is more than its first line, which patterns look for
    return any(f.kind != "credentials" and (f.kind != "private_key" or f.end - f.start > 100) for f in keys(text))


def _query_tells(url: str) -> bool:
    """Whether an address says a key behind its ``?``."""
    query = url.partition("?")[2].partition("#")[0]
    return any(value and _QUERY.search(name) for name, _, value in (each.partition("=") for each in query.split("&")))


def _text(value: str, path: str, key: str) -> Iterator[ConfigurationError]:
    if key == "proxy" and bare(value) != value:
        yield ConfigurationError(
            "a password does not belong in a file: set the environment variable HTTPS_PROXY instead.", path=path
        )
    elif key == "base_url" and bare(value) != value:
        yield ConfigurationError(
            "a password does not belong in a file: leave user and password out, and write api_key = 'env:NAME'.", path=path
        )
    elif key == "state" and "://" in value and bare(value) != value:
        yield ConfigurationError("a password does not belong in a file: write state = 'env:NAME' and set NAME.", path=path)
    elif key == "source" and path.startswith("prices.") and (bare(value) != value or _query_tells(value)):
        yield ConfigurationError(
            "a password or a key does not belong in a file: write source = 'env:NAME' and set NAME to the address.", path=path
        )
    elif key in ("base_url", "proxy") and _query_tells(value):
        yield ConfigurationError(
            "a key behind the ? of an address does not belong in a file: leave it out, and write api_key = 'env:NAME'.",
            path=path,
        )
    elif _holds_key(value):
        yield ConfigurationError(_NO_KEY, path=path)


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
    if _holds_key(rest):
        return "holds a key itself, and keys do not belong in a file: let the program read it from where it is kept."
    if scheme == "env:" and not _VARIABLE.fullmatch(rest):
        return "names no environment variable: write 'env:NAME', such as 'env:OPENAI_API_KEY'."
    if not rest.strip():
        return f"names nothing after '{scheme}': write '{scheme}{'PATH' if scheme == 'file:' else 'PROGRAM ARGUMENT'}'."
    return None
