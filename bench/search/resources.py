# SPDX-License-Identifier: Apache-2.0
"""bench/search/resources.py: how much training does it take to a good network when trainings may be short?

A small network for handwritten digits has six hyperparameters and trains up to 27 epochs. Hyperband, Bohb and Asha of ours
begin a training anew for each trial, as a program that keeps no checkpoints does; Optuna's pruners stop a training that
goes on from where it was. The cost is in epochs trained, and the score the error of the best network seen so far on data that it was
not trained on. The table has the median number of epochs over all seeds until the error is below a limit, and the mean error
after as many epochs as 20 whole trainings have.

    bench/search/run resources --seeds 10
"""
import argparse
import functools
import os
import statistics
import warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402

from problems import Problem, choice, number  # noqa: E402
from quality import Tuner  # noqa: E402

MOST, ETA, BUDGET = 27, 3, 20 * 27
LIMITS = (0.05, 0.04)
SPACE = [number("hidden", 4, 128, "int", True), number("rate", 1e-4, 1, log=True), number("decay", 1e-6, 1, log=True),
         number("batch", 8, 256, "int", True), number("momentum", 0, 0.99), choice("activation", "relu", "tanh", "logistic")]


@functools.cache
def data():
    from sklearn.datasets import load_digits
    x, y = load_digits(return_X_y=True)
    order = np.random.RandomState(0).permutation(len(y))
    x, y = (x[order] / 16).astype(np.float32), y[order]
    return x[:600], y[:600], x[600:1200], y[600:1200]


class Training:
    """A network that can be trained on."""

    def __init__(self, p):
        from sklearn.neural_network import MLPClassifier
        self.net = MLPClassifier((p["hidden"],), activation=p["activation"], solver="sgd", alpha=p["decay"], batch_size=p["batch"],
                                 learning_rate_init=p["rate"], momentum=p["momentum"], random_state=0)

    def epoch(self):
        x, y, x_test, y_test = data()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.net.partial_fit(x, y, classes=np.arange(10))
            return 1 - float(self.net.score(x_test, y_test))


class Curve:
    """The best error by epochs trained."""

    def __init__(self):
        self.errors = []

    def add(self, error):
        self.errors.append(min(error, self.errors[-1] if self.errors else 1.0))
        return len(self.errors) >= BUDGET

    def epochs_to(self, limit):
        return next((i + 1 for i, e in enumerate(self.errors) if e <= limit), BUDGET)


def ours(name, seed):
    params = [] if name in ("Random", "Tpe", "Bayesian") else ["ResourceName=epochs", f"ResourceValue={MOST}", f"eta={ETA}"]
    tuner = Tuner(name + ":" + ",".join(params), Problem("digits", SPACE, None, None), seed, 1, budget=10000)
    curve = Curve()
    while True:
        params = tuner.say(op="ask")["params"]
        training, best = Training(params), 1.0
        for _ in range(params.get("epochs", MOST)):
            best = min(best, training.epoch())
            if curve.add(best):
                tuner.close()
                return curve
        tuner.say(op="tell", params=params, value=best)


def optuna(name, seed):
    import optuna as o
    o.logging.set_verbosity(o.logging.ERROR)
    samplers = {"tpe": o.samplers.TPESampler(seed=seed), "random": o.samplers.RandomSampler(seed=seed)}
    pruners = {"hyperband": o.pruners.HyperbandPruner(1, MOST, ETA), "asha": o.pruners.SuccessiveHalvingPruner(1, ETA),
               "median": o.pruners.MedianPruner()}
    _, sampler, pruner = name.split("-")
    study, curve = o.create_study(sampler=samplers[sampler], pruner=pruners[pruner]), Curve()
    while True:
        trial = study.ask()
        p = {q["name"]: trial.suggest_categorical(q["name"], q["values"]) if q["type"] == "Discrete" else
             (trial.suggest_int if q["dataType"] == "int" else trial.suggest_float)(q["name"], q["min"], q["max"], log=q["log"])
             for q in SPACE}
        training, best, pruned = Training(p), 1.0, False
        for epoch in range(1, MOST + 1):
            best = min(best, training.epoch())
            if curve.add(best):
                return curve
            trial.report(best, epoch)
            pruned = trial.should_prune()
            if pruned:
                break
        study.tell(trial, None if pruned else best, state=o.trial.TrialState.PRUNED if pruned else None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("algorithms", nargs="*", default=["Random", "Hyperband", "Asha", "Bohb", "optuna-random-hyperband",
                                                          "optuna-random-asha", "optuna-tpe-hyperband", "optuna-tpe-median"])
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    print(f"{'':<26}" + "".join(f"  epochs to {limit:<5}" for limit in LIMITS) + f"  error after {BUDGET}")
    for name in args.algorithms:
        curves = [(optuna if name.startswith("optuna") else ours)(name, seed) for seed in range(args.seeds)]
        print(f"{name:<26}" + "".join(f"  {statistics.median(c.epochs_to(limit) for c in curves):>15.0f}" for limit in LIMITS)
              + f"  {statistics.mean(c.errors[-1] for c in curves):>16.4f}", flush=True)


if __name__ == "__main__":
    main()
