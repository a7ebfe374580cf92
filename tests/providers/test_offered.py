"""Which models a server offers: asked over HTTP on loopback, in the forms of today's servers, and in odd ones."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from routed_llm import ProviderRow, RoutedChatModel, adiscover_models, discover_models
from routed_llm.errors import ConfigurationError, DiscoveryFailed, MissingKey, UnknownProvider

FORMS = {"sync": discover_models, "async": lambda *given, **said: asyncio.run(adiscover_models(*given, **said))}


class ListServer:
    """Answers ``GET`` with what stands under the path and query, and keeps what it was asked."""

    def __enter__(self):
        owner = self
        self.answers, self.asked = {}, []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                owner.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                status, body = owner.answers.get(self.path, (404, b"not here"))
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def says(self, data, path="/v1/models", status=200):
        self.answers[path] = (status, data if isinstance(data, bytes) else json.dumps(data).encode())


@pytest.fixture
def server():
    with ListServer() as made:
        yield made


@pytest.fixture(params=FORMS)
def discover(request):
    return FORMS[request.param]


def test_a_local_server_tells_names_and_what_it_does_not_tell_is_unknown(server, discover):
    server.says({"object": "list", "data": [{"id": "qwen3", "object": "model", "max_model_len": 32_768}, {"id": "llama"}]})
    one, two = discover(server.url)
    assert (one.model, one.base_url, one.context) == ("qwen3", f"{server.url}/v1", 32_768)
    assert (two.context, two.price, two.abilities, two.retires) == (None, None, None, None)
    assert RoutedChatModel([one, two]).router.catalog.models == ("custom:qwen3", "custom:llama")
    for written in (f"{server.url}/v1", f"{server.url}/v1/", f"{server.url}/v1/models"):
        assert [each.model for each in discover(written)] == ["qwen3", "llama"]


def test_openrouters_list_tells_price_window_and_abilities(server, discover, monkeypatch):
    server.says(
        {
            "data": [
                {
                    "id": "maker/large",
                    "context_length": 200_000,
                    "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
                    "pricing": {"prompt": "0.000003", "completion": "0.000015", "input_cache_read": "3e-7", "request": "0"},
                    "top_provider": {"max_completion_tokens": 64_000},
                    "supported_parameters": ["tools", "tool_choice", "temperature"],
                },
                {"id": "maker/varies", "pricing": {"prompt": "-1", "completion": "-1"}},
                {"id": "maker/free", "pricing": {"prompt": "0", "completion": "0"}},
                {"id": "maker/painter", "architecture": {"output_modalities": ["image"]}},
            ]
        }
    )
    monkeypatch.setenv("OPENROUTER_API_KEY", "or-key")
    row = ProviderRow("mine", base_url=f"{server.url}/v1", key_env=("OPENROUTER_API_KEY",))
    large, varies, free = discover("mine", providers=[row])
    assert (large.model, large.context, large.max_output) == ("mine:maker/large", 200_000, 64_000)
    assert large.price.rates.as_data() == {"input": 3_000_000_000, "output": 15_000_000_000, "cache_read": 300_000_000}
    assert (large.abilities["images"], large.abilities["tools"]) == (True, True)
    assert (large.abilities["audio"], large.abilities["structured_output"]) == (False, False)
    assert varies.price is None, "a negative price is one that varies"
    assert free.price.rates.as_data() == {"input": 0, "output": 0}
    assert server.asked[0][1]["authorization"] == "Bearer or-key"


def test_other_forms(server, discover):
    server.says(
        [
            {"id": "t/chat", "type": "chat", "context_length": 8_192, "pricing": {"hourly": 0, "input": 0.18, "output": 0.2}},
            {"id": "t/embed", "type": "embedding"},
            {"id": "g/off", "active": False, "context_window": 8_192},
            {"id": "g/on", "active": True, "context_window": 131_072, "max_completion_tokens": 65_536},
            {
                "id": "m/old",
                "capabilities": {"completion_chat": True, "function_calling": True, "vision": False},
                "max_context_length": 32_000,
                "deprecation": "2027-04-30T12:00:00Z",
            },
            {"id": "m/no-chat", "capabilities": {"completion_chat": False}},
        ]
    )
    chat, on, old = discover(server.url)
    assert (chat.model, chat.context, chat.price.rates.input) == ("t/chat", 8_192, 180_000_000)
    assert (on.model, on.context, on.max_output) == ("g/on", 131_072, 65_536)
    assert (old.retires, old.context, old.abilities) == ("2027-04-30", 32_000, {"tools": True, "images": False})


def test_a_list_in_parts_is_asked_for_to_its_end(server, discover):
    models = [{"name": f"models/gemini-{n}", "inputTokenLimit": 1_000 + n, "outputTokenLimit": 10} for n in range(3)]
    embed = {"name": "models/embed", "supportedGenerationMethods": ["embedContent"]}
    server.says({"models": models[:2], "nextPageToken": "a/b"}, "/v1beta/models")
    server.says({"models": [embed, *models[1:]]}, "/v1beta/models?pageToken=a%2Fb")
    row = ProviderRow("mine", base_url=f"{server.url}/v1beta", key_required=False, dialect="gemini.generate")
    found = discover("mine", providers=[row])
    assert [(each.model, each.context) for each in found] == [(f"mine:gemini-{n}", 1_000 + n) for n in range(3)]


def test_anthropics_list_is_asked_for_in_its_way(server, discover):
    server.says({"data": [{"id": "claude-a"}], "has_more": True, "last_id": "claude-a"})
    server.says({"data": [{"id": "claude-b"}], "has_more": False, "last_id": "claude-b"}, "/v1/models?after_id=claude-a")
    row = ProviderRow("mine", base_url=f"{server.url}/v1", dialect="anthropic.messages", auth_header="x-api-key")
    found = discover("mine", api_key="the-secret-key", providers=[row])
    assert [each.model for each in found] == ["mine:claude-a", "mine:claude-b"]
    headers = server.asked[0][1]
    assert headers["x-api-key"] == "the-secret-key"
    assert headers["anthropic-version"]


def test_a_list_that_never_ends_is_left(server, discover):
    server.says({"data": [{"id": "a"}], "has_more": True, "last_id": "a"})
    server.says({"data": [{"id": "a"}], "has_more": True, "last_id": "a"}, "/v1/models?after_id=a")
    assert [each.model for each in discover(server.url)] == ["a"]
    assert len(server.asked) == 2


def test_a_list_is_had_as_a_whole_or_not_at_all(server, discover):
    def page(number, last):
        return {"data": [{"id": f"m{number}"}], "has_more": not last, "last_id": f"m{number}"}

    for last in (19, 20):
        server.says(page(0, last=False))
        for number in range(1, last + 1):
            server.says(page(number, number == last), f"/v1/models?after_id=m{number - 1}")
        if last == 19:
            assert len(discover(server.url)) == 20
    with pytest.raises(DiscoveryFailed, match="a list of more than 20 pages"):
        discover(server.url)


@pytest.mark.parametrize(
    "entries",
    [
        [None, 3, "text", [], {}, {"id": None}, {"id": ""}, {"id": "../x"}, {"id": "a\nb"}, {"id": "x" * 2_000}],
        [{"id": "ok", "context_length": True, "pricing": [], "architecture": 3, "supported_parameters": "tools"}],
        [{"id": "ok", "context_length": -1, "pricing": {"prompt": "NaN", "completion": {}}, "capabilities": None}],
        [{"id": "ok", "context_length": "9", "pricing": {"prompt": "1e999", "completion": "1"}, "deprecation": "2026-99-99"}],
        [{"id": "ok"}, {"id": "ok"}],
    ],
    ids=["names", "kinds", "signs", "words", "twice"],
)
def test_odd_entries_are_left_out_or_unknown(server, discover, entries):
    server.says({"data": entries})
    found = discover(server.url)
    assert [each.model for each in found] in ([], ["ok"])
    assert all(each.context is None and each.price is None and each.retires is None for each in found)
    for each in found:
        each.check("models[0]")


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        (b"<html>", 200, "no JSON"),
        (b"", 200, "no JSON"),
        ({"error": {"message": "the-secret-key is wrong"}}, 401, "refused the key"),
        ({"models": {"a": 1}}, 200, "no list of models"),
        (b"[" * 5_000, 200, "no JSON"),
        ({"error": "down"}, 503, "HTTP 503"),
        (b"", 302, "HTTP 302"),
    ],
    ids=["html", "empty", "refused", "table", "deep", "down", "moved"],
)
def test_what_is_no_list_is_an_error_of_ours_without_the_key(server, discover, body, status, problem):
    server.says(body, status=status)
    with pytest.raises(DiscoveryFailed, match=problem) as failed:
        discover(server.url, api_key="the-secret-key")
    assert f"{server.url}/v1/models" in str(failed.value)
    assert "the-secret-key" not in repr(failed.value)
    assert failed.value.__cause__ is None


def test_nobody_there_and_no_key(discover, monkeypatch):
    with pytest.raises(DiscoveryFailed, match="does not tell its models"):
        discover("http://user:password@127.0.0.1:9/v1", seconds=5)
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    with pytest.raises(MissingKey, match="GROQ_API_KEY"):
        discover("groq")
    with pytest.raises(UnknownProvider, match="Did you mean 'ollama'"):
        discover("olama")
    with pytest.raises(ConfigurationError, match="has no list of models"):
        discover("bedrock")
    with pytest.raises(ConfigurationError, match="seconds"):
        discover("ollama", seconds=0)


def test_a_key_by_reference_stays_one(server, discover, monkeypatch):
    monkeypatch.setenv("MY_KEY", "the-secret-key")
    server.says({"data": [{"id": "a"}]})
    (entry,) = discover(server.url, api_key="env:MY_KEY")
    assert entry.api_key == "env:MY_KEY"
    assert server.asked[0][1]["authorization"] == "Bearer the-secret-key"
    assert "the-secret-key" not in repr(entry)


@pytest.mark.parametrize("where", ["http://127.0.0.1:9/v1?key=very-secret", "http://127.0.0.1:9/v1#very-secret", None, 3])
def test_where_nobody_can_be_asked(discover, where):
    with pytest.raises(ConfigurationError) as caught:
        discover(where)
    assert "very-secret" not in str(caught.value)
