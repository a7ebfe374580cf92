"""Selectors put candidates in order."""
