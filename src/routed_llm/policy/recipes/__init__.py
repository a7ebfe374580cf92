"""The strategies: each file makes one of small pieces. A new one is a file here and a line in the registry."""
