"""Certificates from a company's authority: asked for, taken in, renewed, and watched."""
