# SPDX-License-Identifier: Apache-2.0
"""Problems of the quality benchmark where trials go wrong: losses that diverge, penalties, failures by region and by chance.
Beneath each is a shifted sphere, which every model finds when nothing goes wrong. None is a trial that failed."""
import hashlib
import json
import math

import numpy as np

from problems import problem, reals, shift, suite

suite("trouble")

AT, DIMS = shift(4, 0.35) + 0.5, 4
SPACE = reals(DIMS, 0, 1)
FAR = np.sort(((np.random.default_rng(3).uniform(size=(20000, DIMS)) - AT) ** 2).sum(1))     # what random points have


def sphere(p):
    return float(sum((p[f"x{i}"] - AT[i]) ** 2 for i in range(DIMS)))


def chance(p):
    """Evenly in [0, 1), the same for the same point."""
    return int(hashlib.sha256(json.dumps(p, sort_keys=True).encode()).hexdigest()[:12], 16) / 16 ** 12


def trouble(name, f):
    f.__name__ = name
    problem(SPACE, 0.0)(f)


for share in (0.5, 0.8):
    for value in (10, 1e3, 1e6):
        trouble(f"penalty_{value:g}_of_{share:.0%}", lambda p, most=FAR[int((1 - share) * len(FAR))], value=value:
                sphere(p) if sphere(p) < most else value)

for share in (0.02, 0.1):
    trouble(f"diverges_{share:.0%}", lambda p, share=share: sphere(p) if chance(p) >= share else 10 ** (3 + 9 * chance(p) / share))

for share in (0.5, 0.8):
    trouble(f"fails_beyond_{share:.0%}", lambda p, most=FAR[int((1 - share) * len(FAR))]: sphere(p) if sphere(p) < most else None)

for share in (0.1, 0.3, 0.5):
    trouble(f"fails_by_chance_{share:.0%}", lambda p, share=share: sphere(p) if chance(p) >= share else None)


@problem(SPACE, 0.0)
def fails_beside_the_best(p):
    """The best of what does not fail is at the border of it."""
    return sphere(p) - 0.1 ** 2 if p["x0"] <= AT[0] - 0.1 else None


@problem(SPACE, 0.0)
def steep(p):
    return math.expm1(20 * sphere(p))
