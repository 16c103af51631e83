# SPDX-License-Identifier: Apache-2.0
"""TFRecord files are read by TensorFlow itself, which compares the checksum of each record."""
import hashlib

import numpy as np
import pytest
from PIL import Image

from pictures import plant
from pypi_env import tensorflow  # noqa: F401

CLASSES = ("cat", "dog", "fox")

# Prints the label and a hash of the pixels of each record of the files.
READ = """
import hashlib
INTS = {name: tf.io.FixedLenFeature([], tf.int64) for name in ("height", "width", "depth", "label")}
TEXT = tf.io.FixedLenFeature([], tf.string)
key, paths = args[0], args[1:]

def pixels(features):
    if key == "image/encoded":
        return tf.io.decode_image(features[key], channels=3)
    return tf.reshape(tf.io.decode_raw(features[key], tf.uint8), [features[k] for k in ("height", "width", "depth")])

found = []
for record in tf.data.TFRecordDataset(paths):
    features = tf.io.parse_single_example(record, {**INTS, key: TEXT})
    found.append([int(features["label"]), hashlib.sha256(pixels(features).numpy().tobytes()).hexdigest()])
print(json.dumps(found))
"""
# Prints how many records were read before the first error, and its name.
READ_UNTIL_ERROR = """
n, error = 0, None
try:
    for record in tf.data.TFRecordDataset(args):
        n += 1
except tf.errors.OpError as e:
    error = type(e).__name__
print(json.dumps([n, error]))
"""


@pytest.fixture
def pets(builder):
    return plant(builder.data / "pets", 5)


def build(builder, pets, **more):
    target, report = builder.build(kind="IMAGEFORCLASSIFICATION", backend="TFrecords", image={"trainImages": pets}, **more)
    return [target / "train_db" / name for name in report["splits"][0]["files"]]


def pixels_of(pets):
    return sorted([label, hashlib.sha256(np.asarray(Image.open(path)).tobytes()).hexdigest()]
                  for label, name in enumerate(CLASSES) for path in (pets / name).iterdir())


@pytest.mark.parametrize("key, options", [("image_raw", {}), ("image/encoded", {"encoded": True}), ("image_raw", {"shards": 4}),
                                          ("image_raw", {"byclass": True})], ids=["pixels", "encoded", "shards", "by class"])
def test_tensorflow_sees_the_labels_and_pixels_of_every_file(builder, pets, tensorflow, key, options):  # noqa: F811
    assert sorted(tensorflow(READ, key, *build(builder, pets, **options))) == pixels_of(pets)


def test_tensorflow_notices_a_byte_that_changed(builder, pets, tensorflow):     # noqa: F811
    file, = build(builder, pets)
    size = file.stat().st_size
    assert tensorflow(READ_UNTIL_ERROR, file) == [15, None]
    with open(file, "r+b") as f:
        f.seek(size - 100)
        byte = f.read(1)[0]
        f.seek(size - 100)
        f.write(bytes([byte ^ 1]))
    assert tensorflow(READ_UNTIL_ERROR, file) == [14, "DataLossError"]
