"""Faults before an answer begins: the address, the connection, the headers (rows 1 to 9 and 82)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from routed_llm.testing.faults.fault import Address, Asked, Fault
from routed_llm.testing.faults.wire import CLOSE, HOLD, RESET, End, Step

__all__ = ["CONNECTIONS"]

#: seconds between the headers, or bytes, of what drips
DRIP = 0.3
#: seconds after which a server closes a connection that it promised to keep
IDLE = 0.05


def _half_headers(asked: Asked) -> Iterable[Step]:
    return b"HTTP/1.1 200 OK\r\ncontent-type: applica", HOLD


def _dripping_headers(asked: Asked) -> Iterator[Step]:
    yield b"HTTP/1.1 200 OK\r\n"
    number = 0
    while True:
        yield DRIP
        number += 1
        yield b"x-header-%d: one more\r\n" % number


class _OnReused:
    """Right on a new connection; ends one that was used before."""

    def __init__(self, end: End) -> None:
        self.end = end

    def __call__(self, asked: Asked) -> Iterator[Step]:
        if asked.reused:
            yield self.end
        else:
            yield from asked.healthy()


def _idle_closed(asked: Asked) -> Iterator[Step]:
    yield from asked.healthy()
    yield IDLE
    yield CLOSE


def _of_address(name: str, row: int, does: str, expected: str, address: Address, stalls: bool = False) -> Fault:
    return Fault(name, does, expected, "next", Asked.healthy, (row,), address=address, stalls=stalls)


_SAME = "one free repeat on a fresh connection gives the answer; the deployment is not blamed"

CONNECTIONS = (
    _of_address(
        "connection_refused", 1, "nobody listens on the port", "NEXT and benched; free of the retry budget", "refused"
    ),
    _of_address("dns_failure", 2, "the host name does not resolve", "NEXT and benched; the loop is not blocked", "unresolved"),
    _of_address("syn_black_hole", 3, "a full backlog: no answer to SYN", "NEXT after the connect limit", "black_hole", True),
    _of_address("tls_to_plaintext", 4, "an https address that speaks plain HTTP", "NEXT, no repeat", "tls_to_plaintext"),
    _of_address("untrusted_certificate", 5, "TLS with a self-signed certificate", "NEXT and benched long, loudly", "untrusted"),
    Fault("fin_before_headers", "closes in order without a byte", "NEXT", "next", lambda asked: (CLOSE,), (6,)),
    Fault("reset_before_headers", "resets without a byte", "NEXT", "next", lambda asked: (RESET,), (6,)),
    Fault("fin_on_reused", "closes without a byte on a connection that was used before", _SAME, "same", _OnReused(CLOSE), (6,),
          warm=True),
    Fault("reset_on_reused", "resets without a byte on a used connection", _SAME, "same", _OnReused(RESET), (6,), warm=True),
    Fault(
        "keep_alive_race", "resets a kept connection while the next request arrives", _SAME, "same",
        _OnReused(RESET), (7,), reads=False, warm=True,
    ),
    Fault("idle_closed", "closes a kept connection 0.05 s after its answer", _SAME, "same", _idle_closed, (82,), warm=True),
    Fault("not_http", "greets as an SSH server", "NEXT", "next", lambda asked: (b"SSH-2.0-OpenSSH_9.6\r\n", CLOSE), (8,)),
    Fault("slow_headers", "reads the request and says nothing", "NEXT by the clock; a slow call", "next",
          lambda asked: (HOLD,), (9,), stalls=True),
    Fault("half_headers", "stops in the middle of a header", "NEXT by the clock; a slow call", "next", _half_headers, (9,),
          stalls=True),
    Fault("dripping_headers", "sends one header each 0.3 s, for ever", "NEXT by the clock; a slow call", "next",
          _dripping_headers, (9,), stalls=True),
)  # fmt: skip
