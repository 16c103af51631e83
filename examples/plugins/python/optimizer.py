# SPDX-License-Identifier: Apache-2.0
"""Looks around, then near the best experiment so far, closer the more there are."""
import random

from plugins.core.base_plugin_opt import BasePluginOptimizer
from plugins.core.logger import logger


class PluginOptimizer(BasePluginOptimizer):
    def __init__(self, name, hyper_parameters, **kwargs):
        super().__init__(name, hyper_parameters, **kwargs)
        self.random = random.Random(kwargs.get("random_seed"))
        self.best, self.count = None, 0

    def draw(self, hp):
        """A value of one hyperparameter: a number of a range, or one of a list."""
        if hp["type"] == "Discrete":
            return self.random.choice([v for key in hp if key.startswith("discre") for v in hp[key]])
        low, high = (hp["minDbVal"], hp["maxDbVal"]) if hp["dataType"] == "DOUBLE" else (hp["minIntVal"], hp["maxIntVal"])
        if self.best and self.count > 5:
            centre, width = self.best["hyperparameters"][hp["name"]], (high - low) / self.count
            low, high = max(low, centre - width), min(high, centre + width)
        value = self.random.uniform(low, high)
        return value if hp["dataType"] == "DOUBLE" else round(value)

    def search(self, number_samples, last_exp_results):
        for result in last_exp_results:
            sign = -1 if result["objective"] == "maximize" else 1
            if result["metricVal"] is not None and (not self.best or sign * result["score"] < sign * self.best["score"]):
                self.best = result
                logger.info("experiment %d is the best so far: %s", result["id"], result["score"])
        self.count += number_samples
        return [{hp["name"]: self.draw(hp) for hp in self.hyper_parameters} for _ in range(number_samples)]

    def get_state(self):
        return self.random.getstate(), self.best, self.count

    def set_state(self, state):
        self.random.setstate(state[0])
        self.best, self.count = state[1:]
