# SPDX-License-Identifier: Apache-2.0
"""Grid search in the style of published plugins: no state, NumPy scalars, an empty list at the end."""
import itertools

import numpy as np

from plugins.core.base_plugin_opt import BasePluginOptimizer
from plugins.core.logger import logger


class PluginOptimizer(BasePluginOptimizer):
    def __init__(self, name, hyper_parameters, **kwargs):
        super(PluginOptimizer, self).__init__(name, hyper_parameters, **kwargs)
        self._names = [hp["name"] for hp in hyper_parameters]
        points = int(kwargs.get("points", 3))
        self._combinations = itertools.product(*[self._values(hp, points) for hp in hyper_parameters])

    @staticmethod
    def _values(hp, points):
        if hp["type"] == "Range" and hp["dataType"] == "DOUBLE":
            return list(np.linspace(hp["minDbVal"], hp["maxDbVal"], points))
        if hp["type"] == "Range":
            return list(np.arange(hp["minIntVal"], hp["maxIntVal"] + 1))
        return {"DOUBLE": hp.get("discreteDbVal"), "INT": hp.get("discreteIntVal"), "STR": hp.get("discreateStrVal")}[hp["dataType"]]

    def search(self, number_samples, last_exp_results=None):
        found = [dict(zip(self._names, values)) for values in itertools.islice(self._combinations, number_samples)]
        logger.info("asked for %d, gives %d", number_samples, len(found))
        return found
