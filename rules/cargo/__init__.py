"""Goods on their way: what a consignment is, and what its sensors say of it."""
