"""Mistakes that users make, and what they are told: the same at every door."""

from routed_llm import Model, Router
from routed_llm.errors import (
    ConfigurationError,
    InvalidCall,
    MissingKey,
    NoEligibleModel,
    NoModels,
    UnknownHint,
    UnknownModel,
    UnknownProvider,
)

__all__ = ["AT_CONSTRUCTION", "AT_THE_CALL", "GPT"]

GPT = ["openai:gpt-5"]


def entry(**given):
    """One entry of a known model."""
    return [Model("openai:gpt-5", **given)]


#: how a door is built, the error, and what its message says
AT_CONSTRUCTION = [
    (lambda door: door(["opnai:gpt-5"]), UnknownProvider, "Did you mean 'openai'"),
    (lambda door: door([]), NoModels, "No model to route to"),
    (lambda door: door(["openai:gpt-5", "openai:gpt-5"]), ConfigurationError, "two models are named 'openai:gpt-5'"),
    (lambda door: door(entry(price={"input": -1})), ConfigurationError, "models[0].price"),
    (lambda door: door(entry(price={"input": float("nan")})), ConfigurationError, "models[0].price"),
    (lambda door: door(entry(price={"imput": 1})), ConfigurationError, "Did you mean 'input'"),
    (lambda door: door({"fast": Model("openai:gpt-5", context=0)}), ConfigurationError, "models['fast'].context"),
    (lambda door: door(entry(abilities=["flying"])), ConfigurationError, "flying"),
    (lambda door: door(["groq:llama-3.3-70b-versatile"]), MissingKey, "GROQ_API_KEY"),
    (lambda door: door(entry(api_key="env:NOT_SET_AT_ALL")), MissingKey, "NOT_SET_AT_ALL"),
    (lambda door: door(entry(api_key="file:/nowhere/key")), MissingKey, "/nowhere/key"),
    (lambda door: door(["openai:"]), ConfigurationError, "names no model"),
    (lambda door: door(entry(base_url="ftp://x")), ConfigurationError, "base_url"),
    (lambda door: door([3]), ConfigurationError, "models[0]"),
    (lambda door: door(GPT, strategy="cheepest"), ConfigurationError, "Did you mean 'cheapest'"),
    (lambda door: door(GPT, routing={"usr": "u"}), UnknownHint, "Did you mean 'user'"),
    (lambda door: door(GPT, temprature=1), ConfigurationError, "Did you mean 'temperature'"),
    (lambda door: door(GPT, timeout=-1), ConfigurationError, "timeout"),
    (lambda door: door(GPT, timeout=0), ConfigurationError, "timeout"),
    (lambda door: door(GPT, max_retries=1.5), ConfigurationError, "max_retries"),
    (lambda door: door(GPT, routing="x"), UnknownHint, "dict of hints"),
    (lambda door: door(GPT, max_cost=1), ConfigurationError, "max_cost: is a hint: say routing={'max_cost': ...}"),
    (lambda door: door(GPT, strict_params="yes"), ConfigurationError, "strict_params: must be True or False"),
    (lambda door: door(GPT, relay="imge"), ConfigurationError, "relay: must be True, False, one of image"),
    (lambda door: door(GPT, relay={"image": "nope"}), ConfigurationError, "relay: names 'nope'"),
    (lambda door: door(router=Router("sandbox"), relay={"pdf": "sandbox-smal"}), ConfigurationError, "Did you mean"),
    (lambda door: door(GPT, profile="garanteed"), ConfigurationError, "profile"),
    (lambda door: door(GPT, router=Router("sandbox")), ConfigurationError, "models"),
    (lambda door: door(router=Router("sandbox"), timeout=5), ConfigurationError, "timeout"),
    (lambda door: door(router="sandbox"), ConfigurationError, "router"),
    (lambda door: door(entry(tags=3)), ConfigurationError, "models[0].tags"),
    (lambda door: door(entry(params="x")), ConfigurationError, "models[0].params"),
    (lambda door: door(entry(headers=["x"])), ConfigurationError, "models[0].headers"),
    (lambda door: door(entry(region=3)), ConfigurationError, "models[0].region"),
    (lambda door: door(entry(weight=True)), ConfigurationError, "models[0].weight"),
    (lambda door: door(entry(credential="x")), ConfigurationError, "credential"),
    (lambda door: door(GPT, max_price_ratio="x"), ConfigurationError, "max_price_ratio"),
    (lambda door: door(GPT, max_price_ratio=0), ConfigurationError, "max_price_ratio"),
    (lambda door: door(GPT, model_kwargs=5), ConfigurationError, "model_kwargs: must be a dict"),
    (lambda door: door(GPT, headers=5), ConfigurationError, "headers: must be a dict"),
    (lambda door: door(GPT, max_tokens="many"), ConfigurationError, "max_tokens: Input should be a valid integer"),
    (lambda door: door(GPT, temperature={}), ConfigurationError, "temperature: Input should be a valid number"),
    (lambda door: door(GPT, stop=5), ConfigurationError, "stop: Input should be a valid list"),
    (lambda door: door(["sandbox:sandbox-smal"]), ConfigurationError, "Did you mean 'sandbox-small'"),
]

#: keywords of a call, the error, and what its message says; nothing is sent
AT_THE_CALL = [
    ({"routing": {"usr": 1}}, UnknownHint, "Did you mean 'user'"),
    ({"routing": {"max_cost": "much"}}, UnknownHint, "max_cost"),
    ({"routing": {"deadline": -1}}, UnknownHint, "deadline"),
    ({"routing": "fast"}, UnknownHint, "dict of hints"),
    ({"routing": {"model": "gpt-5"}}, UnknownHint, "'model' is a keyword of each call"),
    ({"max_cost": 1}, UnknownHint, "say routing={'max_cost': ...}"),
    ({"relay": False}, UnknownHint, "say routing={'relay': ...}"),
    ({"needs": ["images"]}, UnknownHint, "say routing={'needs': ...}"),
    ({"private": True, "temperature": 0}, UnknownHint, "say routing={'private': ...}"),
    ({"routing": {"needs": "flying"}}, UnknownHint, "which is no ability"),
    ({"model": "gpt-6-mini"}, UnknownModel, "No model 'gpt-6-mini'"),
    ({"routing": {"exclude": ["openai"]}}, NoEligibleModel, "excluded by the hint"),
    ({"routing": {"exclude": ["openai:gpt5-mini"]}}, UnknownHint, "Did you mean 'openai:gpt-5-mini'"),
    ({"routing": {"prefer": "gpt-5-minni"}}, UnknownHint, "Did you mean 'gpt-5-mini'"),
    ({"routing": {"region": "mars"}}, NoEligibleModel, "no known region"),
    (
        {"tools": [{"type": "function", "function": {"name": "add", "parameters": {}}}], "tool_choice": "subtract"},
        InvalidCall,
        "names 'subtract'",
    ),
]
