# SPDX-License-Identifier: Apache-2.0
"""bench/search/quality.py [ALGORITHM ...]: how good is the best of 50 and of 100 trials?

Every algorithm minimises every problem of problems.py, once per seed. The score of a run is 0 at the median of random
search with the same budget and 1 at the optimum (below 0: worse than random; cut off at -1). The table has the mean with
a 95 % bootstrap interval over problems and seeds. Algorithms of ours run as `trainyard suggest` of TRAINYARD_BUILD
(build/); the peers are optuna-tpe and optuna-tpe-multivariate. An algorithm may have parameters:
Tpe:WarmUp=10,EICandidate=48. bench/run installs what this needs.

    build-bench/venv/bin/python bench/search/quality.py Tpe Bayesian optuna-tpe --seeds 5 --keep runs.json
"""
import argparse
import json
import os
import statistics
import subprocess
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402

from problems import PROBLEMS  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
BUDGETS = (50, 100)
RANDOM_RUNS, RANDOM_RUNS_REAL = 101, 5


class Trainyard:
    def __init__(self, spec, problem, seed):
        algorithm, _, params = spec.partition(":")
        self.process = subprocess.Popen([Path(os.environ.get("TRAINYARD_BUILD", ROOT / "build")) / "trainyard", "suggest"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.say(op="init", space=problem.space, algorithm=algorithm, seed=seed, budget=max(BUDGETS), objective="minimize",
                 params=dict(p.split("=") for p in params.split(",") if p))

    def say(self, **line):
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if answer.get("ok") is False:
            raise SystemExit(answer["error"])
        return answer

    def ask(self):
        self.params = self.say(op="ask")["params"]
        return self.params

    def tell(self, value):
        self.say(op="tell", params=self.params, value=value)

    def close(self):
        self.process.communicate()


class Optuna:
    def __init__(self, spec, problem, seed):
        import optuna
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        import warnings
        warnings.simplefilter("ignore")
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=spec.endswith("multivariate"))
        self.study, self.space = optuna.create_study(sampler=sampler), problem.space
        self.spread = {}
        for p in self.space:
            d = optuna.distributions
            self.spread[p["name"]] = (d.CategoricalDistribution(p["values"]) if p["type"] == "Discrete" else
                                      (d.IntDistribution if p["dataType"] == "int" else d.FloatDistribution)(
                                          p["min"], p["max"], log=p.get("log", False)))

    def ask(self):
        self.trial = self.study.ask(self.spread)
        return self.trial.params

    def tell(self, value):
        self.study.tell(self.trial, value)

    def close(self):
        pass


def run(spec, problem, seed):
    """The best value so far after each trial."""
    search = (Optuna if spec.startswith("optuna") else Trainyard)(spec, problem, seed)
    curve, best = [], float("inf")
    for _ in range(max(BUDGETS)):
        value = problem.f(search.ask())
        search.tell(value)
        best = min(best, value)
        curve.append(best)
    search.close()
    return curve


def score_runs(runs, problem, specs, seeds):
    """{spec: {budget: [score per seed]}}"""
    random = [c for key, c in runs.items() if key.startswith(f"Random|{problem.name}|")]
    found = min(c[-1] for key, c in runs.items() if f"|{problem.name}|" in key)
    optimum = found if problem.optimum is None else problem.optimum
    scores = {}
    for spec in specs:
        scores[spec] = {}
        for budget in BUDGETS:
            base = statistics.median(c[budget - 1] for c in random)
            span = base - optimum
            scores[spec][budget] = [(base - runs[f"{spec}|{problem.name}|{seed}"][budget - 1]) / span if span > 0 else 0.0
                                    for seed in seeds]
    return scores


def interval(table):
    """Mean and 95 % bootstrap interval; [problems, seeds]."""
    rng = np.random.default_rng(1)
    table = np.clip(np.array(table), -1, 1)
    means = [table[rng.integers(0, table.shape[0], table.shape[0])][:, rng.integers(0, table.shape[1], table.shape[1])].mean()
             for _ in range(2000)]
    return table.mean(), *np.percentile(means, [2.5, 97.5])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("algorithms", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--analytic", action="store_true", help="without the real models")
    parser.add_argument("--only", help="problems whose name has this")
    parser.add_argument("--keep", type=Path, help="file that keeps runs, to be used again")
    parser.add_argument("--each", action="store_true", help="a row per problem")
    args = parser.parse_args()
    specs = args.algorithms or ["Tpe", "optuna-tpe", "optuna-tpe-multivariate"]
    problems = [p for p in PROBLEMS if not (args.analytic and p.real) and (args.only or "") in p.name]
    runs = json.loads(args.keep.read_text()) if args.keep and args.keep.exists() else {}
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    for problem in problems:
        base = range(1000, 1000 + (RANDOM_RUNS_REAL if problem.real else RANDOM_RUNS))
        for spec, spec_seeds in [("Random", base), *((s, seeds) for s in specs)]:
            for seed in spec_seeds:
                key = f"{spec}|{problem.name}|{seed}"
                if key not in runs:
                    runs[key] = run(spec, problem, seed)
        if args.keep:
            args.keep.write_text(json.dumps(runs))
    report(runs, problems, specs, seeds, args.each)


def report(runs, problems, specs, seeds, each):
    scores = {p.name: score_runs(runs, p, specs, seeds) for p in problems}
    width = max(map(len, specs))
    if each:
        for p in problems:
            print(f"{p.name:<24}", *(f"{s}: " + " ".join(f"{np.mean(scores[p.name][s][b]):6.3f}" for b in BUDGETS) for s in specs),
                  sep="  ")
    print(f"{len(problems)} problems, {len(seeds)} seeds; 0 = median random search, 1 = optimum")
    print(f"{'':<{width}}" + "".join(f"   at {b:<4} 95 % interval  " for b in BUDGETS))
    for spec in specs:
        cells = [interval([scores[p.name][spec][b] for p in problems]) for b in BUDGETS]
        print(f"{spec:<{width}}" + "".join(f"   {m:6.3f}  [{low:.3f}, {high:.3f}]" for m, low, high in cells))


if __name__ == "__main__":
    main()
