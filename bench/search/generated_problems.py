# SPDX-License-Identifier: Apache-2.0
"""Generated problems: common functions, each moved, scaled, turned, and laid over real, logarithmic, whole and categorical
parameters by the numbers of one seed. There are as many as one likes, so that what is chosen with their help does not fit
a particular one. Every optimum is 0 of the function before its last transform, at a place the seed decides."""
import math

import numpy as np

from problems import PROBLEMS, Problem, choice, number

REAL, MIXED = range(68), range(1000, 1051)
DIMS, DIMS_SHARE = [2, 3, 4, 5, 6, 8, 10, 14], [.12, .15, .15, .15, .13, .12, .1, .08]


# --- functions of z, which is 0 at the optimum and mostly within +-5; r has numbers of the seed ---

def sphere(z, r):
    return (z * z).sum()


def ellipsoid(z, r):
    return (r["condition"] ** (np.arange(len(z)) / max(1, len(z) - 1)) * z * z).sum()


def rosenbrock(z, r):
    x = z * 0.4 + 1
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum() if len(x) > 1 else (1 - x[0]) ** 2


def ackley(z, r):
    z = z * 3
    return -20 * math.exp(-0.2 * math.sqrt((z * z).mean())) - math.exp(np.cos(2 * math.pi * z / 3).mean()) + 20 + math.e


def rastrigin(z, r):
    z = z * 0.8
    return r["amplitude"] * len(z) + (z * z - r["amplitude"] * np.cos(2 * math.pi * z)).sum()


def griewank(z, r):
    z = z * 6
    return (z * z).sum() / 400 - np.prod(np.cos(z / np.sqrt(np.arange(1, len(z) + 1)))) + 1


def levy(z, r):
    w = 1 + z / 2
    return (math.sin(math.pi * w[0]) ** 2 + ((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(math.pi * w[:-1] + 1) ** 2)).sum()
            + (w[-1] - 1) ** 2 * (1 + math.sin(2 * math.pi * w[-1]) ** 2))


def absolutes(z, r):
    return np.abs(z).sum()


def powers(z, r):
    return (np.abs(z) ** (1 + np.arange(len(z)) / 2)).sum()


def zakharov(z, r):
    s = (0.5 * np.arange(1, len(z) + 1) * z).sum()
    return (z * z).sum() + s ** 2 + s ** 4


def cigar(z, r):
    return z[0] ** 2 + 1000 * (z[1:] ** 2).sum()


def steps(z, r):
    return np.floor(np.abs(z) * r["steps"]).sum()


def peaks(z, r):
    lowest = 1 - math.exp(-(z * z).sum() / (2 * r["width"] ** 2))
    for height, centre, width in r["peaks"]:
        lowest = min(lowest, 1 - height * math.exp(-((z - centre) ** 2).sum() / (2 * width * width)))
    return max(lowest, 0)


def ridge(z, r):
    return abs(z.sum()) + 0.2 * math.sqrt((z * z).sum())


def ripples(z, r):
    n = math.sqrt((z * z).sum())
    return 1 - math.cos(r["frequency"] * n) + 0.3 * n


def alpine(z, r):
    return np.abs(z * np.sin(z) + 0.1 * z).sum()


def interactions(z, r):
    return 0.1 * sum((z[a] * z[b]) ** 2 for a, b in r["pairs"]) + 0.5 * (z * z).sum()


FUNCTIONS = [sphere, ellipsoid, rosenbrock, ackley, rastrigin, griewank, levy, absolutes, powers, zakharov, cigar, steps, peaks, ridge,
             ripples, alpine, interactions]
TRANSFORMS = [lambda y: y, lambda y: y, math.log1p, lambda y: math.sqrt(max(y, 0)), lambda y: math.log1p(10 * y)]


# --- parameters: a description and the way from its value to a coordinate of z ---

def parameter(name, kind, g):
    if kind == "real":
        low = -g.uniform(3, 7)
        best = low + 10 * g.uniform(.1, .9)
        return number(name, low, low + 10), lambda v: v - best
    if kind == "log":
        low, high, share = 10 ** -g.uniform(3, 6), 10 ** g.uniform(-1, 2), g.uniform(.1, .9)
        span = math.log(high / low)
        return number(name, low, high, log=True), lambda v: (math.log(v / low) / span - share) * 10
    if kind == "int":
        n = int(g.integers(4, 40))
        best = int(g.integers(0, n))
        return number(name, 1, n, "int"), lambda v: (v - 1 - best) / n * 10
    if kind == "log int":
        n = int(10 ** g.uniform(1.5, 3.5))
        best = round(math.exp(g.uniform(.1, .9) * math.log(n)))
        return number(name, 1, n, "int", True), lambda v: math.log(v / best) / math.log(n) * 10
    n = int(g.integers(2, 6))
    places = g.uniform(-4, 4, n)
    places[int(g.integers(n))] = 0
    return choice(name, *(f"v{k}" for k in range(n))), lambda v: places[int(v[1:])]


def make(seed, mixed):
    g = np.random.default_rng(seed)
    function, d = FUNCTIONS[seed % len(FUNCTIONS)], int(g.choice(DIMS, p=DIMS_SHARE))
    kinds = g.choice(["real", "log", "int", "log int", "choice"], d, p=[.25, .25, .2, .1, .2]) if mixed else ["real"] * d
    space, ways = zip(*(parameter(f"x{i}", kind, g) for i, kind in enumerate(kinds)))
    matters = np.flatnonzero(g.random(d) >= (0.25 if g.random() < 0.4 else 0))
    matters = matters if len(matters) else np.array([0])
    m = len(matters)
    r = {"condition": 10 ** g.uniform(1, 4), "amplitude": g.uniform(2, 10), "steps": g.uniform(0.5, 3), "width": g.uniform(1, 2.5),
         "frequency": g.uniform(0.5, 1.5), "peaks": [(g.uniform(.3, .9), g.uniform(-5, 5, m), g.uniform(1.5, 4)) for _ in range(6)],
         "pairs": [(i, int(g.integers(m))) for i in range(m)]}
    turn = np.linalg.qr(g.normal(size=(m, m)))[0] if not mixed and g.random() < 0.3 else np.eye(m)
    scale, transform = np.exp(g.normal(0, 0.3, m)), TRANSFORMS[int(g.integers(len(TRANSFORMS)))]

    def f(p):
        z = np.array([ways[i](p[space[i]["name"]]) for i in matters])
        return float(transform(function(turn @ (z * scale), r)))

    name = f"{'mixed' if mixed else 'real'}_{seed}_{function.__name__}_{d}"
    PROBLEMS.append(Problem(name, list(space), f, float(transform(0.0)), suite="generated"))


for _seed in REAL:
    make(_seed, mixed=False)
for _seed in MIXED:
    make(_seed, mixed=True)
