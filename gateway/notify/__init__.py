"""Telling people: events become messages, and messages reach people by channels."""
