"""Backups: all four files and the settings in one file, and a box made of it again."""
