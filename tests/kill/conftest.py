# SPDX-License-Identifier: Apache-2.0
import sys
from pathlib import Path

for folder in [".", "api"]:         # the harness, and what it shares with the API tests
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / folder))
