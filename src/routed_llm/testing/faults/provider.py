"""A provider on loopback that fails to order."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeAlias

from routed_llm.catalog.models import Model
from routed_llm.catalog.prices import Price
from routed_llm.testing.faults.answers import Healthy
from routed_llm.testing.faults.catalogue import Named, found
from routed_llm.testing.faults.fault import Asked, Fault
from routed_llm.testing.faults.journal import Connection, Journal
from routed_llm.testing.faults.listening import Port, begin
from routed_llm.testing.faults.schedules import Schedule
from routed_llm.testing.faults.serving import Serving

__all__ = ["Answers", "FaultyProvider"]

#: what a healthy answer is: the same each time, or made of the request's JSON
Answers: TypeAlias = Healthy | str | Callable[[Mapping[str, Any]], Healthy | str]

#: a name that never resolves (RFC 6761, 6.4)
_NOWHERE = "faulty-provider.invalid"
_SECURE = ("tls_to_plaintext", "untrusted")
#: seconds that `close` waits for connections to end
_PATIENCE = 2.0


class FaultyProvider:
    """An OpenAI-compatible provider of chat and embeddings on a loopback port, which fails to order.

    ::

        with FaultyProvider("Hello.") as provider:
            model = RoutedChatModel([provider.model("first"), "sandbox"])
            provider.script("unavailable_503", None, "stream_reset_midway")

    What a request meets: the next entry of :meth:`script`; else what :meth:`always` says; else what the :meth:`schedule` says;
    else a right answer. Requests for the list of models count too. May be used from many threads.

    Args:
        answer: the right answer: a text, a :class:`Healthy`, or a function of the request's JSON that gives one of these.
        delay: seconds before the first byte of a right answer given as text.
        pace: all pauses are multiplied by it.
        clock: seconds for schedules; time that only goes forward by default.
        api_key: the key that its models send.
    """

    def __init__(
        self,
        answer: Answers | None = None,
        *,
        delay: float = 0.0,
        pace: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        api_key: str = "faulty-key",
    ) -> None:
        self.answer: Answers = Healthy(delay=delay) if answer is None else answer
        self.delay = delay
        self.pace = pace
        self.api_key = api_key
        self.journal = Journal()
        self._clock = clock
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._script: deque[Fault | None] = deque()
        self._standing: Fault | None = None
        self._schedule: tuple[Schedule, float] | None = None
        self._scheduled = 0
        self._met: Counter[str] = Counter()
        self._closing = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._connections = 0
        self._port = Port(lambda sock: self._serve(sock, foreign=False))
        self._foreign = Port(lambda sock: self._serve(sock, foreign=True))
        self._started = False

    def __repr__(self) -> str:
        standing = self._standing.name if self._standing is not None else "healthy"
        return f"FaultyProvider(port={self._port.number}, {standing}, requests={len(self.journal)})"

    # --- life -------------------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Begin to serve, in threads that never keep the process alive.

        Raises:
            RuntimeError: when it was closed before.
        """
        if self._closing.is_set():
            raise RuntimeError("this faulty provider was closed: make a new one")
        if not self._started:
            self._started = True
            self._began = time.monotonic()
            self._port.accept()
            self._apply()
        return self

    def close(self) -> None:
        """Stop, and drop every connection at once."""
        self._closing.set()
        self._port.refuse()
        self._foreign.refuse()
        self._drop_connections()
        until = time.monotonic() + _PATIENCE
        while self.journal.open_connections and time.monotonic() < until:
            time.sleep(0.002)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # --- what it does -----------------------------------------------------------------------------------------------------

    def script(self, *faults: Named | None) -> Self:
        """The next requests meet these, one each, in turn; None is a right answer. Calls add up.

        Raises:
            ValueError: for an unknown name, or a fault of the address, which no single request can meet.
        """
        met = [None if fault is None else _of_request(fault) for fault in faults]
        with self._lock:
            self._script.extend(met)
        return self

    def always(self, fault: Named | None) -> Self:
        """Every request meets this from now on; None makes it healthy. A fault of the address changes the port at once.

        Set faults of the address before :meth:`model`: three of them (``dns_failure``, ``tls_to_plaintext``,
        ``untrusted_certificate``) are in the address that a model is given.

        Raises:
            ValueError: for an unknown name.
        """
        with self._lock:
            self._standing = None if fault is None else found(fault)
            if self._standing is not None:
                self._met.pop(self._standing.name, None)
        if self._started:
            self._apply()
        return self

    def schedule(self, schedule: Schedule | None) -> Self:
        """From now on time and number tell what requests meet: :func:`flapping`, :func:`outage` and the like; None ends it."""
        with self._lock:
            self._schedule = None if schedule is None else (schedule, self._clock())
            self._scheduled = 0
        return self

    def heal(self) -> Self:
        """Healthy from now on: no script, no standing fault, no schedule."""
        with self._lock:
            self._script.clear()
        return self.always(None).schedule(None)

    # --- how it is reached ------------------------------------------------------------------------------------------------

    @property
    def base_url(self) -> str:
        """What clients take as base URL, such as ``http://127.0.0.1:8080/v1``.

        Raises:
            RuntimeError: before it is started.
        """
        if not self._started:
            raise RuntimeError("the faulty provider has no port yet: call start(), or use it in a with statement")
        address = "plain" if self._standing is None else self._standing.address
        host = _NOWHERE if address == "unresolved" else "127.0.0.1"
        return f"http{'s' if address in _SECURE else ''}://{host}:{self._port.number}/v1"

    def model(
        self,
        name: str = "faulty",
        *,
        price: Mapping[str, Any] | Price | None = None,
        context: int | None = None,
        max_output: int | None = None,
        abilities: Mapping[str, bool] | Sequence[str] = ("tools", "structured_output"),
        private: bool | None = None,
    ) -> Model:
        """An entry for a router: this provider as a model of this name.

        Args:
            name: on the wire, and in hints and answers.
            price: see :class:`~routed_llm.Model`; by default a dollar for each million tokens.
            context: longest prompt in tokens.
            max_output: longest answer in tokens.
            abilities: what it can do.
            private: whether it counts as private; on loopback it does by itself.
        """
        return Model(
            f"openai:{name}",
            name=name,
            base_url=self.base_url,
            api_key=self.api_key,
            price={"input": 1.0, "output": 1.0} if price is None else price,
            context=context,
            max_output=max_output,
            abilities=abilities,
            private=private,
        )

    # --- for its connections ----------------------------------------------------------------------------------------------

    def seconds(self) -> float:
        """Since it started."""
        return time.monotonic() - self._began

    def choose(self) -> tuple[Fault | None, int]:
        """What the next request meets, and how many requests met that so far, this one included."""
        with self._lock:
            if self._script:
                fault = self._script.popleft()
            elif self._standing is not None:
                fault = self._standing
            elif self._schedule is not None:
                schedule, began = self._schedule
                self._scheduled += 1
                fault = schedule(self._clock() - began, self._scheduled)
            else:
                fault = None
            if fault is None:
                return None, 1
            self._met[fault.name] += 1
            return fault, self._met[fault.name]

    def asked(self, path: str, body: Any, reused: bool, nth: int, authorization: str) -> Asked:
        """A request as scripts see it."""
        told = body if isinstance(body, dict) else {}
        answer = self.answer(told) if callable(self.answer) else self.answer
        healthy = Healthy(answer, delay=self.delay) if isinstance(answer, str) else answer
        return Asked(path, told, healthy, reused, nth, self.base_url, self._elsewhere, authorization)

    def _elsewhere(self) -> str:
        with self._lock:
            if not self._foreign.number:
                self._foreign.accept()
        return f"http://127.0.0.1:{self._foreign.number}/v1"

    def _apply(self) -> None:
        """Make the port as the standing fault wants it."""
        address = "plain" if self._standing is None else self._standing.address
        if address == "refused":
            self._port.refuse()
            self._drop_connections()
        elif address == "black_hole":
            self._port.black_hole()
            self._drop_connections()
        elif not self._port.accepting:
            self._port.accept()

    def _drop_connections(self) -> None:
        """End every connection; their threads notice and close them."""
        with self._lock:
            sockets = list(self._sockets)
        for sock in sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _serve(self, sock: socket.socket, *, foreign: bool) -> None:
        with self._lock:
            self._sockets.add(sock)
            self._connections += 1
            connection = Connection(self._connections, self.seconds())
            plain = self._standing is not None and self._standing.address == "tls_to_plaintext"
        self.journal.note_connection(connection)
        current = sock
        try:
            current, connection.secure = begin(sock, self._closing, plain)
            with self._lock:
                self._sockets.add(current)
            Serving(current, self, self._closing, connection, foreign).run()
        except OSError:
            connection.closed_by = "client"
        finally:
            current.close()
            connection.closed = self.seconds()
            with self._lock:
                self._sockets -= {sock, current}
            self.journal.changed()


def _of_request(fault: Named) -> Fault:
    known = found(fault)
    if known.address != "plain":
        raise ValueError(f"{known.name} is a fault of the whole address, which no single request can meet: use always()")
    return known
