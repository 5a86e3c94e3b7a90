"""The page and the HTTP API: a process of its own, which reads files and asks the gateway."""
