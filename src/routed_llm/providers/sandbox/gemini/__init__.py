"""Gemini's generateContent as a language of the sandbox (sources: Gemini API documentation, and recorded answers)."""
