"""OpenAI's Responses API, spoken by OpenAI, Azure, xAI, DeepSeek, OpenRouter, Bedrock and some local servers."""
