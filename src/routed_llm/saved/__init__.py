"""Decisions that are kept: written to a file, read again, made again, and made otherwise."""
