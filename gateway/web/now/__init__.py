"""How everything stands now, and how browsers hear of it."""
