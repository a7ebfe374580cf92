"""The command ``routed-llm``."""
