"""Anthropic's Messages API, also at Vertex, at Bedrock's invoke, and where other makers speak it."""
