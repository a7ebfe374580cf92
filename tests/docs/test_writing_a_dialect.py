"""The page "Writing a dialect", followed to the letter: its files run against a server that speaks so."""

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import routed_llm
from routed_llm import Model, RoutedChatModel, RoutedLLM
from routed_llm.dialects.speaking import dialect_of, register_dialect
from routed_llm.errors import CallFailed, ConfigurationError, StreamBroken

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-dialect.md"
SRC = Path(routed_llm.__file__).parents[1]
FILES = dict(
    re.findall(r"^```\{code-block\} python\n:caption: (\S+)\n\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
)
USAGE = {"done": True, "done_reason": "stop", "prompt_eval_count": 11, "eval_count": 5}


class Ollama:
    """A server that speaks Ollama's chat interface; ``cut`` leaves out the end of streams."""

    def __init__(self):
        self.bodies, self.cut, self.message = [], False, {"role": "assistant", "content": "Because of scattering."}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                lines = outer.answer(outer.bodies[-1])
                told = b"\n".join(json.dumps({"model": "llama3.3", **line}).encode() for line in lines) + b"\n"
                self.send_response(200)
                self.send_header("content-length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, body):
        if not body["stream"]:
            return [{"message": self.message, **USAGE}]
        words = [
            {"message": {"role": "assistant", "content": word}, "done": False} for word in ("Because ", "of ", "scattering.")
        ]
        return words if self.cut else [*words, {"message": {"role": "assistant", "content": ""}, **USAGE}]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def ollama():
    server = Ollama()
    yield server
    server.close()


@pytest.fixture
def dialect(tmp_path, monkeypatch):
    (tmp_path / "ollama_chat.py").write_text(FILES["ollama_chat.py"], "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("ollama_chat", None)
    from ollama_chat import OllamaChat

    register_dialect(OllamaChat)
    return OllamaChat


def test_its_program_runs(tmp_path, ollama):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    ran = subprocess.run(
        [sys.executable, "app.py", ollama.url],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(SRC)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.stdout == "Because of scattering.\n" * 2, ran.stderr
    assert [body["options"] for body in ollama.bodies] == [{"num_ctx": 8192}] * 2


def test_both_doors_tools_parameters_and_money(dialect, ollama):
    entry = Model("ollama:llama3.3", dialect="ollama.chat", base_url=ollama.url, price={"input": 1.0, "output": 2.0})
    with RoutedChatModel([entry], temperature=0.5) as model:
        said = model.invoke("Why?", seed=7, logprobs=True)
        assert said.usage_metadata["total_tokens"] == 16
        assert said.response_metadata["routing"]["cost_nanousd"] == 11_000 + 10_000
        assert said.response_metadata["routing"]["losses"] == ["llama3.3 does not take logprobs: left out"]
        assert ollama.bodies[-1]["options"] == {"temperature": 0.5, "seed": 7}
    ollama.message = {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "add", "arguments": {"a": 1}}}]}
    with RoutedChatModel([entry]) as model:
        add = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
        called = model.bind_tools([add]).invoke("Add.")
        assert [(call["name"], call["args"]) for call in called.tool_calls] == [("add", {"a": 1})]
        model.invoke(["Add.", called, {"role": "tool", "tool_call_id": called.tool_calls[0]["id"], "content": "1"}])
        assert ollama.bodies[-1]["messages"][1]["tool_calls"] == [{"function": {"name": "add", "arguments": {"a": 1}}}]
    ollama.message = {"role": "assistant", "content": "Because of scattering."}
    assert RoutedLLM([entry]).complete("Why?").text == "Because of scattering."


def test_a_cut_stream_is_no_answer(dialect, ollama):
    ollama.cut = True
    model = RoutedChatModel([Model("ollama:llama3.3", dialect="ollama.chat", base_url=ollama.url)])
    with pytest.raises((StreamBroken, CallFailed)):
        list(model.stream("Why?"))
    model.close()


def test_what_it_writes_it_reads_again(dialect):
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello?"}], "options": {"num_predict": 5}, "stream": False}
    told = dialect_of("ollama.chat").conversation(body)
    assert (told.params, told.messages, told.model) == ({"max_tokens": 5}, body["messages"], "m")


def test_mistakes_are_told():
    class Nameless:
        pass

    class Half:
        name = "half"

    class Taken:
        name = "openai.chat"

    for wrong, match in ((Nameless, "has no name"), (Half, "has no method"), (Taken, "has no method")):
        with pytest.raises(ConfigurationError, match=match):
            register_dialect(wrong)
    with pytest.raises(ConfigurationError, match="Did you mean "):
        RoutedChatModel([Model("openai:gpt-5", dialect="openai.chats", api_key="k")])
