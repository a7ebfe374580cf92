"""What is sensitive in a text: personal data, health, finance, secrets; found by rules and check digits, not by a model."""

from routed_llm.prompt.sensitive.find import classes_of, find_sensitive
from routed_llm.prompt.sensitive.finding import Finding

__all__ = ["Finding", "classes_of", "find_sensitive"]
