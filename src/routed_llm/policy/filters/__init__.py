"""Filters reject candidates, each with a reason a user can read."""
