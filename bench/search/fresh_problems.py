# SPDX-License-Identifier: Apache-2.0
"""More problems of the quality benchmark, written later: few choices in the algorithms were made with their help (bench/README.md)."""
import math

import numpy as np

from problems import choice, data, loss, number, on_reals, problem, reals, rotation, shift, suite

suite("fresh")


# --- functions of real numbers ---

@on_reals(4, 0, 10, -10.536409816692043)
def shekel_4(x):
    beta = np.array([1, 2, 2, 4, 4, 6, 3, 7, 5, 5]) / 10
    c = np.array([[4, 1, 8, 6, 3, 2, 5, 8, 6, 7], [4, 1, 8, 6, 7, 9, 3, 1, 2, 3.6],
                  [4, 1, 8, 6, 3, 2, 5, 8, 6, 7], [4, 1, 8, 6, 7, 9, 3, 1, 2, 3.6]])
    return -(1 / (((x[:, None] - c) ** 2).sum(0) + beta)).sum()


@on_reals(5, -10, 10)
def dixon_price_5(x):
    return (x[0] - 1) ** 2 + (np.arange(2, 6) * (2 * x[1:] ** 2 - x[:-1]) ** 2).sum()


@on_reals(6, -5, 10)
def zakharov_6(x):
    z = x - shift(6, 2)
    s = (0.5 * np.arange(1, 7) * z).sum()
    return (z * z).sum() + s ** 2 + s ** 4


@on_reals(8, -4, 5)
def powell_8(x):
    z = (x - shift(8, 1)).reshape(2, 4)
    return sum((a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4 for a, b, c, d in z)


@on_reals(6, -36, 36, -50.0)
def trid_6(x):
    return ((x - 1) ** 2).sum() - (x[1:] * x[:-1]).sum()


@on_reals(5, -10, 10)
def alpine_5(x):
    z = x - shift(5, 4)
    return np.abs(z * np.sin(z) + 0.1 * z).sum()


@on_reals(3, -500, 500)
def schwefel_3(x):
    return 418.98288727243374 * 3 - (x * np.sin(np.sqrt(np.abs(x)))).sum()


@on_reals(2, -5.12, 5.12, -1.0)
def drop_wave(x):
    r2 = ((x - shift(2, 2)) ** 2).sum()
    return -(1 + math.cos(12 * math.sqrt(r2))) / (0.5 * r2 + 2)


@on_reals(2, -512, 512, -959.6406627208506)
def eggholder(x):
    a, b = x
    return -(b + 47) * math.sin(math.sqrt(abs(b + a / 2 + 47))) - a * math.sin(math.sqrt(abs(a - b - 47)))


@on_reals(5, -20, 20)
def salomon_5(x):
    r = math.sqrt(((x - shift(5, 7)) ** 2).sum())
    return 1 - math.cos(2 * math.pi * r) + 0.1 * r


@on_reals(10, -15, 30)
def ackley_10(x):
    z = x - shift(10, 6)
    return -20 * math.exp(-0.2 * math.sqrt((z * z).mean())) - math.exp(np.cos(2 * math.pi * z).mean()) + 20 + math.e


@on_reals(5, -5.12, 5.12)
def rastrigin_5(x):
    z = x - shift(5, 2)
    return 50 + (z * z - 10 * np.cos(2 * math.pi * z)).sum()


@on_reals(20, 0, 1, -3.32236801141551)
def hartmann_6_of_20(x):
    a = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
    p = np.array([[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
                  [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]]) / 1e4
    return -(np.array([1, 1.2, 3, 3.2]) * np.exp(-(a * (x[[1, 4, 7, 11, 14, 18]] - p) ** 2).sum(1))).sum()


@on_reals(4, -10, 10)
def rotated_valley_4(x):
    z = rotation(4) @ (x - shift(4, 4))
    return np.log1p(z[0] ** 2 + 100 * z[1] ** 2 + (np.abs(z[2:]) ** 0.5).sum())


# --- whole numbers, factors, categories ---

@problem([choice("model", "a", "b", "c"), number("lr", 1e-5, 1, log=True), number("units", 4, 1024, "int", True),
          number("layers", 1, 8, "int"), number("drop", 0, 0.8), choice("norm", "none", "batch", "layer")], 0.0)
def architecture(p):
    lr, u = math.log10(p["lr"]), math.log2(p["units"])
    size = u + math.log2(p["layers"] + 1)
    bias = {"a": 0, "b": 0.25, "c": 0.6}[p["model"]] + {"none": 0.3, "batch": 0, "layer": 0.1}[p["norm"]]
    best = {"a": -2.6, "b": -3.4, "c": -1.9}[p["model"]] - 0.15 * (size - 9) - (0.5 if p["norm"] == "none" else 0)
    return bias + 0.5 * (lr - best) ** 2 + 0.04 * (size - 9) ** 2 + 1.5 * (p["drop"] - 0.1 - 0.03 * max(size - 8, 0)) ** 2 \
        - architecture_floor


def _floor():
    return min(1.5 * (0 if 0.1 + 0.03 * max(s - 8, 0) <= 0.8 else 1) + 0.04 * (s - 9) ** 2
               for s in (math.log2(u) + math.log2(n + 1) for u in range(4, 1025) for n in range(1, 9)))


architecture_floor = _floor()

CHAIN = np.cos(np.outer(np.arange(5) * 1.7 + 0.4, np.arange(5) * 1.1 + 0.9)) + 0.2 * np.sin(np.arange(25).reshape(5, 5) * 2.7)


def _chain_best(n):
    best = np.zeros(5)
    for _ in range(n - 1):
        best = (best[:, None] + CHAIN).min(0)
    return float(best.min())


@problem([choice(f"s{i}", "v", "w", "x", "y", "z") for i in range(8)], _chain_best(8))
def chain_of_choices_8(p):
    s = ["vwxyz".index(p[f"s{i}"]) for i in range(8)]
    return float(sum(CHAIN[a, b] for a, b in zip(s, s[1:])))


@problem([number("a", 1, 64, "int"), number("b", 1, 64, "int"), number("c", 1, 64, "int"), number("d", 1, 64, "int")], 0.0)
def product_of_integers(p):
    a, b, c, d = p["a"], p["b"], p["c"], p["d"]
    return abs(math.log(a * b / (17 * 41))) + abs(math.log((c + d) / 51)) + 0.02 * abs(a - 17) + 0.02 * abs(c - 13)


@problem([choice("branch", "left", "right"), *reals(2, -5, 5), number("s", 1e-3, 1e3, log=True), number("t", 1e-3, 1e3, log=True)],
         0.0)
def branches(p):
    x, y = p["x0"], p["x1"]
    if p["branch"] == "left":
        return 0.4 + (x - 2) ** 2 / 4 + (math.log10(p["s"]) - 1) ** 2
    return (y + 3) ** 2 / 2 + (math.log10(p["t"]) + 1.5) ** 2 + 0.3 * abs(math.log10(p["s"]) - 0.5)


@problem([number("x", 0, 1), number("y", 0, 1), number("z", 0, 1)], 0.0)
def narrow_well(p):
    r2 = (p["x"] - 0.73) ** 2 + (p["y"] - 0.21) ** 2 + (p["z"] - 0.58) ** 2
    return 1 - math.exp(-r2 / 0.005) * 0.6 - math.exp(-r2 / 0.3) * 0.4


# --- real models ---

@problem([number("max_depth", 1, 16, "int"), number("max_features", 0.05, 1), number("min_samples_split", 2, 40, "int", True),
          choice("criterion", "gini", "entropy"), choice("bootstrap", "yes", "no")], real=True)
def extra_trees_digits(p):
    from sklearn.ensemble import ExtraTreesClassifier
    return loss(ExtraTreesClassifier(8, random_state=0, **{**p, "bootstrap": p["bootstrap"] == "yes"}), "digits", 250, "neg_log_loss")


@problem([number("C", 1e-3, 1e3, log=True), number("gamma", 1e-6, 10, log=True), number("epsilon", 1e-3, 1, log=True)], real=True)
def svr_diabetes(p):
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR
    return max(-1.0, min(loss(TransformedTargetRegressor(SVR(max_iter=5000, **p), transformer=StandardScaler()), "diabetes", 200), 2.0))


@problem([number("alpha", 1e-6, 1, log=True), number("eta0", 1e-4, 10, log=True), choice("penalty", "l2", "l1", "elasticnet"),
          choice("loss", "hinge", "log_loss", "modified_huber"), choice("learning_rate", "constant", "invscaling", "adaptive"),
          number("l1_ratio", 0, 1), number("power_t", 0.1, 0.9)], real=True)
def linear_sgd_digits(p):
    from sklearn.linear_model import SGDClassifier
    return loss(SGDClassifier(max_iter=30, tol=None, random_state=0, **p), "digits", 200)


@problem([number("hidden", 2, 64, "int", True), number("learning_rate_init", 1e-4, 1, log=True), number("alpha", 1e-6, 10, log=True),
          choice("activation", "relu", "tanh", "logistic"), number("batch_size", 4, 64, "int", True), number("beta_1", 0.5, 0.99)],
         real=True)
def network_wine(p):
    from sklearn.neural_network import MLPClassifier
    q = dict(p)
    return min(loss(MLPClassifier((q.pop("hidden"),), max_iter=15, random_state=0, **q), "wine", 120, "neg_log_loss"), 5.0)


@problem([number("n_components", 1, 40, "int"), number("n_neighbors", 1, 40, "int", True), choice("weights", "uniform", "distance"),
          choice("metric", "euclidean", "manhattan", "chebyshev", "cosine"), choice("whiten", "yes", "no")], real=True)
def components_then_neighbours_digits(p):
    from sklearn.decomposition import PCA
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    return loss(make_pipeline(PCA(p["n_components"], whiten=p["whiten"] == "yes", random_state=0),
                              KNeighborsClassifier(p["n_neighbors"], weights=p["weights"], metric=p["metric"])), "digits", 250)


@problem([number("C", 1e-5, 1e3, log=True), number("degree", 1, 2, "int"), number("k", 2, 30, "int"),
          choice("scale", "standard", "power", "quantile")], real=True)
def logistic_breast_cancer(p):
    from sklearn.feature_selection import SelectKBest
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, PowerTransformer, QuantileTransformer, StandardScaler
    scaler = {"standard": StandardScaler(), "power": PowerTransformer(), "quantile": QuantileTransformer(n_quantiles=50)}[p["scale"]]
    return loss(make_pipeline(SelectKBest(k=min(p["k"], 8) if p["degree"] == 2 else p["k"]), PolynomialFeatures(p["degree"]), scaler,
                              LogisticRegression(C=p["C"], max_iter=60)), "breast_cancer", 200, "neg_log_loss")
