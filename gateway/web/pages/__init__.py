"""The views: one file each, and what their words are made of."""
