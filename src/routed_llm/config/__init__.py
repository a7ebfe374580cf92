"""Configuration from one file: gives the values that a router is made of; see :mod:`routed_llm.config.load`."""
