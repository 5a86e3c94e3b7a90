"""Vendors' payload codecs: a folder of them, and the process that runs them."""
