"""Tasks of the user's own, and which feature finds out which fact."""

import pytest

from routed_llm import RoutedChatModel, Router
from routed_llm.errors import ConfigurationError

POOL = '[models]\nsmall = "sandbox:sandbox-small"\nlarge = "sandbox:sandbox-large"\n'

TASKS = """
strategy = { when = { task = "refund" }, then = { rules = [{ name = "money", pin = "large" }] } }
[tasks.refund]
description = "wants money back"
examples = ["I want my money back", "please refund my order", "can I get a refund?", "give me my money back"]
[tasks.cancel]
examples = ["cancel my subscription", "I want to stop my plan", "end my membership", "how do I cancel?"]
"""


@pytest.mark.parametrize(
    ("said", "model"), [("I want my money back please", "large"), ("please cancel my subscription", "small")]
)
def test_tasks_of_your_own(said, model):
    chat = RoutedChatModel.from_config(TASKS + POOL)
    assert chat.invoke(said).response_metadata["routing"]["model"] == model


def test_a_feature_finds_out_only_what_it_is_asked_for():
    text = POOL + '[features]\ndifficulty = { use = "ask_model", model = "small", seconds = 2 }\n'
    (feature,) = Router.from_config(text)._core.features
    assert feature.gives == ("difficulty",)
    (feature,) = Router.from_config(text + 'task = { use = "ask_model", model = "small", seconds = 2 }\n')._core.features
    assert feature.gives == ("difficulty", "task")


def test_a_feature_with_all_of_its_facts():
    text = 'strategy = { when = { "pattern.order" = true }, then = { rules = [{ name = "o", pin = "large" }] } }\n' + POOL
    chat = RoutedChatModel.from_config(text + '[features.pattern]\npatterns = { order = "order \\\\d+" }\n')
    assert chat.invoke("Where is order 12?").response_metadata["routing"]["model"] == "large"
    assert chat.invoke("Where is it?").response_metadata["routing"]["model"] == "small"


def test_a_model_that_is_to_be_asked_must_be_there():
    with pytest.raises(ConfigurationError, match="smal"):
        Router.from_config('strategy = "task"\n' + POOL + '[features]\ntask = { use = "ask_model", model = "smal" }\n')
