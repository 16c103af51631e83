# SPDX-License-Identifier: Apache-2.0
"""The log of a plugin: ``from plugins.core.logger import logger``. It goes to standard error, which the server keeps; what
is less than the algorithm's logLevel is left out."""

import logging
import sys

logger = logging.getLogger("plugin")
logger.setLevel(logging.INFO)
logger.propagate = False
if not logger.handlers:
    _handler = logging.StreamHandler(sys.stderr)
    _handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(_handler)
