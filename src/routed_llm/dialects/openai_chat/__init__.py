"""OpenAI's chat completions, spoken by most providers: ``body`` out, ``reader`` and ``usage`` in."""
