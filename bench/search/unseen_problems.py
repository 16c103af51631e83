# SPDX-License-Identifier: Apache-2.0
"""Problems of the quality benchmark that were written after the algorithms were as they are: nothing was chosen with their help but
the cost of a slant of Bayesian (src/search/methods/gp_fit.h)."""
import itertools
import math

import numpy as np

from problems import choice, number, on_reals, problem, rotation, shift, suite

suite("unseen")


# --- functions of real numbers ---

@on_reals(2, -100, 100)
def bohachevsky(x):
    a, b = x - shift(2, 40)
    return a * a + 2 * b * b - 0.3 * math.cos(3 * math.pi * a) - 0.4 * math.cos(4 * math.pi * b) + 0.7


@problem([number("x", -1.5, 4), number("y", -3, 4)], -1.913222954981037)
def mccormick(p):
    x, y = p["x"], p["y"]
    return math.sin(x + y) + (x - y) ** 2 - 1.5 * x + 2.5 * y + 1


@on_reals(4, -10, 10)
def colville(x):
    a, b, c, d = x
    return 100 * (a * a - b) ** 2 + (a - 1) ** 2 + (c - 1) ** 2 + 90 * (c * c - d) ** 2 \
        + 10.1 * ((b - 1) ** 2 + (d - 1) ** 2) + 19.8 * (b - 1) * (d - 1)


@on_reals(2, -10, 10)
def levy_13(x):
    a, b = x
    return math.sin(3 * math.pi * a) ** 2 + (a - 1) ** 2 * (1 + math.sin(3 * math.pi * b) ** 2) \
        + (b - 1) ** 2 * (1 + math.sin(2 * math.pi * b) ** 2)


@on_reals(2, -10, 10, -19.208502567886754)
def holder_table(x):
    a, b = x
    return -abs(math.sin(a) * math.cos(b) * math.exp(abs(1 - math.hypot(a, b) / math.pi)))


@on_reals(2, -10, 10, -2.062611870822739)
def cross_in_tray(x):
    a, b = x
    return -1e-4 * (abs(math.sin(a) * math.sin(b) * math.exp(abs(100 - math.hypot(a, b) / math.pi))) + 1) ** 0.1


@on_reals(5, -10, 10)
def qing_5(x):
    return ((x * x - np.arange(1, 6)) ** 2).sum()


@on_reals(8, -10, 10)
def absolutes_8(x):
    z = np.abs(x - shift(8, 5))
    return z.sum() + z.prod()


@on_reals(6, -5, 5)
def bent_cigar_6(x):
    z = rotation(6) @ (x - shift(6, 2.5))
    return z[0] ** 2 + 1e4 * (z[1:] ** 2).sum()


@on_reals(4, -0.5, 0.5)
def weierstrass_4(x):
    z, k = x - shift(4, 0.2), np.arange(12)
    waves = lambda v: (0.5 ** k * np.cos(2 * math.pi * 3 ** k * (v + 0.5))).sum()
    return sum(waves(v) for v in z) - 4 * waves(0)


@on_reals(4, -2, 2)
def happy_cat_4(x):
    r2 = (x * x).sum()
    return abs(r2 - 4) ** 0.25 + (0.5 * r2 + x.sum()) / 4 + 0.5


@on_reals(8, -5, 5)
def slope_8(x):
    s = np.where(np.sin(np.arange(8) * 2.9 + 1) > 0, 1, -1) * 10 ** (np.arange(8) / 7)
    return (5 * np.abs(s) - s * x).sum()


PEAKS = np.random.default_rng(22)
PEAK_CENTRES, PEAK_WIDTHS = PEAKS.uniform(-4, 4, (21, 3)), 0.5 + PEAKS.exponential(1, 21)


@on_reals(3, -5, 5)
def peaks_3(x):
    """After Gallagher: one is the highest, the others reach 5 to 9 of its 10."""
    heights = np.concatenate([[10], np.linspace(5, 9, 20)])
    return 10 - (heights * np.exp(-((x - PEAK_CENTRES) ** 2).sum(1) / 2 / PEAK_WIDTHS ** 2)).max()


@on_reals(6, -5, 5)
def stairs_6(x):
    return (np.floor(rotation(6) @ (x - shift(6, 2)) + 0.5) ** 2).sum()


# --- whole numbers, factors, categories ---

@problem([choice("optimizer", "sgd", "adam", "rmsprop"), number("lr", 1e-6, 10, log=True), number("momentum", 0, 0.999),
          number("one_minus_beta", 1e-4, 0.5, log=True), number("decay", 1e-8, 1, log=True), number("batch", 8, 2048, "int", True)], 0.0)
def training_curve(p):
    lr, batch = math.log10(p["lr"]), math.log2(p["batch"]) - 3
    best = {"sgd": -1.5, "adam": -3, "rmsprop": -3.3}[p["optimizer"]] + 0.15 * (batch - 3)
    if p["optimizer"] == "sgd":
        best += math.log10(max(1 - p["momentum"], 1e-3)) + 1
    own = {"sgd": 2 * (p["momentum"] - 0.9) ** 2, "adam": 0.1 + 0.1 * (math.log10(p["one_minus_beta"]) + 2) ** 2, "rmsprop": 0.2}
    return 1 - math.exp(-(0.4 * (lr - best) ** 2 + own[p["optimizer"]] + 0.03 * (math.log10(p["decay"]) + 4) ** 2 + 0.02 * (batch - 3) ** 2))


SHARES = np.random.default_rng(7).normal(size=(10, 8))


def _coupled(bits):
    return sum(SHARES[i, bits[i] + 2 * bits[(i + 1) % 10] + 4 * bits[(i + 3) % 10]] for i in range(10))


@problem([choice(f"s{i}", "off", "on") for i in range(10)], min(map(_coupled, itertools.product((0, 1), repeat=10))))
def coupled_switches_10(p):
    return _coupled([int(p[f"s{i}"] == "on") for i in range(10)])


LEVELS = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3]


def _levels(a, b, c, d):
    a, b, c, d = (math.log10(v) for v in (a, b, c, d))
    return (a - b + 0.7) ** 2 + 0.5 * (b + c + 3.8) ** 2 + 0.3 * (d + 2.2) ** 2 + 0.2 * abs(a + 2.4)


@problem([choice(n, *LEVELS) for n in "abcd"], min(_levels(*v) for v in itertools.product(LEVELS, repeat=4)))
def levels_4(p):
    return _levels(p["a"], p["b"], p["c"], p["d"])


@problem([number("cores", 1, 64, "int", True), number("memory", 1, 256, "int", True), number("block", 64, 65536, "int", True),
          choice("codec", "none", "lz4", "zstd", "gzip"), number("level", 1, 9, "int"), choice("order", "row", "column")])
def storage(p):
    """Seconds and cost of a job that reads, with steps where memory is short."""
    ratio = {"none": 1, "lz4": 2, "zstd": 2 + 0.15 * p["level"], "gzip": 1.8 + 0.12 * p["level"]}[p["codec"]]
    work = {"none": 0, "lz4": 0.3, "zstd": 0.5 + 0.05 * p["level"] ** 1.5, "gzip": 1 + 0.2 * p["level"]}[p["codec"]]
    scan = 40 / ratio * (1 if p["order"] == "column" else 1.7) * (1 + 600 / p["block"] + p["block"] / 20000)
    spill = 1 if p["memory"] * 8 > p["cores"] * 20 + p["block"] / 128 else 2.5
    return math.log((scan + 30 * (1 + work) / p["cores"] ** 0.85 * spill) * (1 + 0.02 * p["cores"] + 0.004 * p["memory"]))


@problem([number(n, 0, 40, "int") for n in "abcdef"], 0.0)
def counts_6(p):
    a, b, c, d, e, f = (p[n] for n in "abcdef")
    return abs(a + b - 31) + 0.5 * abs(b * c - 150) / 10 + 0.1 * (d - e) ** 2 + abs(e - 17) / 2 + (f % 5 != 0) + 0.2 * abs(f - 25)


@problem([choice("kernel", "linear", "poly", "rbf", "wave"), number("scale", 1e-4, 1e4, log=True), number("cost", 1e-4, 1e4, log=True),
          number("degree", 1, 6, "int"), number("mix", 0, 1)], 0.0)
def kernels(p):
    scale, cost = math.log10(p["scale"]), math.log10(p["cost"])
    if p["kernel"] == "linear":
        return 0.5 + 0.05 * (cost - 1) ** 2
    if p["kernel"] == "poly":
        return 0.2 + 0.1 * (p["degree"] - 3) ** 2 + 0.05 * (scale + cost) ** 2
    if p["kernel"] == "rbf":
        return 0.05 * (scale + 2) ** 2 + 0.05 * (scale + cost - 0.5) ** 2 + 0.5 * (p["mix"] - 0.35) ** 2
    return 0.1 + 0.3 * math.sin(3 * scale) ** 2 + 0.02 * (cost + 1) ** 2
