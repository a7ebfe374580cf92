"""Each fault of the catalogue does on the wire what it says, seen by a client of raw sockets."""

import gzip
import json
import re
import socket
import ssl

import pytest
from wire_client import ask, chat, decoded, events, send, talk

from routed_llm.testing.faults import FAULTS, TOOL_CALLS, Asked, FaultyProvider, Healthy, select
from routed_llm.testing.pytest_plugin import every_fault

TEXT = Healthy().text
HUGE = 64 * 1024 * 1024

#: how the connection ends where it does not stay open
FIN = {
    "fin_before_headers", "not_http", "body_cut_by_fin", "missing_last_chunk", "idle_closed",
    "stream_fin_before_content", "stream_fin_after_role", "stream_fin_midway",
}  # fmt: skip
RESET = {
    "reset_before_headers", "body_cut_by_reset",
    "stream_reset_before_content", "stream_reset_after_role", "stream_reset_midway",
    "stream_reset_in_token",
}  # fmt: skip
#: too large to be read by every test
LARGE = {"huge_answer", "huge_stream"}
OF_REQUESTS = [fault for fault in FAULTS.values() if fault.address == "plain" and fault.name not in LARGE]
MODES = [(fault, mode) for fault in OF_REQUESTS for mode in sorted(fault.modes)]


def until(fault):
    """How long its client reads: see ``talk``."""
    if fault.name in FIN | RESET:
        return "end"
    return "quiet" if fault.stalls or fault.name in LARGE | {"stream_endless"} else "whole"


def mode_ids(value):
    return getattr(value, "name", value)


def said(body, stream):
    """The text of an answer, whole or streamed."""
    if not stream:
        return json.loads(body)["choices"][0]["message"]["content"]
    chunks = [told for told in events(body) if isinstance(told, dict) and told.get("choices")]
    return "".join(told["choices"][0]["delta"].get("content") or "" for told in chunks)


@pytest.mark.parametrize(("fault", "mode"), MODES, ids=mode_ids)
def test_its_ending_and_its_clock(fault, mode, faulty_provider_factory):
    provider = faulty_provider_factory(pace=0.1 if "dripping" in fault.name else 1.0)
    with send(provider.always(fault), {"stream": mode == "stream"}) as sock:
        data, ending = talk(sock, until(fault))
        if until(fault) == "whole":
            assert ending == "open"
            ending = talk(sock, "quiet")[1]
        assert ending == ("fin" if fault.name in FIN else "reset" if fault.name in RESET else "open")
    assert provider.journal[0].fault == fault.name
    if fault.stalls:  # its client is held until it goes
        assert provider.journal.wait_until("left")
        assert not provider.journal[0].complete
    elif fault.name != "stream_endless":
        assert provider.journal.wait_until("done")
        assert not provider.journal[0].left
    if fault.stalls and data.startswith(b"HTTP/1.1 200 OK\r\n") and b"\r\n\r\n" in data and mode == "unary":
        assert not decoded(data)[3]


@pytest.mark.parametrize(
    ("fault", "mode"), [(f, m) for f, m in MODES if f.reaction == "take" and f.needs is None], ids=mode_ids
)
def test_what_is_taken_is_whole_and_right(fault, mode, faulty_provider):
    data, _ = ask(faulty_provider.always(fault), mode == "stream", stream_options={"include_usage": True})
    status, _, body, whole = decoded(data)
    assert (status, whole) == (200, True)
    assert said(body, mode == "stream" and fault.name != "json_instead_of_sse") == TEXT
    assert faulty_provider.journal.complete_answers == 1


@every_fault(rows=tuple(range(27, 38)))
def test_a_status_is_what_its_name_says(fault, faulty_provider):
    data, _ = ask(faulty_provider.always(fault))
    status, headers, body, whole = decoded(data)
    assert whole
    assert status == int(re.search(r"\d{3}$", fault.name)[0])
    if fault.name == "html_502":
        assert b"<html>" in body
    else:
        assert json.loads(body)["error"]["message"]
    if fault.wait is not None:
        assert {"retry-after", "retry-after-ms"} & set(headers)


@every_fault(mode="stream", reaction="cut")
def test_what_strikes_midway_comes_after_content(fault, faulty_provider):
    data, _ = ask(faulty_provider.always(fault), True, until=until(fault))
    told = events(decoded(data[: 4 * 1024 * 1024])[2])
    if fault.needs == "tools":
        assert told[1]["choices"][0]["delta"]["tool_calls"][0]["id"]
    else:
        assert told[1]["choices"][0]["delta"]["content"]


@every_fault(rows=(40, 41, 42), reaction="next")
def test_what_strikes_before_content_shows_none(fault, faulty_provider):
    data, _ = ask(faulty_provider.always(fault), True, until=until(fault))
    told = events(decoded(data)[2])
    stopped = next((at for at, one in enumerate(told) if not isinstance(one, dict) or "error" in one), len(told))
    assert said(b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in told[:stopped]), True) == ""
    roles = [one for one in told[:stopped] if one["choices"]]
    assert len(roles) == ("after_role" in fault.name or "comments" in fault.name)


def test_refused_and_back_again(faulty_provider):
    assert ask(faulty_provider)[0]
    faulty_provider.always("connection_refused")
    with pytest.raises(ConnectionRefusedError):
        ask(faulty_provider)
    assert ask(faulty_provider.always(None))[0]


def test_a_name_that_does_not_resolve(faulty_provider):
    host = faulty_provider.always("dns_failure").base_url.split("/")[2].split(":")[0]
    assert host.endswith(".invalid")
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(host, 80)


def test_a_black_hole_answers_no_syn(faulty_provider):
    faulty_provider.always("syn_black_hole")
    port = int(faulty_provider.base_url.split(":")[2].removesuffix("/v1"))
    with pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", port), timeout=0.3)
    assert ask(faulty_provider.heal())[0]


def handshake(provider, context):
    assert provider.base_url.startswith("https://")
    port = int(provider.base_url.split(":")[2].removesuffix("/v1"))
    with (
        socket.create_connection(("127.0.0.1", port), timeout=2) as sock,
        context.wrap_socket(sock, server_hostname="localhost") as tls,
    ):
        tls.sendall(chat())
        return talk(tls)


def test_tls_to_plaintext(faulty_provider):
    with pytest.raises(ssl.SSLError, match=r"(?i)wrong.version"):
        handshake(faulty_provider.always("tls_to_plaintext"), ssl.create_default_context())


def test_a_certificate_that_nobody_trusts(faulty_provider):
    faulty_provider.always("untrusted_certificate")
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed"):
        handshake(faulty_provider, ssl.create_default_context())
    assert len(faulty_provider.journal) == 0
    careless = ssl.create_default_context()
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    assert b"200 OK" in handshake(faulty_provider, careless)[0]  # the certificate is the only fault
    assert faulty_provider.journal.connections[-1].secure


@pytest.mark.parametrize(
    ("name", "ending"), [("fin_on_reused", "fin"), ("reset_on_reused", "reset"), ("keep_alive_race", "reset")]
)
def test_a_used_connection_breaks(name, ending, faulty_provider):
    faulty_provider.always(name)
    with send(faulty_provider) as sock:
        assert TEXT.encode()[:10] in talk(sock)[0]
        sock.sendall(chat()[:50] if name == "keep_alive_race" else chat())
        assert talk(sock, "end") == (b"", ending)
    assert ask(faulty_provider)[1] == "open"  # a fresh one is right
    assert [told.reused for told in faulty_provider.journal] == [False, True, False]
    assert faulty_provider.journal[1].whole == (name != "keep_alive_race")
    assert faulty_provider.journal.complete_answers == 2


def test_what_drips_never_ends(faulty_provider):
    faulty_provider.pace = 0.02
    first, ending = ask(faulty_provider.always("dripping_headers"), until="quiet")
    assert ending == "open"
    assert first.count(b"x-header-") > 3
    assert b"\r\n\r\n" not in first
    body, _ = ask(faulty_provider.always("dripping_body"), until="quiet")
    assert 0 < len(decoded(body)[2]) < int(decoded(body)[1]["content-length"])


def test_encodings_that_lie(faulty_provider):
    _, headers, body, _ = decoded(ask(faulty_provider.always("bad_content_encoding"))[0])
    assert headers["content-encoding"] == "gzip"
    assert json.loads(body)
    _, headers, body, whole = decoded(ask(faulty_provider.always("gzip_bomb"))[0])
    assert whole
    assert len(body) < 256 * 1024
    assert len(gzip.decompress(body)) == HUGE + 4
    assert json.loads(gzip.decompress(body)) is None


def test_borders_inside_characters_and_line_ends(faulty_provider):
    data, _ = ask(faulty_provider.always("split_characters"))
    sizes = re.findall(rb"\r\n([0-9a-f]+)\r\n", data)
    assert set(sizes) == {b"1", b"0"}
    steps = list(FAULTS["split_line_ends"].play(Asked("/v1/chat/completions", {"stream": True}, Healthy())))
    parts = [step for step in steps if isinstance(step, bytes)]
    assert all(part.endswith(b"\r") for part in parts[:-1])
    assert len(parts) - 1 == sum(isinstance(step, float) for step in steps) > 50


def test_redirects(faulty_provider):
    status, headers, *_ = decoded(ask(faulty_provider.always("redirect_loop"))[0])
    assert status == 307
    assert headers["location"] == faulty_provider.base_url + "/chat/completions"
    _, headers, *_ = decoded(ask(faulty_provider.always("redirect_to_other_origin"))[0])
    origin = headers["location"].removesuffix("/chat/completions")
    assert origin != faulty_provider.base_url
    assert faulty_provider.journal.foreign == []
    with socket.create_connection(("127.0.0.1", int(origin.split(":")[2].removesuffix("/v1"))), timeout=2) as sock:
        sock.sendall(chat(key="canary"))
        assert b"200 OK" in talk(sock)[0]
    (arrived,) = faulty_provider.journal.foreign
    assert arrived.headers["authorization"] == "Bearer canary"
    assert len(faulty_provider.journal) == 2


@pytest.mark.parametrize(("name", "stream"), [("huge_answer", False), ("huge_stream", True)])
def test_huge_answers(name, stream, faulty_provider):
    with send(faulty_provider.always(name), {"stream": stream}) as sock:
        sock.settimeout(5)
        size, piece = 0, b"x"
        while size < HUGE and piece:
            piece = sock.recv(1 << 20)
            size += len(piece)
    assert size >= HUGE


@pytest.mark.parametrize(
    ("name", "body"),
    [("empty_body", b""), ("null_body", b"null"), ("malformed_json", None), ("other_shape", None), ("html_with_200", None)],
)
def test_bodies_that_are_none(name, body, faulty_provider):
    status, _, told, whole = decoded(ask(faulty_provider.always(name))[0])
    assert (status, whole) == (200, True)
    assert told == body or body is None
    if name in ("malformed_json", "html_with_200"):
        with pytest.raises(ValueError):
            json.loads(told)
    if name == "other_shape":
        assert "choices" not in json.loads(told)


def test_contents(faulty_provider):
    def choice(name, **more):
        value = json.loads(decoded(ask(faulty_provider.always(name), **more)[0])[2])
        return value["choices"][0] if value.get("choices") else value

    assert choice("error_object_with_200")["error"]["type"] == "overloaded_error"
    assert choice("no_choices")["choices"] == []
    assert choice("null_content")["message"]["content"] is None
    assert choice("empty_content")["message"]["content"] == ""
    assert choice("content_filter_finish")["finish_reason"] == "content_filter"
    cut = choice("cut_by_length", response_format={"type": "json_object"})
    assert cut["finish_reason"] == "length"
    with pytest.raises(ValueError):
        json.loads(cut["message"]["content"])


def test_usages(faulty_provider):
    def usage(name):
        return json.loads(decoded(ask(faulty_provider.always(name))[0])[2]).get("usage")

    assert usage("usage_missing") is None
    assert usage("usage_negative")["prompt_tokens"] < 0
    assert usage("usage_absurd")["completion_tokens"] == 10**18
    assert isinstance(usage("usage_strings")["total_tokens"], str)


def test_a_wrong_key_is_echoed_and_counted_faults_count(faulty_provider):
    assert b"faulty-key" in ask(faulty_provider.always("unauthorized_401"))[0]
    faulty_provider.always("one_off")
    assert [decoded(ask(faulty_provider)[0])[0] for _ in range(3)] == [500, 200, 200]
    faulty_provider.always("key_revoked")
    assert [decoded(ask(faulty_provider)[0])[0] for _ in range(3)] == [200, 401, 401]


@every_fault(rows=(49,), reaction="take")
def test_tool_calls_in_odd_orders_hold_the_same_calls(fault, faulty_provider):
    """Read by the rule: a delta belongs to its index, or without one to the call whose id came last."""
    told = events(decoded(ask(faulty_provider.always(fault), True)[0])[2])
    calls, last = {}, None
    for chunk in told[:-1]:
        for delta in chunk["choices"][0]["delta"].get("tool_calls", ()) if chunk["choices"] else ():
            last = delta.get("index", delta.get("id", last))
            call = calls.setdefault(last, {"arguments": ""})
            call["id"] = delta.get("id") or call.get("id")
            call["name"] = delta["function"].get("name") or call.get("name")
            call["arguments"] += delta["function"].get("arguments") or ""
    found = sorted((call["id"], call["name"], json.loads(call["arguments"])) for call in calls.values())
    assert found == [(f"call_{number}", name, arguments) for number, (name, arguments) in enumerate(TOOL_CALLS)]


@every_fault(rows=(50,), mode="unary")
def test_tool_arguments(fault, faulty_provider):
    value = json.loads(decoded(ask(faulty_provider.always(fault))[0])[2])
    arguments = value["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    if fault.name == "tool_arguments_huge":
        assert len(json.loads(arguments)["city"]) > 1_000_000
    else:
        with pytest.raises((ValueError, RecursionError)):
            json.loads(arguments)


def test_the_catalogue_covers_the_rows():
    rows = {row for fault in FAULTS.values() for row in fault.rows}
    assert rows >= set(range(1, 52))
    assert len(FAULTS) >= 72
    assert all(name == fault.name for name, fault in FAULTS.items())
    assert {fault.name for fault in select(mode="astream", strikes="after", stalls=True)} == {
        "stream_stall_midway",
        "stream_comments_midway",
    }


def test_a_provider_of_another_answer():
    with FaultyProvider(lambda body: f"You said {body['messages'][-1]['content']}") as provider:
        assert said(decoded(ask(provider)[0])[2], False) == "You said Hi."
    with FaultyProvider(Healthy(None, [("look", {"at": 1})])) as provider:
        told = events(decoded(ask(provider, True)[0])[2])
        assert [chunk["choices"][0]["finish_reason"] for chunk in told[:-1]][-1] == "tool_calls"
