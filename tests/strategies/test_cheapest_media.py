"""``cheapest`` counts the images and the audio of a prompt, where somebody has a price for them."""

import pytest
from kit import DOORS
from langchain_core.messages import HumanMessage
from llama_index.core.base.llms.types import AudioBlock, ChatMessage, ImageBlock, TextBlock

from routed_llm import Model, RoutedChatModel, RoutedLLM, Router
from routed_llm.testing import Sandbox, SandboxModel, SandboxServer

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
SOUND = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA="
ABLE = ["images", "audio"]
#: an image costs 0.003 dollars at one, a call 0.005 at the other
BY_IMAGE = {"price": {"input": 0.1, "output": 0.1, "image": 0.003}, "abilities": ABLE}
BY_CALL = {"price": {"input": 0.1, "output": 0.1, "request": 0.005}, "abilities": ABLE}


@pytest.fixture(scope="module")
def server():
    able = frozenset(ABLE)
    names = ("by_image", "by_call", "by_sound", "flat")
    with SandboxServer(Sandbox([SandboxModel(name, abilities=able) for name in names])) as server:
        yield server


def router_over(server, **about):
    models = [
        Model(f"openai:{name}", name=name, base_url=server.base_url, api_key="any", **told) for name, told in about.items()
    ]
    return Router(models, "cheapest")


def decided(door, router, images=0, sounds=0):
    """What the answer to a prompt with so many pieces tells of its call."""
    if door == "langchain":
        block = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
        sound = {"type": "input_audio", "input_audio": {"data": SOUND, "format": "wav"}}
        content = [{"type": "text", "text": "What is this?"}, *[block] * images, *[sound] * sounds]
        return RoutedChatModel(router=router).invoke([HumanMessage(content)]).response_metadata["routing"]
    blocks = [TextBlock(text="What is this?")]
    blocks += [ImageBlock(image=PNG.encode(), image_mimetype="image/png") for _ in range(images)]
    blocks += [AudioBlock(audio=SOUND.encode(), format="wav") for _ in range(sounds)]
    return RoutedLLM(router=router).chat([ChatMessage(blocks=blocks)]).additional_kwargs["routing"]


@pytest.mark.parametrize("door", DOORS)
def test_two_images_change_the_choice(server, door):
    router = router_over(server, by_image=BY_IMAGE, by_call=BY_CALL)
    found = [decided(door, router, images=n)["model"] for n in (0, 1, 2)]
    assert found == ["by_image", "by_image", "by_call"]


@pytest.mark.parametrize("door", DOORS)
def test_what_was_paid_has_the_images_in_it(server, door):
    router = router_over(server, by_image=BY_IMAGE)
    costs = [decided(door, router, images=n)["cost_nanousd"] for n in (0, 2)]
    assert costs[0] < 1_000_000
    assert 6_000_000 < costs[1] < 7_000_000


@pytest.mark.parametrize("door", DOORS)
def test_audio_has_its_own_price(server, door):
    by_sound = {"price": {"input": 0.1, "output": 0.1, "audio_input": 40}, "abilities": ABLE}
    flat = {"price": {"input": 0.4, "output": 0.4}, "abilities": ABLE}
    router = router_over(server, by_sound=by_sound, flat=flat)
    assert [decided(door, router, sounds=n)["model"] for n in (0, 1)] == ["by_sound", "flat"]
    fresh = router_over(server, by_sound=by_sound, flat=flat)  # nothing is measured: an image has no price of its own here
    assert decided(door, fresh, images=1)["model"] == "by_sound"
