"""`holdwatch consignment`: all its commands."""

from __future__ import annotations

from gateway.cli import evidence, verdicts
from gateway.cli.consignments import consignment_app

evidence.add_to(consignment_app)
verdicts.add_to(consignment_app)
