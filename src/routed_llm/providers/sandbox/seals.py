"""Signatures of what the simulated models thought: made with the answer, and checked when they come back."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

__all__ = ["Seals"]

#: bytes of the nonce and of the code that follows it
_NONCE, _CODE = 12, 32


class Seals:
    """Makes and checks seals: HMAC-SHA-256 with a secret of the seed, so that sandboxes of one seed read one another.

    Args:
        seed: of the sandbox.
        trusted: signatures of others that count as good.
    """

    def __init__(self, seed: int, trusted: Iterable[str] = ()) -> None:
        self._trusted = frozenset(trusted)
        self._secret = hashlib.sha256(f"sandbox seals {seed}".encode()).digest()

    def seal(self, nonce: str, *what: str) -> str:
        """A seal for texts, in base64; ``nonce`` makes it another one for each answer."""
        salt = hashlib.sha256(nonce.encode()).digest()[:_NONCE]
        return base64.b64encode(salt + self._code(salt, what)).decode()

    def holds(self, seal: str, *what: str) -> bool:
        """Whether a seal was made here, for these texts; also in the base64 of addresses, as clients of Google's send it."""
        if seal in self._trusted:
            return True
        try:
            data = base64.b64decode(seal.replace("-", "+").replace("_", "/"), validate=True)
        except (binascii.Error, ValueError):
            return False
        return len(data) == _NONCE + _CODE and hmac.compare_digest(data[_NONCE:], self._code(data[:_NONCE], what))

    def _code(self, salt: bytes, what: tuple[str, ...]) -> bytes:
        code = hmac.new(self._secret, salt, hashlib.sha256)
        for text in what:
            data = text.encode("utf-8", "surrogatepass")
            code.update(len(data).to_bytes(8, "big") + data)
        return code.digest()
