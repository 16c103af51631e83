# SPDX-License-Identifier: Apache-2.0
"""Random search in the style of published plugins: values are NumPy scalars, the state is NumPy's (a tuple with an array)."""
import numpy as np

from plugins.core.base_plugin_opt import BasePluginOptimizer
from plugins.core.logger import logger


class PluginOptimizer(BasePluginOptimizer):
    def __init__(self, name, hyper_parameters, **kwargs):
        super(PluginOptimizer, self).__init__(name, hyper_parameters, **kwargs)
        self._hyper_parameters = hyper_parameters
        self._history = []
        seed = kwargs.get("random_seed")
        logger.info("%s starts with random_seed %s", name, seed)
        if seed:
            np.random.seed(int(seed))

    def _draw(self, hp):
        kind, data = hp["type"], hp["dataType"]
        if kind == "Range" and data == "DOUBLE":
            return np.random.uniform(hp.get("minDbVal"), hp.get("maxDbVal"))
        if kind == "Range" and data == "INT":
            return np.random.randint(hp.get("minIntVal"), hp.get("maxIntVal"))      # never the largest
        values = {"DOUBLE": hp.get("discreteDbVal"), "INT": hp.get("discreteIntVal"), "STR": hp.get("discreateStrVal")}[data]
        return values[np.random.randint(len(values))] if data == "STR" else np.array(values)[np.random.randint(len(values))]

    def search(self, number_samples, last_exp_results):
        if last_exp_results and len(last_exp_results) > 0:
            self._history.extend(last_exp_results)
        logger.debug("told %s", last_exp_results)
        return [{hp["name"]: self._draw(hp) for hp in self._hyper_parameters} for _ in range(number_samples)]

    def get_state(self):
        return {"rng": np.random.get_state()}

    def set_state(self, state):
        np.random.set_state(state["rng"])
