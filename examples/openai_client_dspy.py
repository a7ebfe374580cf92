"""A DSPy program whose first provider is down: the next one answers. Needs DSPy.

The providers are played on this machine: one fails always, the other says what a model would.
"""

import os

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else LiteLLM asks the network for prices

import dspy

from routed_llm import Router
from routed_llm.testing.faults import FaultyProvider

SAID = "[[ ## name ## ]]\nAda Lovelace\n\n[[ ## age ## ]]\n36\n\n[[ ## completed ## ]]"

with FaultyProvider() as down, FaultyProvider(SAID) as up:
    down.always("unavailable_503")
    router = Router([down.model("first"), up.model("second")], quiet_fallbacks=True)
    lm = dspy.LM(
        "openai/auto",
        client=router.openai(),
        engine="litellm",  # the one that takes a client
        api_key="none",
        cache=False,
        extra_body={"routing": {"user": "u-1"}},  # hints of every call
    )
    dspy.configure(lm=lm)

    with router.track() as spend:
        told = dspy.Predict("text -> name: str, age: int")(text="Ada Lovelace is 36 years old.")

    print("typed:", repr(told.name), told.age)
    print("tried:", [attempt.deployment.model for attempt in router.records()[0].attempts])
    print(f"calls: {spend.calls} by {', '.join(spend.by_model)}, {spend.total_nanousd} nano-dollars")
