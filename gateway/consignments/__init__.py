"""Consignments: what people state of goods on their way, dated, and what follows from it."""
