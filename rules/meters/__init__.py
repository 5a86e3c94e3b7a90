"""Meters that kinds of rules share, and the formulas they rest on. See `rules.meter`."""
