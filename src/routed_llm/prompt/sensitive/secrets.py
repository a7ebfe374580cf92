"""What opens doors: keys of known forms, private keys, tokens, and values that are assigned to a name such as ``password``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from routed_llm.prompt.sensitive.finding import Finding
from routed_llm.prompt.words import vocabulary

__all__ = ["assigned", "keys", "may_assign", "may_hold_keys"]

#: a text that is looked for first -> (kind, pattern of the whole key); forms as the issuers document them
_KEYS: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (sign, kind, re.compile(rf"(?<![A-Za-z0-9]){pattern}"))
    for sign, kind, pattern in (
        ("sk-", "api_key", r"sk-(?:ant-|proj-|or-v1-|svcacct-|admin-)?[A-Za-z0-9_-]{20,250}"),
        ("AKIA", "aws_key", r"AKIA[0-9A-Z]{16}(?![0-9A-Za-z])"),
        ("ASIA", "aws_key", r"ASIA[0-9A-Z]{16}(?![0-9A-Za-z])"),
        ("ghp_", "github_token", r"ghp_[A-Za-z0-9]{36,255}"),
        ("gho_", "github_token", r"gho_[A-Za-z0-9]{36,255}"),
        ("ghs_", "github_token", r"ghs_[A-Za-z0-9]{36,255}"),
        ("ghu_", "github_token", r"ghu_[A-Za-z0-9]{36,255}"),
        ("github_pat_", "github_token", r"github_pat_[A-Za-z0-9_]{22,255}"),
        ("glpat-", "gitlab_token", r"glpat-[A-Za-z0-9_-]{20,64}"),
        ("xox", "slack_token", r"xox[abeoprs]-[A-Za-z0-9-]{10,250}"),
        ("xapp-", "slack_token", r"xapp-[0-9]-[A-Za-z0-9-]{20,250}"),
        ("AIza", "google_key", r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
        ("ya29.", "google_token", r"ya29\.[A-Za-z0-9_-]{20,250}"),
        ("hf_", "api_key", r"hf_[A-Za-z0-9]{30,60}"),
        ("gsk_", "api_key", r"gsk_[A-Za-z0-9]{40,64}"),
        ("xai-", "api_key", r"xai-[A-Za-z0-9]{40,120}"),
        ("r8_", "api_key", r"r8_[A-Za-z0-9]{37,40}"),
        ("_live_", "stripe_key", r"(?:sk|rk|pk)_live_[A-Za-z0-9]{16,250}"),
        ("_test_", "stripe_key", r"(?:sk|rk)_test_[A-Za-z0-9]{16,250}"),
        ("SG.", "sendgrid_key", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}"),
        ("npm_", "npm_token", r"npm_[A-Za-z0-9]{36}"),
        ("pypi-", "pypi_token", r"pypi-[A-Za-z0-9_-]{50,250}"),
        ("dop_v1_", "api_key", r"dop_v1_[a-f0-9]{64}"),
        ("shpat_", "api_key", r"shpat_[a-fA-F0-9]{32}"),
        ("eyJ", "jwt", r"eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,1000}"),
        ("-----BEGIN", "private_key", r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
        ("://", "credentials", r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{1,64}:[^\s@/]{3,128}@[\w.-]{1,253}"),
    )
)
_END_OF_KEY = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")

#: without one of these in a text (in lower case) no value is assigned to a secret name
_CUES = (
    "passw",
    "pwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "api key",
    "bearer",
    "contrase",
    "mot de passe",
    "kennwort",
    "senha",
)
_SAID = vocabulary(
    "password passwords passwort passwd pwd passphrase secret token api apikey bearer contraseña kennwort passe senha"
)
#: words with which keys begin whose parts may be short, and the length of the longest part of all others
_BEGINNINGS = vocabulary("sk xoxa xoxb xoxe xoxo xoxp xoxr xoxs xapp glpat sg ya29 xai pypi")
_LONG = 16
_ASSIGNED = re.compile(
    r"(?:pass(?:word|wd|phrase|wort)|pwd|secret(?:[_-]?key)?|(?:access|auth|refresh)[_-]?token|token|api[_ -]?key"
    r"|client[_-]?secret|"
    r"contrase[ñn]a|mot de passe|kennwort|senha)"
    r"(?P<sign>[\"']?\s{0,3}(?:=>|:=|[:=])\s{0,3}| (?:is|ist|es|est|lautet|é)(?: now)?:? "
    r")(?P<quote>[\"'`]?)(?P<value>[^\s\"'`,;]{5,200})",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(?:bearer|basic) (?P<value>[A-Za-z0-9+/_=.-]{16,2000})", re.IGNORECASE)
#: what stands for a value in examples and code
_STAND_IN = re.compile(
    r"[<{$%\[(*]|x{3,}$|\.{3}|your|my[_-]?(?:pass|secret|key|token)|example|placeholder|changeme|none$|null$|true$|false$|str\b"
    r"|string|int\b|(?:os|process|config|settings|self|request|input|args|params|props|user|this|secrets?)\.|env\b|redacted|todo\b"
    r"|[\w.]+[(\[]|(?:password|passwd|pass|pwd|secret)(?:@|$)",
    re.IGNORECASE,
)


def may_hold_keys(text: str, known: frozenset[str]) -> bool:
    """False for a text, of which the words are known, that can hold no key; spares prose the search for each kind."""
    long = max(map(len, known), default=0) >= _LONG
    return long or not _BEGINNINGS.isdisjoint(known) or "://" in text or "-----BEGIN" in text


def may_assign(lower: str, known: frozenset[str]) -> bool:
    """False for a text in lower case in which no value is given to a secret name."""
    if not _SAID.isdisjoint(known):
        return True
    return ("=" in lower or ":" in lower) and any(cue in lower for cue in _CUES)


def keys(text: str) -> Iterator[Finding]:
    """Keys whose form alone tells what they are."""
    for sign, kind, pattern in _KEYS:
        if sign not in text:
            continue
        for match in pattern.finditer(text):
            start, end = match.span()
            if kind == "private_key":
                rest = _END_OF_KEY.search(text, end, end + 20_000)
                end = rest.end() if rest else min(len(text), end + 4_000)
            if kind not in ("api_key", "credentials") or not _STAND_IN.match(
                match.group().rsplit(":", 1)[-1].removeprefix("sk-")
            ):
                yield Finding(kind, "secret", start, end)


def entropy(text: str) -> float:
    """Bits per character (Shannon) of a text by its own frequencies."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in map(text.count, set(text)))


def _real(value: str, quoted: bool) -> bool:
    """True for a value that is no stand-in and no name of a variable: digits or other signs in it, or letters in quotes."""
    if _STAND_IN.match(value) or entropy(value) < 2.0:
        return False
    mixed = any(map(str.isdigit, value)) or any(not (sign.isalnum() or sign in "_-.()") for sign in value)
    return mixed or (quoted and len(value) >= 8)


def assigned(text: str) -> Iterator[Finding]:
    """Values behind ``password =``, ``"api_key":``, ``my password is`` and ``Authorization: Bearer``."""
    for match in _ASSIGNED.finditer(text):
        value = match["value"].rstrip(".?)]}>")
        if len(value) >= 5 and _real(value, match["quote"] != ""):
            yield Finding("password", "secret", match.start("value"), match.start("value") + len(value))
    for match in _BEARER.finditer(text):
        if _real(match["value"], quoted=True) and entropy(match["value"]) > 3.0:
            yield Finding("bearer_token", "secret", match.start("value"), match.end("value"))
