# SPDX-License-Identifier: Apache-2.0
"""Pictures for tests, made by Pillow."""
import numpy as np
from PIL import Image


def photo(seed, width=60, height=40):
    """Something with large and small structures, as a camera sees."""
    draw = np.random.default_rng(seed)
    coarse = Image.fromarray(draw.integers(0, 256, (5, 6, 3), dtype=np.uint8)).resize((width, height), Image.BICUBIC)
    noise = draw.normal(0, 6, (height, width, 3))
    return Image.fromarray((np.asarray(coarse) + noise).clip(0, 255).astype(np.uint8))


def plant(folder, per_class, suffix="png", classes=("cat", "dog", "fox"), **options):
    """A folder per class; each picture is another."""
    for c, name in enumerate(classes):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(per_class):
            photo(1000 * c + i).save(folder / name / f"{i}.{suffix}", **options)
    return folder
