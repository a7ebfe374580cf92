"""Scorers give candidates values with a unit and a direction."""
