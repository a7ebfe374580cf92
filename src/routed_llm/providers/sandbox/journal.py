"""What arrived at the sandbox, for tests that look at the wire."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Arrival", "Journal"]

#: Google's key in an address
_KEY = re.compile(r"([?&]key=)[^&]*")
_SECRET = frozenset({"authorization", "proxy-authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie"})


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request: headers in lower case without those that hold secrets; a body that is no JSON object is None."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any] | None


class Journal:
    """All requests, oldest first; may be used from many threads."""

    def __init__(self) -> None:
        self._arrivals: list[Arrival] = []
        self._lock = threading.Lock()

    def note(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """Adds a request."""
        kept = {key.lower(): value for key, value in headers.items() if key.lower() not in _SECRET}
        try:
            value = json.loads(body) if body else None
        except (ValueError, RecursionError):
            value = None
        arrival = Arrival(method, _KEY.sub(r"\1[key]", path), kept, value if isinstance(value, dict) else None)
        with self._lock:
            self._arrivals.append(arrival)

    def clear(self) -> None:
        """Forgets all requests."""
        with self._lock:
            self._arrivals.clear()

    def __iter__(self) -> Iterator[Arrival]:
        with self._lock:
            return iter(list(self._arrivals))

    def __len__(self) -> int:
        return len(self._arrivals)

    def __getitem__(self, index: int) -> Arrival:
        return self._arrivals[index]

    def wire(self) -> dict[str, Any]:
        """The journal as plain data, for the control path."""
        return {"simulated": True, "requests": [asdict(arrival) for arrival in self]}
