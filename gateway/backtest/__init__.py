"""Rules tried on the past, and how that is drawn."""
