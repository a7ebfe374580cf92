"""Providers of the user's own: whether a row can be meant, in the words of files and of Python alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from routed_llm.abilities import ABILITIES
from routed_llm.catalog.hiding import bare
from routed_llm.dialects.media import LIMITS
from routed_llm.dialects.speaking import DIALECTS
from routed_llm.errors import ConfigurationError
from routed_llm.providers.rows import PLACE, ProviderRow, Providers, known_providers
from routed_llm.refusing import nearest

__all__ = ["providers_with", "row_problems"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
#: headers that say who one is
_WHO = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)
_PATHS = ("path", "responses_path", "embeddings_path")
_CHOICES = ("auto", "none", "required")
_LEVELS = ("cheap", "middle", "strong")


def providers_with(own: Sequence[ProviderRow]) -> Providers:
    """All providers of a router that has rows of its own.

    Raises:
        ConfigurationError: for the first that cannot be meant, with the path of its field.
    """
    if not own:
        return known_providers()
    before: list[ProviderRow] = []
    for number, row in enumerate(own):
        if not isinstance(row, ProviderRow):
            raise ConfigurationError(f"must be a ProviderRow, not {type(row).__name__}.", path=f"providers[{number}]")
        for problem in row_problems(row, f"providers.{row.name}", before):
            raise problem
        before.append(row)
    return Providers(before)


def row_problems(row: ProviderRow, path: str, before: Sequence[ProviderRow] = ()) -> Iterator[ConfigurationError]:
    """What is wrong with a row.

    Args:
        row: the row.
        path: where it stands.
        before: rows of the user's own that stand before it.
    """
    for name, problem in (*_names(row, before), *_address(row), *_words(row)):
        yield ConfigurationError(problem, path=f"{path}.{name}" if name else path)


Problem = tuple[str, str]


def _names(row: ProviderRow, before: Sequence[ProviderRow]) -> Iterator[Problem]:
    if row.name == "sandbox":
        yield "", "'sandbox' stands for the simulated models: choose another name."
    elif not _NAME.fullmatch(row.name):
        yield "", f"is no name of a provider: use small letters, digits, - and _, not {row.name!r}."
    known = Providers(before)
    if any(each.name == row.name for each in before):
        yield "", "is there twice: leave one out."
    for alias in row.aliases:
        found = known.find(alias)
        if not _NAME.fullmatch(alias):
            yield "aliases", f"{alias!r} is no name of a provider: use small letters, digits, - and _."
        elif found is not None and found.name != row.name:
            yield "aliases", f"{alias!r} is a name of {found.name} already: choose another one."


def _address(row: ProviderRow) -> Iterator[Problem]:
    urls = [("base_url", row.base_url), *(("region_urls", url) for url in row.region_urls.values())]
    for name, url in urls:
        if url is None:
            continue
        if not url.startswith(("http://", "https://")):
            yield name, f"must begin with http:// or https://, not {bare(url)!r}."
        elif bare(url) != url:
            yield name, "holds a user or a password: leave them out, and name the key's variable in key_env."
        elif "{" in (rest := PLACE.sub("", url)) or "}" in rest:
            yield name, "has a place that names no variable: write {NAME} in capitals, such as {ACME_ACCOUNT}."
    for name in _PATHS:
        path = getattr(row, name)
        if path and not path.startswith("/"):
            yield name, f"must begin with /, not {path!r}."
    if row.default_port is not None and not 0 < row.default_port < 65536:
        yield "default_port", f"must be a port from 1 to 65535, not {row.default_port}."


def _words(row: ProviderRow) -> Iterator[Problem]:
    if row.dialect not in DIALECTS:
        yield "dialect", f"must be one of {', '.join(DIALECTS)}, not {row.dialect!r}.{nearest(row.dialect, list(DIALECTS))}"
    for name in ("lacks", "unsure"):
        for each in sorted(getattr(row, name) - set(ABILITIES)):
            yield name, f"{each!r} is no ability.{nearest(each, ABILITIES)} Known: {', '.join(ABILITIES)}."
    if both := row.lacks & row.unsure:
        yield "unsure", f"{', '.join(sorted(both))} stands in lacks, too: leave it out of one."
    for name in ("key_env", "base_url_env"):
        for each in getattr(row, name):
            if not _VARIABLE.fullmatch(each):  # whoever writes a key here must not see it in the message
                yield name, "names no environment variable: write a name such as ACME_API_KEY, never the key itself."
    for name in (row.auth_header, row.embeddings_auth_header, *row.extra_headers):
        if name and not _TOKEN.fullmatch(name):
            yield "extra_headers" if name in row.extra_headers else "auth_header", f"{name!r} is no name of a header."
    for header in row.extra_headers:
        if _WHO.search(header):
            yield (
                "extra_headers",
                f"{header!r} says who you are, which stands in no row: name it in auth_header, the key in key_env.",
            )
    for word in row.tool_choices:
        if word not in _CHOICES:
            yield "tool_choices", f"{word!r} is no choice.{nearest(word, _CHOICES)} Known: {', '.join(_CHOICES)}."
    for limit, most in row.media_limits.items():
        if limit not in LIMITS:
            yield "media_limits", f"{limit!r} is no limit.{nearest(limit, LIMITS)} Known: {', '.join(LIMITS)}."
        elif type(most) is not int or most < 0:
            yield "media_limits", f"{limit} must be a whole number of bytes or pieces, not {most!r}."
    for level in row.pool:
        if level not in _LEVELS:
            yield "pool", f"{level!r} is no level.{nearest(level, _LEVELS)} Known: {', '.join(_LEVELS)}."
