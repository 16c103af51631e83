# SPDX-License-Identifier: Apache-2.0
"""Other tuners behind the protocol of `trainyard suggest`: peers.py NAME reads init, ask and tell from standard input, one
JSON object per line, and answers each by one line. Each is used as its manual says, with its defaults. A value of null is a
trial that failed; those that know no failures are told the worst value so far."""
import json
import math
import os
import sys
import warnings

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
warnings.simplefilter("ignore")


class Optuna:
    """`samplers` by name; constant_liar is Optuna's own way to keep parallel trials apart."""

    def __init__(self, name, init):
        import optuna
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        seed, samplers = init["seed"], optuna.samplers
        sampler = {
            "optuna-tpe": lambda: samplers.TPESampler(seed=seed),
            "optuna-tpe-liar": lambda: samplers.TPESampler(seed=seed, constant_liar=True),
            "optuna-tpe-multivariate": lambda: samplers.TPESampler(seed=seed, multivariate=True),
            "optuna-tpe-multivariate-liar": lambda: samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True),
            "optuna-gp": lambda: samplers.GPSampler(seed=seed, deterministic_objective=True),
            "optuna-cmaes": lambda: samplers.CmaEsSampler(seed=seed),
        }[name]()
        self.study = optuna.create_study(sampler=sampler)
        d = optuna.distributions
        self.space = {p["name"]: d.CategoricalDistribution(p["values"]) if p["type"] == "Discrete" else
                      (d.IntDistribution if p["dataType"] == "int" else d.FloatDistribution)(p["min"], p["max"], log=p.get("log", False))
                      for p in init["space"]}
        self.open = []

    def ask(self):
        trial = self.study.ask(self.space)
        self.open.append(trial)
        return trial.params

    def tell(self, params, value):
        at = next((i for i, t in enumerate(self.open) if t.params == params), None)
        import optuna
        if at is not None:
            state = optuna.trial.TrialState.FAIL if value is None else optuna.trial.TrialState.COMPLETE
            self.study.tell(self.open.pop(at), value, state)
            return
        self.study.add_trial(optuna.trial.create_trial(params=params, distributions=self.space, value=value))


class Hyperopt:
    def __init__(self, name, init):
        import numpy as np
        from hyperopt import hp
        from hyperopt.base import Domain, Trials
        from hyperopt.pyll.base import scope
        self.params = {p["name"]: p for p in init["space"]}
        space = {}
        for n, p in self.params.items():
            if p["type"] == "Discrete":
                space[n] = hp.choice(n, p["values"])
            elif p["dataType"] == "int":
                space[n] = (scope.int(hp.qloguniform(n, math.log(p["min"]), math.log(p["max"]), 1)) if p.get("log")
                            else hp.uniformint(n, p["min"], p["max"]))
            else:
                space[n] = hp.loguniform(n, math.log(p["min"]), math.log(p["max"])) if p.get("log") else hp.uniform(n, p["min"], p["max"])
        self.domain, self.trials, self.random, self.open = Domain(lambda x: 0, space), Trials(), np.random.default_rng(init["seed"]), []

    def ask(self):
        from hyperopt import space_eval, tpe
        ids = self.trials.new_trial_ids(1)
        doc = tpe.suggest(ids, self.domain, self.trials, int(self.random.integers(2 ** 31 - 1)))
        self.trials.insert_trial_docs(doc)
        self.trials.refresh()
        trial = self.trials._dynamic_trials[-1]
        raw = space_eval(self.domain.expr, {k: v[0] for k, v in trial["misc"]["vals"].items()})
        params = {}
        for n, p in self.params.items():
            v = raw[n]
            if p["type"] == "Range":
                v = min(max(v, p["min"]), p["max"])
                v = int(v) if p["dataType"] == "int" else float(v)
            params[n] = v
        self.open.append((params, trial))
        return params

    def tell(self, params, value):
        at = next(i for i, (p, _) in enumerate(self.open) if p == params)
        _, trial = self.open.pop(at)
        trial["state"], trial["result"] = 2, {"status": "fail"} if value is None else {"loss": value, "status": "ok"}
        self.trials.refresh()


class Skopt:
    def __init__(self, name, init):
        import skopt
        from skopt.space import Categorical, Integer, Real
        self.params = init["space"]
        dims = [Categorical(p["values"], name=p["name"]) if p["type"] == "Discrete" else
                (Integer if p["dataType"] == "int" else Real)(p["min"], p["max"], prior="log-uniform" if p.get("log") else "uniform",
                                                             name=p["name"]) for p in self.params]
        self.optimizer = skopt.Optimizer(dims, base_estimator="GP", random_state=init["seed"])

    def ask(self):
        x = self.optimizer.ask()
        return {p["name"]: v.item() if hasattr(v, "item") else v for p, v in zip(self.params, x)}

    def tell(self, params, value):
        self.optimizer.tell([params[p["name"]] for p in self.params], value)


class Hebo:
    def __init__(self, name, init):
        import numpy as np
        import torch
        from hebo.design_space.design_space import DesignSpace
        from hebo.optimizers.hebo import HEBO
        torch.set_num_threads(1)
        torch.manual_seed(init["seed"])
        np.random.seed(init["seed"])
        self.params = init["space"]
        specs = []
        for p in self.params:
            if p["type"] == "Discrete":
                specs.append({"name": p["name"], "type": "cat", "categories": p["values"]})
            elif p["dataType"] == "int":
                specs.append({"name": p["name"], "type": "pow_int" if p.get("log") else "int", "lb": p["min"], "ub": p["max"]})
            else:
                specs.append({"name": p["name"], "type": "pow" if p.get("log") else "num", "lb": p["min"], "ub": p["max"]})
        self.optimizer = HEBO(DesignSpace().parse(specs), scramble_seed=init["seed"])

    def ask(self):
        row = self.optimizer.suggest(n_suggestions=1)
        return {p["name"]: row[p["name"]].iloc[0].item() if hasattr(row[p["name"]].iloc[0], "item") else row[p["name"]].iloc[0]
                for p in self.params}

    def tell(self, params, value):
        import numpy as np
        import pandas as pd
        self.optimizer.observe(pd.DataFrame([params]), np.array([[value]]))


class Smac:
    def __init__(self, name, init):
        import logging
        import tempfile
        from pathlib import Path
        logging.disable(logging.CRITICAL)
        from ConfigSpace import Categorical, ConfigurationSpace, Float, Integer
        from smac import HyperparameterOptimizationFacade, Scenario
        space = ConfigurationSpace(seed=init["seed"])
        for p in init["space"]:
            if p["type"] == "Discrete":
                space.add(Categorical(p["name"], p["values"]))
            else:
                space.add((Integer if p["dataType"] == "int" else Float)(p["name"], (p["min"], p["max"]), log=p.get("log", False)))
        self.folder = tempfile.TemporaryDirectory()
        scenario = Scenario(space, deterministic=True, n_trials=init.get("budget", 100), seed=init["seed"],
                            output_directory=Path(self.folder.name))
        self.smac = HyperparameterOptimizationFacade(scenario, lambda config, seed=0: 0, overwrite=True, logging_level=100)
        self.open = []

    def ask(self):
        info = self.smac.ask()
        params = {k: v.item() if hasattr(v, "item") else v for k, v in dict(info.config).items()}
        self.open.append((params, info))
        return params

    def tell(self, params, value):
        from smac.runhistory.dataclasses import TrialValue
        from smac.runhistory.enumerations import StatusType
        at = next(i for i, (p, _) in enumerate(self.open) if p == params)
        crashed = TrialValue(cost=float("inf"), status=StatusType.CRASHED)
        self.smac.tell(self.open.pop(at)[1], crashed if value is None else TrialValue(cost=value))


class Worst:
    """For a tuner that knows no failures. What fails before there is a value counts as 0."""

    def __init__(self, tuner):
        self.ask, self.tuner, self.worst = tuner.ask, tuner, None

    def tell(self, params, value):
        if value is not None:
            self.worst = value if self.worst is None else max(self.worst, value)
        self.tuner.tell(params, (self.worst or 0) if value is None else value)


PEERS = {"optuna": Optuna, "hyperopt": Hyperopt, "skopt": Skopt, "hebo": Hebo, "smac": Smac}


def main():
    name = sys.argv[1]
    out, tuner = os.fdopen(os.dup(1), "w"), None
    os.dup2(2, 1)       # what a library prints is not an answer
    for line in sys.stdin:
        say = json.loads(line)
        if say["op"] == "init":
            tuner, answer = PEERS[name.split("-")[0]](name, say), {"ok": True}
            tuner = Worst(tuner) if isinstance(tuner, (Hebo, Skopt)) else tuner
        elif say["op"] == "ask":
            answer = {"params": tuner.ask()}
        else:
            tuner.tell(say["params"], say["value"])
            answer = {"ok": True}
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
