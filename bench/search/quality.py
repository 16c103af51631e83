# SPDX-License-Identifier: Apache-2.0
"""bench/search/quality.py [ALGORITHM ...]: how good is the best of 50 and of 100 trials?

Every algorithm minimises every problem, once per seed. The score of a run is 0 at the median of random search with the same
number of trials and 1 at the optimum (below 0: worse than random; cut off at -1). The table has the mean with a 95 % bootstrap
interval over problems and seeds. Algorithms of ours run as `trainyard suggest` of TRAINYARD_BUILD (build/); an algorithm may
have parameters: Tpe:WarmUp=10,EICandidate=48, and seeds of its own number: hebo@1. Peers are those of peers.py. bench/search/run installs what this needs.

    bench/search/run quality Tpe Bayesian optuna-tpe --seeds 5 --keep runs.jsonl
    bench/search/run quality Tpe optuna-tpe --suite fresh --against optuna-tpe
    bench/search/run quality Tpe --parallel 4
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402

import fresh_problems  # noqa: E402, F401
import generated_problems  # noqa: E402, F401
import trouble_problems  # noqa: E402, F401
import unseen_problems  # noqa: E402, F401
from problems import PROBLEMS  # noqa: E402

HERE = Path(__file__).resolve().parent
BUDGETS = (50, 100)
RANDOM_SEEDS, RANDOM_SEEDS_REAL = range(1000, 1101), range(1000, 1015)
OURS = {"random", "sobol", "tpe", "bayesian", "cmaes", "auto", "hyperband", "asha", "bohb"}


def command(name):
    if name.lower() in OURS:
        return [Path(os.environ.get("TRAINYARD_BUILD", HERE.parent.parent / "build")) / "trainyard", "suggest"]
    own = os.environ.get("VENV_" + name.split("-")[0].upper())     # a peer that needs other versions has its own
    return [own + "/bin/python" if own else sys.executable, HERE / "peers.py", name]


class Tuner:
    """One search by the protocol of `trainyard suggest`."""

    def __init__(self, spec, problem, seed, parallel, budget=max(BUDGETS)):
        name, _, params = spec.partition(":")
        self.process = subprocess.Popen(command(name), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL)
        self.say(op="init", space=problem.space, algorithm=name, seed=seed, budget=budget, objective="minimize",
                 parallel=parallel, params=dict(p.split("=") for p in params.split(",") if p))

    def say(self, **line):
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if answer.get("ok") is False:
            raise RuntimeError(answer["error"])
        return answer

    def close(self):
        self.process.communicate()


def run(spec, problem, seed, parallel):
    """The best value so far after each trial. `parallel` trials are always under way; they end in the order of their start."""
    tuner = Tuner(spec, problem, seed, parallel)
    curve, best, under_way = [], float("inf"), []
    for trial in range(max(BUDGETS)):
        while len(under_way) < min(parallel, max(BUDGETS) - trial):
            under_way.append(tuner.say(op="ask")["params"])
        params = under_way.pop(0)
        value = problem.f(params)
        tuner.say(op="tell", params=params, value=value)
        best = best if value is None else min(best, value)
        curve.append(best)
    tuner.close()
    return curve


# --- runs that are kept ---

class Runs:
    def __init__(self, path):
        self.path, self.curves = path, {}
        if path and path.exists():
            for line in path.read_text().splitlines():
                self.curves.update([json.loads(line)])

    def get(self, spec, problem, seed, parallel=1):
        key = f"{spec}|{problem.name}|{seed}|{parallel}"
        if key not in self.curves:
            self.curves[key] = run(spec, problem, seed, parallel)
            if self.path:
                with open(self.path, "a") as f:
                    f.write(json.dumps([key, self.curves[key]]) + "\n")
        return self.curves[key]


# --- scores ---

def scores_of(runs, problem, seeds, parallel):
    """{spec: [budget][seed]} for {spec: its seeds}"""
    random = [runs.get("Random", problem, s) for s in (RANDOM_SEEDS_REAL if problem.real else RANDOM_SEEDS)]
    found = min(c[-1] for key, c in runs.curves.items() if f"|{problem.name}|" in key)
    optimum = found if problem.optimum is None else problem.optimum
    base = {b: statistics.median(c[b - 1] for c in random) for b in BUDGETS}
    return {spec: [[np.clip((base[b] - runs.get(spec, problem, seed, parallel)[b - 1]) / (base[b] - optimum), -1, 1)
                    if base[b] > optimum else 0.0 for seed in own] for b in BUDGETS] for spec, own in seeds.items()}


def interval(table):
    """Mean and 95 % bootstrap interval of [problems, seeds]."""
    rng = np.random.default_rng(1)
    rows, columns = table.shape
    means = [table[rng.integers(0, rows, rows)][:, rng.integers(0, columns, columns)].mean() for _ in range(2000)]
    return table.mean(), *np.percentile(means, [2.5, 97.5])


def difference(a, b):
    """Run by run where there are as many of both, else of the means of each problem."""
    return a - b if a.shape == b.shape else a.mean(2, keepdims=True) - b.mean(2, keepdims=True)


def report(scores, problems, args):
    """scores {spec: [problems, budgets, seeds]}"""
    width = max(map(len, scores))
    if args.each:
        for i, p in enumerate(problems):
            print(f"{p.suite} {p.name:<36}", *(f"{s}: " + " ".join(f"{x:6.3f}" for x in table[i].mean(1)) for s, table in scores.items()),
                  sep="  ")
    print(f"{len(problems)} problems, {args.parallel} at a time; 0 = median random search, 1 = optimum")
    print(f"{'':<{width}}  seeds" + "".join(f"   at {b:<4} 95 % interval  " for b in BUDGETS))

    def line(name, table):
        print(f"{name:<{width}}  {table.shape[2]:5}" + "".join("   {:6.3f}  [{:.3f}, {:.3f}]".format(*interval(table[:, b]))
                                                              for b in range(len(BUDGETS))))

    for spec, table in scores.items():
        line(spec, table)
    if args.against in scores:
        print(f"difference to {args.against}")
        for spec, table in scores.items():
            if spec != args.against:
                line(spec, difference(table, scores[args.against]))


def seeds_of(args):
    """{spec: its seeds}"""
    seeds = {}
    for algorithm in args.algorithms:
        spec, _, n = algorithm.partition("@")
        seeds[spec] = range(args.first_seed, args.first_seed + int(n or args.seeds))
    return seeds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("algorithms", nargs="*", default=["Tpe", "Bayesian", "optuna-tpe", "optuna-gp"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--suite", choices=["known", "fresh", "generated", "unseen", "trouble"], action="append",
                        help="may be repeated; default: known and fresh. All but unseen problems helped to choose among variants "
                             "of the algorithms; these only for what a slant costs")
    parser.add_argument("--analytic", action="store_true", help="without the real models")
    parser.add_argument("--only", default="", help="problems whose name has this")
    parser.add_argument("--parallel", type=int, default=1, help="trials under way at the same time")
    parser.add_argument("--jobs", type=int, default=1, help="runs at the same time, of different seeds")
    parser.add_argument("--against", help="show differences to this one of the algorithms")
    parser.add_argument("--keep", type=Path, help="file that keeps runs, to be used again")
    parser.add_argument("--each", action="store_true", help="a row per problem")
    args = parser.parse_args()
    problems = [p for p in PROBLEMS if p.suite in (args.suite or ["known", "fresh"]) and not (args.analytic and p.real) and args.only in p.name]
    runs, seeds = Runs(args.keep), seeds_of(args)
    with ThreadPoolExecutor(args.jobs) as pool:
        wanted = sorted(((spec, p, seed, args.parallel) for spec, own in seeds.items() for seed in own for p in problems), key=lambda w: w[2])
        wanted += [("Random", p, s) for p in problems for s in (RANDOM_SEEDS_REAL if p.real else RANDOM_SEEDS)]
        list(pool.map(lambda w: runs.get(*w), wanted))
    by_problem = [scores_of(runs, p, seeds, args.parallel) for p in problems]
    report({spec: np.array([scores[spec] for scores in by_problem]) for spec in seeds}, problems, args)


if __name__ == "__main__":
    main()
