"""Keys in what a provider says are hidden, and the words around them are left alone."""

import pytest

from routed_llm.dialects.errors import redact


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Incorrect API key provided: sk-proj-abcdefgh12345678.", "Incorrect API key provided: [key]"),
        ("Incorrect API key provided: ab12cd34ef56ab12.", "Incorrect API key provided: [key]"),
        ("Incorrect API key provided: sk-ab***5678. You can find it", "Incorrect API key provided: [key] You can find it"),
        ("Incorrect API key provided: none", "Incorrect API key provided: none"),
        ("No API key provided. Pass one.", "No API key provided. Pass one."),
        ("The API key provided", "The API key provided"),
        ("This key requires permissions", "This key requires permissions"),
        ("the key sk-abcdefgh12345678 is invalid", "the [key] is invalid"),
        ("the key abcdefgh12345678 is invalid", "the [key] is invalid"),
        ("the key Abcdefghijk is invalid", "the [key] is invalid"),
        ("the key abcdefghijklmnopqrst is invalid", "the [key] is invalid"),
        ("key-abcdefghij key_abcdefghij key=abcdefghij", "[key] [key] [key]"),
        ("Bearer abcdefghij", "[key]"),
        ("AIzaSyA1234567890", "[key]"),
    ],
)
def test_redact(said, told):
    assert redact(said) == told
