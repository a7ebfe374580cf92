"""OpenAI's Responses API as a language of the sandbox (sources: OpenAI API reference, and recorded answers)."""
