"""Why a connection failed, in words that hold no host, no path and no key."""

from __future__ import annotations

import os
import socket
import ssl

__all__ = ["reason_of"]


def reason_of(error: BaseException) -> str:
    """Say what the system's error means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or type(error).__name__}"
    if isinstance(error, socket.gaierror):
        return f"the name was not found: {error.strerror}"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return type(error).__name__
