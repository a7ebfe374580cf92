"""Rules change what may or should answer a call."""
