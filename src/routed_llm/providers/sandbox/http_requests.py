"""Reads HTTP/1.1 requests from a socket, and writes the sandbox's replies to it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from routed_llm.providers.sandbox.replies import Reply

__all__ = ["BadRequest", "Incoming", "read_request", "send_reply"]

#: longest head of a request, in bytes
_MOST_HEAD = 65_536
_CHUNK = 65_536


class BadRequest(Exception):
    """What arrived is no HTTP request."""


@dataclass(slots=True)
class Incoming:
    """One request; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to go on with the connection."""
        return self.headers.get("connection", "").lower() != "close"


class _Bytes:
    """A socket's bytes by lines and counts."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._held = bytearray()

    def until(self, mark: bytes) -> bytes:
        """Bytes up to and without the mark; empty when the client has gone."""
        start = 0
        while (at := self._held.find(mark, start)) < 0:
            start = max(0, len(self._held) - len(mark))
            if len(self._held) > _MOST_HEAD:
                raise BadRequest("head too long")
            if not self._more():
                return b""
        found = bytes(self._held[:at])
        del self._held[: at + len(mark)]
        return found

    def count(self, size: int) -> bytes:
        """So many bytes."""
        while len(self._held) < size:
            if not self._more():
                raise BadRequest("body too short")
        found = bytes(self._held[:size])
        del self._held[:size]
        return found

    def _more(self) -> bool:
        data = self._sock.recv(_CHUNK)
        self._held += data
        return bool(data)


def read_request(sock: socket.socket) -> Iterator[Incoming]:
    """The requests of a connection, one after the other, until the client goes.

    Raises:
        BadRequest: for what is no HTTP request.
        OSError: when the connection breaks.
    """
    source = _Bytes(sock)
    while head := source.until(b"\r\n\r\n"):
        lines = head.decode("latin-1").split("\r\n")
        try:
            method, path, _ = lines[0].split(" ", 2)
            headers = {name.strip().lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
            size = int(headers.get("content-length", 0))
        except ValueError:
            raise BadRequest("no HTTP") from None
        if headers.get("expect", "").lower() == "100-continue":
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        yield Incoming(method, path, headers, _chunks(source) if chunked else source.count(size))


def _chunks(source: _Bytes) -> bytes:
    parts: list[bytes] = []
    while True:
        try:
            size = int(source.until(b"\r\n").split(b";")[0], 16)
        except ValueError:
            raise BadRequest("no chunk") from None
        part = source.count(size + 2)[:-2]
        if not size:
            return b"".join(parts)
        parts.append(part)


def _head(reply: Reply, keep: bool, length: int | None) -> bytes:
    phrase = HTTPStatus(reply.status).phrase if reply.status in HTTPStatus._value2member_map_ else "Simulated"
    lines = [f"HTTP/1.1 {reply.status} {phrase}", *(f"{name}: {value}" for name, value in reply.headers.items())]
    lines.append("transfer-encoding: chunked" if length is None else f"content-length: {length}")
    lines.append(f"connection: {'keep-alive' if keep else 'close'}")
    return "\r\n".join([*lines, "\r\n"]).encode("latin-1")


def send_reply(sock: socket.socket, reply: Reply, keep: bool, wait: Callable[[float], None]) -> bool:
    """Sends a reply, waiting as it says; whether the connection may go on.

    Raises:
        OSError: when the client has gone.
    """
    keep = keep and reply.ending == "complete"
    if reply.status:
        if reply.streamed:
            _send_stream(sock, reply, keep, wait)
        else:
            _send_whole(sock, reply, keep, wait)
    if reply.ending == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif reply.ending == "hang":
        while sock.recv(_CHUNK):
            pass
    return keep


def _send_whole(sock: socket.socket, reply: Reply, keep: bool, wait: Callable[[float], None]) -> None:
    body = b""
    for seconds, part in reply.parts:
        wait(seconds)
        body += part
    announced = len(body) if reply.ending == "complete" else 2 * len(body) + 1
    sock.sendall(_head(reply, keep, announced) + body)


def _send_stream(sock: socket.socket, reply: Reply, keep: bool, wait: Callable[[float], None]) -> None:
    """One chunk for each event; the head goes with the first."""
    held = _head(reply, keep, None)
    for seconds, part in reply.parts:
        wait(seconds)
        sock.sendall(held + b"%x\r\n%b\r\n" % (len(part), part))
        held = b""
    if reply.ending == "complete":
        sock.sendall(held + b"0\r\n\r\n")
