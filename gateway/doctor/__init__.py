"""Looks at everything a gateway rests on, and says what to do: see checks.py."""
