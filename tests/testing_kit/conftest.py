"""The fixtures of the plug-in, as a user's conftest has them."""

from routed_llm.testing.pytest_plugin import faulty_provider, faulty_provider_factory, sandbox

__all__ = ["faulty_provider", "faulty_provider_factory", "sandbox"]
