# SPDX-License-Identifier: Apache-2.0
"""generate.py FOLDER [N]: N (20,000) JPEGs of 500 x 375 in ten classes, which look like photos to an encoder (about 60 kB each),
and Fashion-MNIST's 60,000 training images as PNG."""
import gzip
import multiprocessing
import sys
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = 10


def photo(args):
    folder, i = args
    draw = np.random.default_rng(i)
    coarse = Image.fromarray(draw.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((500, 375), Image.BICUBIC)
    pixels = np.asarray(coarse) + draw.normal(0, 8, (375, 500, 3))
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"class{i % CLASSES}" / f"{i:06d}.jpg", quality=90)


def fashion(folder):
    source = Path("/usr/share/datasets/fashion-mnist")
    images = np.frombuffer(gzip.decompress((source / "train-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16).reshape(-1, 28, 28)
    labels = np.frombuffer(gzip.decompress((source / "train-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    for i, (image, label) in enumerate(zip(images, labels)):
        Image.fromarray(image).save(folder / f"class{label}" / f"{i:05d}.png")


def folders(parent):
    for c in range(CLASSES):
        (parent / f"class{c}").mkdir(parents=True, exist_ok=True)
    return parent


def main():
    folder, n = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20000
    with multiprocessing.Pool() as pool:
        pool.map(photo, [(folders(folder / "photos"), i) for i in range(n)], chunksize=64)
    fashion(folders(folder / "fashion"))


main()
