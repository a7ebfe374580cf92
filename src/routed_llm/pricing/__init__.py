"""Prices of a running router: a list in a file, and one that is fetched in the background. Read ``settings.py`` first."""
