# SPDX-License-Identifier: Apache-2.0
"""bench/search/speed.py: CPU time of one ask and tell when 100, 1,000 and 10,000 trials are known, 8 real parameters, and the
memory of a search of 100,000 trials.

Trials are told as random points first; then the median of three runs of asks and tells is taken, each by the CPU seconds of
the process that suggests. Ours and the peer run in turn. JSON and pipes are part of both.

    bench/search/run speed              # about ten minutes, most of them the peers'
    bench/search/run speed --quick      # without 10,000 trials
"""
import argparse
import os
import random
import statistics
from pathlib import Path

from problems import Problem, reals
from quality import Tuner

PAIRS = [("Tpe", "optuna-tpe", 50), ("Bayesian", "optuna-gp", 10), ("CmaEs", "optuna-cmaes", 1), ("Auto", "optuna-gp", 10)]
SIZES = {100: (60, 20), 1000: (60, 10), 10000: (40, 4)}         # known trials: asks of ours and of the peer
PEER_MOST = {"optuna-gp": 100}      # beyond that a suggestion takes seconds and filling it takes minutes
ROUNDS = 3
PROBLEM = Problem("bowl", reals(8, 0, 1), lambda p: sum((p[f"x{i}"] - 0.3 - 0.05 * i) ** 2 * (1 + i) for i in range(8)), 0.0)


def cpu_s(pid):
    """Of all its threads, in steps of a nanosecond where /proc/pid/stat has 10 ms."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


def resident_mib(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2 ** 20


def fill(tuner, n):
    draw = random.Random(1)
    for _ in range(n):
        params = {f"x{i}": draw.random() for i in range(8)}
        tuner.say(op="tell", params=params, value=PROBLEM.f(params))


def cost_ms(name, known, asks):
    tuner = Tuner(name, PROBLEM, seed=1, parallel=1, budget=known + asks)
    fill(tuner, known)
    if name[0].islower():
        asks += 1           # a peer's first model may load its libraries
        params = tuner.say(op="ask")["params"]
        tuner.say(op="tell", params=params, value=PROBLEM.f(params))
    began = cpu_s(tuner.process.pid)
    for _ in range(asks):
        params = tuner.say(op="ask")["params"]
        tuner.say(op="tell", params=params, value=PROBLEM.f(params))
    cost = (cpu_s(tuner.process.pid) - began) / asks * 1000
    tuner.close()
    return cost


def memory_mib(name, trials=100000):
    tuner = Tuner(name, PROBLEM, seed=1, parallel=1, budget=trials + 10)
    fill(tuner, trials)
    tuner.say(op="ask")
    mib = resident_mib(tuner.process.pid)
    tuner.close()
    return mib


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="without 10,000 trials, and without memory")
    quick = parser.parse_args().quick
    print(f"{'ms of CPU per ask and tell':<30} {'trials':>7} {'ours':>9} {'peer':>10} {'ratio':>8}  goal")
    for ours, peer, goal in PAIRS:
        for known, (asks, peer_asks) in SIZES.items():
            if (quick and known > 1000) or known > 100 * PEER_MOST.get(peer, 10 ** 6):
                continue
            runs = [(cost_ms(ours, known, asks), cost_ms(peer, known, peer_asks) if known <= PEER_MOST.get(peer, 10 ** 6) else None)
                    for _ in range(ROUNDS)]
            own = statistics.median(r[0] for r in runs)
            if runs[0][1] is None:
                print(f"{ours:<30} {known:>7} {own:>9.3f} {'-':>10} {'-':>8}", flush=True)
                continue
            other = statistics.median(r[1] for r in runs)
            met = "" if goal == 1 else f"  >= {goal} {'met' if other / own >= goal else 'MISSED'}"
            print(f"{ours + ' against ' + peer:<30} {known:>7} {own:>9.3f} {other:>10.2f} {other / own:>8.1f}{met}", flush=True)
    for name in [] if quick else ["Tpe", "Bayesian", "Auto"]:
        print(f"{name + ', resident MiB':<30} {100000:>7} {memory_mib(name):>9.1f}", flush=True)


if __name__ == "__main__":
    main()
