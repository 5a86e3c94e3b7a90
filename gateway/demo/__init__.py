"""The demo: a gateway, simulated devices, and a board on the terminal."""
