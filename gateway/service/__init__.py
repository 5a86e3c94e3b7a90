"""What installs the gateway on a machine, what it tells systemd, and who it is."""
