# SPDX-License-Identifier: Apache-2.0
"""The problems of the quality benchmark: functions with a known optimum, and real models on scikit-learn's data sets.

A problem has a space as `trainyard suggest` reads it, a function to minimise, and its optimum (None: not known; the best
value that anything found in the run counts). Optima are shifted away from the middle and the corners of the cube, so that
an algorithm that starts there gains nothing.
"""
import functools
import math
import warnings
from dataclasses import dataclass
from typing import Callable, Optional

import numpy as np


@dataclass
class Problem:
    name: str
    space: list
    f: Callable
    optimum: Optional[float]
    real: bool = False
    suite: str = "known"    # its problems helped to choose among variants of the algorithms; see the other suites' files


PROBLEMS = []
_suite = "known"


def suite(name):
    """Problems that follow belong to it."""
    global _suite
    _suite = name


def reals(n, low, high):
    return [{"name": f"x{i}", "type": "Range", "dataType": "double", "min": low, "max": high} for i in range(n)]


def number(name, low, high, data="double", log=False):
    return {"name": name, "type": "Range", "dataType": data, "min": low, "max": high, "log": log}


def choice(name, *values):
    data = "str" if isinstance(values[0], str) else "int" if isinstance(values[0], int) else "double"
    return {"name": name, "type": "Discrete", "dataType": data, "values": list(values)}


def problem(space, optimum=None, real=False):
    def add(f):
        PROBLEMS.append(Problem(f.__name__, space, f, optimum, real, _suite))
        return f
    return add


def on_reals(n, low, high, optimum=0.0):
    """The function gets a vector."""
    def add(f):
        @problem(reals(n, low, high), optimum)
        @functools.wraps(f)
        def g(p):
            return float(f(np.array([p[f"x{i}"] for i in range(n)])))
        return g
    return add


def shift(n, scale):
    """Reproducible offsets within +-scale."""
    return scale * np.sin(1.7 + 2.3 * np.arange(n))


def rotation(n):
    return np.linalg.qr(np.cos(np.outer(np.arange(1, n + 1), np.arange(1, n + 1)) * 1.3 + 0.4))[0]


# --- functions of real numbers ---

@on_reals(5, -5, 5)
def sphere_5(x):
    return ((x - shift(5, 2.5)) ** 2).sum()


@on_reals(15, -5, 5)
def few_of_15_matter(x):
    return ((x[:3] - shift(3, 2.5)) ** 2).sum() + 0.01 * ((x[3:] - 1) ** 2).sum()


@on_reals(10, -5, 5)
def rotated_ellipsoid_10(x):
    z = rotation(10) @ (x - shift(10, 2))
    return (10 ** (2 * np.arange(10) / 9) * z * z).sum()


@on_reals(4, -2, 2)
def rosenbrock_4(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


@on_reals(5, -15, 30)
def ackley_5(x):
    z = x - shift(5, 6)
    return -20 * math.exp(-0.2 * math.sqrt((z * z).mean())) - math.exp(np.cos(2 * math.pi * z).mean()) + 20 + math.e


@on_reals(3, -5.12, 5.12)
def rastrigin_3(x):
    z = x - shift(3, 2)
    return 30 + (z * z - 10 * np.cos(2 * math.pi * z)).sum()


@on_reals(6, -10, 10)
def levy_6(x):
    w = 1 + (x - shift(6, 3)) / 4
    return (math.sin(math.pi * w[0]) ** 2 + ((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(math.pi * w[:-1] + 1) ** 2)).sum()
            + (w[-1] - 1) ** 2 * (1 + math.sin(2 * math.pi * w[-1]) ** 2))


@on_reals(4, -50, 70)
def griewank_4(x):
    z = x - shift(4, 20)
    return (z * z).sum() / 4000 - np.prod(np.cos(z / np.sqrt(np.arange(1, 5)))) + 1


@on_reals(5, -5, 5, -39.16616570377142 * 5)
def styblinski_tang_5(x):
    return 0.5 * (x ** 4 - 16 * x ** 2 + 5 * x).sum()


@on_reals(5, 0, math.pi, -4.687658)
def michalewicz_5(x):
    return -(np.sin(x) * np.sin(np.arange(1, 6) * x * x / math.pi) ** 20).sum()


@on_reals(2, -4.5, 4.5)
def beale(x):
    a, b = x
    return (1.5 - a + a * b) ** 2 + (2.25 - a + a * b * b) ** 2 + (2.625 - a + a * b ** 3) ** 2


@on_reals(2, -3, 3, -1.031628453489877)
def six_hump_camel(x):
    a, b = x
    return (4 - 2.1 * a * a + a ** 4 / 3) * a * a + a * b + (4 * b * b - 4) * b * b


@problem([number("a", -5, 10), number("b", 0, 15)], 0.39788735772973816)
def branin(p):
    a, b = p["a"], p["b"]
    return (b - 5.1 / (4 * math.pi ** 2) * a * a + 5 / math.pi * a - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10


@on_reals(2, -2, 2, math.log(3))
def log_goldstein_price(x):
    a, b = x
    return math.log((1 + (a + b + 1) ** 2 * (19 - 14 * a + 3 * a * a - 14 * b + 6 * a * b + 3 * b * b))
                    * (30 + (2 * a - 3 * b) ** 2 * (18 - 32 * a + 12 * a * a + 48 * b - 36 * a * b + 27 * b * b)))


@on_reals(3, 0, 1, -3.86278214782076)
def hartmann_3(x):
    a = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
    p = np.array([[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]) / 1e4
    return -(np.array([1, 1.2, 3, 3.2]) * np.exp(-(a * (x - p) ** 2).sum(1))).sum()


@on_reals(6, 0, 1, -3.32236801141551)
def hartmann_6(x):
    a = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
    p = np.array([[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
                  [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]]) / 1e4
    return -(np.array([1, 1.2, 3, 3.2]) * np.exp(-(a * (x - p) ** 2).sum(1))).sum()


# --- whole numbers, factors, categories ---

@problem([number(f"k{i}", 0, 30, "int") for i in range(6)], 0.0)
def whole_numbers_6(p):
    best = (3, 27, 11, 19, 6, 22)
    return float(sum((p[f"k{i}"] - best[i]) ** 2 for i in range(6)))


@problem([number("lr", 1e-6, 1, log=True), number("decay", 1e-8, 1e-1, log=True), number("drop", 0, 0.9)], 0.0)
def factors(p):
    lr, decay = math.log10(p["lr"]), math.log10(p["decay"])
    return (lr + 2.7) ** 2 + 0.3 * (decay + 0.8 * lr + 2.9) ** 2 + 4 * (p["drop"] - 0.23) ** 2


@problem([number("width", 1, 4096, "int", True), number("depth", 1, 12, "int"), number("lr", 1e-5, 1, log=True)], 0.0)
def network_shape(p):
    w = math.log2(p["width"])
    return (w - math.log2(300)) ** 2 / 4 + (p["depth"] - 4) ** 2 / 6 + (math.log10(p["lr"]) + 0.35 * p["depth"] + 1.2) ** 2


TABLE = np.sin(np.outer(np.arange(6) + 1, np.arange(5) * 2.1 + 0.7)) + 0.3 * np.cos(np.arange(30).reshape(6, 5) * 1.9)


@problem([choice(f"c{i}", "a", "b", "c", "d", "e") for i in range(6)], float(TABLE.min(1).sum()))
def categories_6(p):
    return float(sum(TABLE[i]["abcde".index(p[f"c{i}"])] for i in range(6)))


@problem([choice("kind", "p", "q", "r", "s"), *reals(3, -3, 3)], 0.0)
def kind_decides(p):
    k = "pqrs".index(p["kind"])
    x = np.array([p[f"x{i}"] for i in range(3)])
    return float((1 + k % 3) * ((x - shift(3, 1.5) * (1 - 0.5 * k)) ** 2).sum() + (0.8, 0.5, 0, 1.5)[k])


@problem([choice("opt", "sgd", "adam", "rms"), choice("act", "relu", "tanh"), number("lr", 1e-6, 1, log=True),
          number("mom", 0, 0.99), number("batch", 8, 512, "int", True)], 0.0)
def recipe(p):
    lr, batch = math.log10(p["lr"]), math.log2(p["batch"])
    target = {"sgd": -1.3, "adam": -3.2, "rms": -3.6}[p["opt"]] + 0.1 * (batch - 6)
    cost = (lr - target) ** 2 * 0.6 + 0.05 * (batch - 5) ** 2 + (0.4 if p["act"] == "tanh" else 0)
    return cost + {"sgd": 0.0, "adam": 0.15, "rms": 0.3}[p["opt"]] + ((p["mom"] - 0.87) ** 2 * 2 if p["opt"] == "sgd" else 0)


@on_reals(4, 0, 1)
def terraces_4(x):
    return float(np.floor(12 * np.abs(x - 0.5 - shift(4, 0.3))).sum())


@problem([number("steps", 1, 1000, "int", True), *reals(6, -5, 5)], 0.0)
def ridge_7(p):
    x = np.array([p[f"x{i}"] for i in range(6)]) - shift(6, 2)
    return abs(x.sum()) + 0.2 * float((x * x).sum()) ** 0.5 + abs(math.log10(p["steps"]) - 1.9)


@on_reals(8, -1, 1)
def sum_of_powers_8(x):
    return (np.abs(x - shift(8, 0.5)) ** (np.arange(8) / 2 + 1)).sum()


# --- real models: the loss is a cross-validated error ---

@functools.lru_cache(None)
def data(name, n=400):
    from sklearn import datasets
    from sklearn.preprocessing import StandardScaler
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    order = np.random.RandomState(0).permutation(len(y))[:n]
    return StandardScaler().fit_transform(x[order]), y[order]


def loss(model, name, n=400, scoring=None):
    from sklearn.model_selection import cross_val_score
    x, y = data(name, n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return -float(cross_val_score(model, x, y, cv=3, scoring=scoring).mean())


@problem([number("C", 1e-3, 1e2, log=True), number("gamma", 1e-6, 10, log=True), choice("kernel", "rbf", "sigmoid", "poly")],
         real=True)
def svc_digits(p):
    from sklearn.svm import SVC
    return loss(SVC(max_iter=2000, **p), "digits", 200)


@problem([number("max_depth", 1, 20, "int"), number("min_samples_leaf", 1, 60, "int", True),
          number("max_features", 0.05, 1), choice("criterion", "gini", "entropy")], real=True)
def tree_breast_cancer(p):
    from sklearn.tree import DecisionTreeClassifier
    return loss(DecisionTreeClassifier(random_state=0, **p), "breast_cancer", scoring="neg_log_loss")


@problem([number("n_neighbors", 1, 50, "int"), choice("weights", "uniform", "distance"), number("p", 1, 5)], real=True)
def neighbours_wine(p):
    from sklearn.neighbors import KNeighborsClassifier
    return loss(KNeighborsClassifier(**p), "wine", scoring="neg_log_loss")


@problem([number("alpha", 1e-4, 100, log=True), number("l1_ratio", 0, 1)], real=True)
def elastic_net_diabetes(p):
    from sklearn.linear_model import ElasticNet
    return loss(ElasticNet(**p), "diabetes")


@problem([number("alpha", 1e-6, 10, log=True), number("gamma", 1e-4, 10, log=True),
          choice("kernel", "rbf", "laplacian", "polynomial"), number("degree", 1, 4, "int")], real=True)
def kernel_ridge_diabetes(p):
    from sklearn.kernel_ridge import KernelRidge
    return max(-1.0, min(loss(KernelRidge(**p), "diabetes", 150), 2.0))


@problem([number("learning_rate", 0.01, 1, log=True), number("max_leaf_nodes", 2, 32, "int", True), number("subsample", 0.2, 1),
          number("n_estimators", 5, 20, "int"), number("min_samples_leaf", 1, 40, "int")], real=True)
def boosting_breast_cancer(p):
    from sklearn.ensemble import GradientBoostingClassifier
    return loss(GradientBoostingClassifier(random_state=0, **p), "breast_cancer", 150, "neg_log_loss")
