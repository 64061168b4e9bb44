"""The engine that asks a language model, at any OpenAI-compatible endpoint."""
