"""Texts that must not be shown, taken out of what a provider says: some repeat the key, or a header, that they refuse."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping

from routed_llm.errors import ConfigurationError, ProviderError
from routed_llm.providers.transport import split_credentials

__all__ = ["Secrets", "secrets_in"]

_HIDDEN = "[key]"
#: characters; shorter texts are words of ordinary messages, and guessed faster than found
_SHORTEST_KEY, _SHORTEST_HEADER = 4, 8
#: of a secret that was shortened: this much of its beginning is taken for it
_BEGINNING = 8
#: headers that hold no secret, whoever sets them
_OPEN = frozenset(
    {"accept", "accept-encoding", "anthropic-beta", "anthropic-version", "connection", "content-type", "http-referer",
     "openai-beta", "user-agent", "x-title"}
)  # fmt: skip


class Secrets(tuple[str, ...]):
    """Texts that must not be shown, and that its own representation does not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} secrets>"

    def out_of(self, text: str) -> str:
        """A text without them, also where somebody shortened it in the midst of one."""
        for secret in self:
            beginning, at = secret[:_BEGINNING], -1
            while (at := text.find(beginning, at + 1)) >= 0:
                same = next((n for n, (a, b) in enumerate(zip(secret, text[at:], strict=False)) if a != b), len(secret))
                text = text[:at] + _HIDDEN + text[at + same :]
        return text

    def out_of_body(self, body: bytes) -> bytes:
        """The same of an answer's body, before anything of it is shortened."""
        for secret in self:
            body = body.replace(secret.encode(), _HIDDEN.encode())
        return body

    def out_of_error(self, error: ProviderError) -> ProviderError:
        """The same error, without them in anything that the provider said."""
        error.message = self.out_of(error.message)
        error.args = (error.message,)
        error.code, error.param, error.request_id = (
            value if value is None else self.out_of(value) for value in (error.code, error.param, error.request_id)
        )
        return error


def secrets_in(keys: Iterable[str], headers: Mapping[str, str], addresses: Iterable[str] = ()) -> Secrets:
    """Keys, and what headers may hold: a value (what follows ``Bearer`` or ``Basic`` in it), and a password.

    User and password in an address are sent as such a header.
    """
    found = {key for key in keys if len(key) >= _SHORTEST_KEY}
    sent = [headers, *({"authorization": _basic(address)} for address in addresses if "@" in address)]
    found.update(part for each in sent for part in _parts(each) if len(part) >= _SHORTEST_HEADER)
    return Secrets(sorted(found, key=len, reverse=True))  # whole ones before their parts


def _basic(address: str) -> str:
    try:
        return split_credentials(address)[1] or ""
    except ConfigurationError:  # no address that anything is sent to
        return ""


def _parts(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        if name.lower() in _OPEN:
            continue
        scheme, _, rest = value.partition(" ")
        yield rest if scheme.lower() in ("bearer", "basic") else value
        if scheme.lower() == "basic":
            yield _password(rest)


def _password(pair: str) -> str:
    """The password of basic authorization (RFC 7617); empty where it cannot be read."""
    try:
        return base64.b64decode(pair, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
