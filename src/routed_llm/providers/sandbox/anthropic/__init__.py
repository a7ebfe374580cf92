"""Anthropic's Messages API as a language of the sandbox (sources: Claude documentation, and recorded answers)."""
