"""What a Model entry shows of itself."""

import pytest

from routed_llm import Model


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"private": True}, "Model(model='x:y', private=True)"),
        ({"private": False}, "Model(model='x:y', private=False)"),
        ({"weight": 0}, "Model(model='x:y', weight=0)"),
        ({"weight": 1}, "Model(model='x:y')"),
        ({"keep_retries": True, "tags": ()}, "Model(model='x:y', keep_retries=True)"),
        ({"api_key": "sk-secret", "headers": {"x": "secret"}, "proxy": "http://secret"}, "Model(model='x:y')"),
    ],
)
def test_an_entry_shows_what_was_said_and_no_secret(said, shown):
    assert repr(Model("x:y", **said)) == shown
