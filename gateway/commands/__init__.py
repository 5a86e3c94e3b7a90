"""What may be asked of a gateway, and the local socket over which it is asked."""
