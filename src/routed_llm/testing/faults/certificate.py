"""A self-signed certificate for loopback that nobody trusts, made anew for each process: nothing secret is shipped.

ECDSA on the curve P-256 (FIPS 186-4, D.1.2.3) in plain numbers. It guards nothing: do not use it for anything else.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import ssl
import tempfile
import textwrap
from functools import cache

__all__ = ["untrusted_context"]

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_P256 = bytes.fromhex("06082a8648ce3d030107")
_EC_KEY = bytes.fromhex("06072a8648ce3d0201")
_ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
_COMMON_NAME = bytes.fromhex("0603550403")
_ALT_NAME = bytes.fromhex("0603551d11")

_Point = tuple[int, int] | None


def _add(a: _Point, b: _Point) -> _Point:
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0] and (a[1] + b[1]) % _P == 0:
        return None
    slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, _P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, _P)
    x = (slope * slope - a[0] - b[0]) % _P
    return x, (slope * (a[0] - x) - a[1]) % _P


def _times(factor: int) -> tuple[int, int]:
    """The curve's base point times a factor between 1 and the order."""
    total: _Point = None
    step: _Point = _G
    while factor:
        if factor & 1:
            total = _add(total, step)
        step = _add(step, step)
        factor >>= 1
    if total is None:
        raise ValueError("the factor is a multiple of the order")
    return total


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([0x80 | (size.bit_length() + 7) // 8]) + _big(size)
    return bytes([tag]) + length + body


def _big(value: int) -> bytes:
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _pem(label: str, der: bytes) -> str:
    lines = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def _sign(secret: int, data: bytes) -> bytes:
    nonce = secrets.randbelow(_N - 1) + 1
    r = _times(nonce)[0] % _N
    digest = int.from_bytes(hashlib.sha256(data).digest(), "big")
    return _der(0x30, _integer(r), _integer(pow(nonce, -1, _N) * (digest + r * secret) % _N))


def _self_signed() -> str:
    """Certificate and key, as PEM."""
    secret = secrets.randbelow(_N - 1) + 1
    x, y = _times(secret)
    point = _der(0x03, b"\x00\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big"))
    name = _der(0x30, _der(0x31, _der(0x30, _COMMON_NAME, _der(0x0C, b"untrusted loopback"))))
    names = _der(0x30, _der(0x87, bytes([127, 0, 0, 1])), _der(0x82, b"localhost"))
    extensions = _der(0xA3, _der(0x30, _der(0x30, _ALT_NAME, _der(0x04, names))))
    body = _der(
        0x30,
        _der(0xA0, _integer(2)),
        _integer(secrets.randbits(63) + 1),
        _ECDSA_SHA256,
        name,
        _der(0x30, _der(0x17, b"200101000000Z"), _der(0x17, b"491231235959Z")),
        name,
        _der(0x30, _der(0x30, _EC_KEY, _P256), point),
        extensions,
    )
    certificate = _der(0x30, body, _ECDSA_SHA256, _der(0x03, b"\x00" + _sign(secret, body)))
    key = _der(0x30, _integer(1), _der(0x04, secret.to_bytes(32, "big")), _der(0xA0, _P256), _der(0xA1, point))
    return _pem("CERTIFICATE", certificate) + _pem("EC PRIVATE KEY", key)


@cache
def untrusted_context() -> ssl.SSLContext:
    """A server's TLS with a certificate for 127.0.0.1 that no store knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    handle, path = tempfile.mkstemp(suffix=".pem")  # the ssl module reads keys from files only
    try:
        with os.fdopen(handle, "w") as file:
            file.write(_self_signed())
        context.load_cert_chain(path)
    finally:
        os.unlink(path)
    return context
