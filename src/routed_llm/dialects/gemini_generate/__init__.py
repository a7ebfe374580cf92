"""Google's generateContent, spoken by the Gemini API and by Vertex AI: ``body`` out, ``reader`` and ``usage`` in."""
