"""All that touches the world: brokers, files, people."""

__version__ = "0.1.0"
