"""Features find out facts about a call; the only pieces of a policy that may wait or read text."""
