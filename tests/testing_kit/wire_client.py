"""A client that looks at the wire itself: raw bytes, and how the connection ended."""

import json
import socket
import time

__all__ = ["ask", "chat", "decoded", "events", "send", "talk"]

BODY = {"model": "faulty", "messages": [{"role": "user", "content": "Hi."}]}


def chat(body=None, path="/v1/chat/completions", key="faulty-key"):
    """A request's bytes."""
    data = json.dumps(BODY if body is None else body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-length: {len(data)}\r\n\r\n"
    return head.encode() + data


def send(provider, body=None, **named):
    """A new connection with one request under way."""
    port = int(provider.base_url.rsplit(":", 1)[1].removesuffix("/v1"))
    sock = socket.create_connection(("127.0.0.1", port), timeout=2)
    sock.sendall(chat(body, **named))
    return sock


def talk(sock, until="whole"):
    """What comes, and the ending: fin, reset, or open.

    ``until``: the answer is ``whole``, or the connection at its ``end``, both within 5 s; ``quiet`` for what comes to neither:
    until nothing came for 0.15 s, or 0.6 s are over.
    """
    data, over = b"", time.monotonic() + (0.6 if until == "quiet" else 5)
    sock.settimeout(0.15 if until == "quiet" else 5)
    while time.monotonic() < over:
        try:
            piece = sock.recv(1 << 20)
        except TimeoutError:
            break
        except ConnectionResetError:
            return data, "reset"
        if not piece:
            return data, "fin"
        data += piece
        if until == "whole" and _is_whole(data):
            break
    return data, "open"


def ask(provider, stream=False, *, until="whole", **more):
    """One request on a new connection; what came, and the ending; see :func:`talk`."""
    with send(provider, {**BODY, "stream": stream, **more}) as sock:
        return talk(sock, until)


def _is_whole(data):
    try:
        return decoded(data)[3]
    except ValueError:
        return False


def decoded(data):
    """Status, headers, body without its chunks, and whether the body is whole."""
    top, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    if not first.startswith("HTTP/1.1 "):
        raise ValueError(f"no answer: {data[:80]!r}")
    headers = dict(line.split(": ", 1) for line in lines)
    status = int(first.split()[1])
    if "transfer-encoding" not in headers:
        return status, headers, rest, len(rest) == int(headers.get("content-length", -1))
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        if int(size, 16) == 0:
            return status, headers, body, True
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return status, headers, body, False


def events(body):
    """The JSON of the events of a stream; the text of those that are no JSON."""
    told = []
    for block in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        for line in block.split(b"\n"):
            if line.startswith(b"data:"):
                data = line[5:].decode().strip()
                try:
                    told.append(json.loads(data))
                except ValueError:
                    told.append(data)
    return told
