"""The page "Providers", followed to the letter: a provider with quirks is added by its files alone, and asked over loopback."""

import doctest
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from test_writing_a_strategy import BLOCK, User, commands

from routed_llm import RoutedChatModel

PAGE = (Path(__file__).parents[2] / "docs" / "providers.md").read_text(encoding="utf-8")
THOUGHT = "17 and 4 are 21"


class Acme(BaseHTTPRequestHandler):
    """Answers as the page says that Acme does, and refuses what Acme refuses."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, self.headers.get("x-acme-key"), self.headers.get("authorization"), body))
        refused = self.path != "/v2/chat" or self.headers.get("x-acme-key") != "the-key" or {"seed", "max_tokens"} & set(body)
        message = {"role": "assistant", "content": "21", "thoughts": THOUGHT}
        answer = {"error": {"message": "no"}} if refused else {"choices": [{"message": message, "finish_reason": "stop"}]}
        data = json.dumps(answer).encode()
        self.send_response(400 if refused else 200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


@pytest.fixture
def acme(monkeypatch):
    server = HTTPServer(("127.0.0.1", 0), Acme)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("ACME_BASE_URL", f"http://127.0.0.1:{server.server_port}/v2")
    monkeypatch.setenv("ACME_API_KEY", "the-key")
    yield server
    server.shutdown()
    server.server_close()


def followed(user):
    """Write the page's files and run its commands; what was run."""
    checker, ran = doctest.OutputChecker(), []
    for language, name, text in (found.groups(default="") for found in BLOCK.finditer(PAGE)):
        if name:
            user.write(name, text)
            assert language in ("toml", "python")
    consoles = PAGE.split("```console\n")[1:]
    for wanted, command in ((out, command) for text in consoles for command, out in commands(text.partition("```")[0])):
        printed = user.run(command)
        ran.append(" ".join(command))
        assert checker.check_output(wanted, printed, doctest.ELLIPSIS), f"{command} printed\n{printed}\nnot\n{wanted}"
    return ran


@pytest.mark.timeout(300)
def test_the_page_can_be_followed(acme, tmp_path):
    user = User(tmp_path)
    assert followed(user) == ["routed-llm config check routed.toml", "python app.py"]
    path, key, bearer, body = acme.asked[0]
    assert (path, key, bearer) == ("/v2/chat", "the-key", None)
    assert body["max_completion_tokens"] == 50

    model = RoutedChatModel.from_config(user.place / "routed.toml")
    first = model.invoke("What is 17 + 4?")
    assert first.additional_kwargs["reasoning_content"] == THOUGHT
    model.invoke([("human", "What is 17 + 4?"), first, ("human", "Sure?")])
    assert acme.asked[-1][3]["messages"][1] == {"role": "assistant", "content": "21", "thoughts": THOUGHT}


def test_the_address_is_filled_from_the_environment(monkeypatch):
    from routed_llm import Router

    text = next(found[3] for found in BLOCK.finditer(PAGE) if found[1] == "toml")
    monkeypatch.setenv("ACME_API_KEY", "the-key")
    monkeypatch.setenv("ACME_ACCOUNT", "mine")
    router = Router.from_config(text)
    assert router.catalog.deployments[0].endpoint.url == "https://mine.inference.acme.example/v2/chat"


def test_every_row_and_field_is_told():
    from dataclasses import fields

    from routed_llm import ProviderRow
    from routed_llm.providers.rows import load_rows

    assert all(f"| `{field.name}` |" in PAGE for field in fields(ProviderRow))
    assert all(f"| `{name}:` |" in PAGE for name in load_rows())
