# SPDX-License-Identifier: Apache-2.0
"""What a plugin search algorithm is made of::

    from plugins.core.base_plugin_opt import BasePluginOptimizer

    class PluginOptimizer(BasePluginOptimizer):
        def search(self, number_samples, last_exp_results):
            ...
"""


class BasePluginOptimizer(object):
    """A search algorithm in one search; it lives in a process of its own, from the start of the search to its end.

    name              the algorithm's
    hyper_parameters  list of dicts: name, type ("Range" or "Discrete"), dataType ("DOUBLE", "INT" or "STR") and its bounds
                      or values, in the members that the API gives them
    kwargs            algoParams of the search: name to value, the values as text
    """

    def __init__(self, name, hyper_parameters, **kwargs):
        self.name = name
        self.hyper_parameters = hyper_parameters
        self.kwargs = kwargs

    def search(self, number_samples, last_exp_results=None):
        """Up to number_samples suggestions, each a dict of hyperparameter name to value; an empty list ends the search once
        its experiments have ended. last_exp_results: a list of dicts, the experiments that have ended since the last call."""
        raise NotImplementedError("PluginOptimizer has no method search(number_samples, last_exp_results)")

    def get_state(self):
        """Whatever can be pickled that set_state() needs to go on from here, after a restart of the server. None: the
        calls of search() are repeated then, which is as good as long as the same calls have the same effect."""
        return None

    def set_state(self, state):
        """Goes on from what get_state() gave. Called once, before the first search()."""
