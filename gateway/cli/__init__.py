"""What a person types: a file for each group of commands."""
