"""How the program is started in tests, and in what environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HOLDWATCH = (sys.executable, "-c", "from gateway.cli.main import main; main()")
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160", "NO_COLOR": "1"}
