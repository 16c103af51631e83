# SPDX-License-Identifier: Apache-2.0
"""read_with_tensorflow.py FOLDER: builds TFRecord files of the images in FOLDER and reads them with tf.data.TFRecordDataset, which compares
the checksums; every record must have the pixels that TensorFlow decodes from its file."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf     # noqa: E402

PROGRAM = Path(__file__).resolve().parents[2] / "build/trainyard-dataset"
INTS = {name: tf.io.FixedLenFeature([], tf.int64) for name in ("height", "width", "depth", "label")}
TEXT = tf.io.FixedLenFeature([], tf.string)


def build(folder, target, **more):
    orders = {"version": 1, "name": "bench", "kind": "IMAGEFORCLASSIFICATION", "backend": "TFrecords", "target": target, "roots": [str(folder)],
              "image": {"trainImages": str(folder), "split": "sequential"}, "shards": 4, **more}
    file = Path(target).with_suffix(".json")
    file.write_text(json.dumps(orders))
    subprocess.run([PROGRAM, "build", file], check=True, stdout=subprocess.DEVNULL)
    file.unlink()
    split = json.loads((Path(target) / "report.json").read_text())["splits"][0]
    return [str(Path(target) / split["path"] / name) for name in split["files"]]


def compare(encoded):
    """A function of a record and its file's path: its label, and whether its pixels are those of the file."""
    def of(record, path):
        features = tf.io.parse_single_example(record, {**INTS, "image/encoded" if encoded else "image_raw": TEXT})
        wanted = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        if encoded:
            image = tf.io.decode_image(features["image/encoded"], channels=3, expand_animations=False)
        else:
            image = tf.reshape(tf.io.decode_raw(features["image_raw"], tf.uint8), [features[k] for k in ("height", "width", "depth")])
        return features["label"], tf.reduce_all(image == wanted)
    return of


def main():
    folder = Path(sys.argv[1]).resolve()
    classes = sorted(os.listdir(folder))
    paths = [str(p) for c in classes for p in sorted((folder / c).iterdir())]
    for encoded in False, True:
        with tempfile.TemporaryDirectory(dir=folder.parent) as target:
            records = tf.data.TFRecordDataset(build(folder, target, encoded=encoded))
            pairs = tf.data.Dataset.zip((records, tf.data.Dataset.from_tensor_slices(paths)))
            checked = list(pairs.map(compare(encoded), num_parallel_calls=2).as_numpy_iterator())
            assert len(checked) == len(paths) == sum(1 for _ in records)
            assert all(same and classes[label] == Path(path).parent.name for (label, same), path in zip(checked, paths))
            print(f"TensorFlow {tf.__version__} read {len(checked)} records, {'encoded' if encoded else 'pixels'}: all as their files")


main()
