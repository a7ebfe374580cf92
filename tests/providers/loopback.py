"""What the transport's tests stand on: raw servers on loopback that misbehave to order, one face over both forms."""

import asyncio
import contextlib
import os
import socket
import ssl
import struct
import threading
import time

import pytest

from routed_llm.providers.transport import Fault, Target, TransportOptions, get_async, get_sync

FORMS = ["sync", "async"]
HELLO = b'{"say": "hello"}'


def answer(body=b"ok", status=b"200 OK", headers=b""):
    return b"HTTP/1.1 " + status + b"\r\n" + headers + b"content-length: %d\r\n\r\n" % len(body) + body


def chunked(*parts, headers=b"", end=True):
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return b"HTTP/1.1 200 OK\r\n" + headers + b"transfer-encoding: chunked\r\n\r\n" + body + (b"0\r\n\r\n" if end else b"")


class Connection:
    """What a server's script sees of one connection."""

    def __init__(self, server, sock, number):
        self.server, self.sock, self.number = server, sock, number

    def request(self):
        """Read one request; its bytes (head and body), or b"" at the end."""
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := self.sock.recv(65536)):
                return b""
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            if not (more := self.sock.recv(65536)):
                return b""
            body += more
        whole = head + b"\r\n\r\n" + body
        self.server.requests.append(whole)
        return whole

    def send(self, data):
        self.sock.sendall(data)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def wait_closed(self, seconds):
        """Seconds until the client closed, or None."""
        begun = time.monotonic()
        self.sock.settimeout(seconds)
        try:
            while self.sock.recv(65536):
                pass
        except TimeoutError:
            return None
        except OSError:
            pass
        return time.monotonic() - begun


class Server:
    """Runs ``script(connection)`` in a thread for each connection."""

    def __init__(self, script, context=None):
        self.script, self.context = script, context
        self.requests, self.connections, self.facts = [], [], []
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._socket.getsockname()[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}/v1/chat"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with contextlib.suppress(OSError):
            if self.context is not None:
                sock = self.context.wrap_socket(sock, server_side=True)
            self.connections.append(sock)
            with sock:
                self.script(Connection(self, sock, len(self.connections)))

    def close(self):
        self._socket.close()
        for sock in self.connections:
            with contextlib.suppress(OSError):
                sock.close()


def keep_answering(reply=None):
    """A script: the same answer to every request of a connection."""

    def script(connection):
        while connection.request():
            connection.send(answer() if reply is None else reply)

    return script


def once(data, then=None):
    """A script: one request, these bytes, and what follows."""

    def script(connection):
        connection.request()
        connection.send(data)
        if then is not None:
            then(connection)

    return script


def wait(connection, seconds=3.0):
    connection.server.facts.append(connection.wait_closed(seconds))


def fault_of(call, *args, **named):
    begun = time.monotonic()
    with pytest.raises(Fault) as caught:
        call(*args, **named)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value, time.monotonic() - begun


class Face:
    """Both forms behind one blocking face. The async one lives on one event loop for the whole test."""

    def __init__(self, form, options=None):
        self.form = form
        options = options or TransportOptions(trust_env=False)
        self.transport = (get_sync if form == "sync" else get_async)(options)
        self._runner = asyncio.Runner() if form == "async" else None

    def run(self, thing):
        """Give a result, or await it."""
        return thing if self._runner is None else self._runner.run(_awaited(thing))

    def post(self, url, body=HELLO, seconds=5.0, headers=None):
        target = url if isinstance(url, Target) else Target(url, headers)
        return self.run(self.transport.post(target, body, time.monotonic() + seconds))

    def get(self, url, seconds=5.0):
        return self.run(self.transport.get(Target(url), time.monotonic() + seconds))

    def stream(self, url, body=HELLO, seconds=5.0):
        return self.run(self.transport.stream(Target(url), body, time.monotonic() + seconds))

    def read(self, stream, seconds=5.0):
        return self.run(stream.read(time.monotonic() + seconds))

    def read_all(self, stream):
        pieces = []
        while piece := self.read(stream):
            pieces.append(piece)
        return b"".join(pieces)

    def close(self):
        self.run(self.transport.close())
        if self._runner is not None:
            self._runner.close()


async def _awaited(thing):
    return await thing


def self_signed(folder, name="127.0.0.1"):
    """Make a certificate and key by the openssl binary; None where there is none."""
    import shutil
    import subprocess

    if shutil.which("openssl") is None:
        return None
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    command += [
        "-keyout",
        key,
        "-out",
        cert,
        "-subj",
        "/CN=loopback",
        "-addext",
        f"subjectAltName=IP:{name},DNS:localhost",
    ]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def server_context(cert, key, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
