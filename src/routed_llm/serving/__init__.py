"""Requests in OpenAI's form, answered by a router: for ``openai`` clients in this process, and for whoever serves them.

A body comes in (:mod:`~routed_llm.serving.chat`), becomes a :class:`~routed_llm.requests.Request` with messages of the hub, and
goes out as OpenAI's JSON or events. :mod:`~routed_llm.serving.routes` knows which path is what, and
:mod:`~routed_llm.serving.client` makes an ``openai`` client whose requests end here instead of on a wire.
"""
