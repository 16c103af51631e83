# SPDX-License-Identifier: Apache-2.0
"""peers.py PEER WORK FOLDER TARGET: does the work of trainyard-dataset with what people use instead, and prints images per second, and
per second of processor time.

PEER   pillow        Pillow and py-lmdb; two processes read and change images, one writes: the script that people write
       torchvision   the same with torchvision's ImageFolder and transforms in a DataLoader with two workers
       tensorflow    TFRecord files by tf.io.TFRecordWriter; images by tf.io and tf.image, two at a time
WORK   stored        the bytes of the files, with their sides
       raw256        256 x 256, bilinear, as pixels
       encode256     256 x 256, bilinear, encoded again as JPEG of quality 95
       raw128        128 x 128 as pixels
       raw           pixels at the size they have
"""
import io
import multiprocessing
import os
import random
import resource
import sys
import time
from pathlib import Path

SIZES = {"stored": None, "raw": None, "raw256": (256, 256), "encode256": (256, 256), "raw128": (128, 128)}
BATCH = 256             # records of one transaction


def files(folder):
    classes = sorted(os.listdir(folder))
    found = [(str(p), label) for label, name in enumerate(classes) for p in sorted((Path(folder) / name).iterdir())]
    random.Random(1).shuffle(found)
    return found


def datum(channels, height, width, data, label, encoded):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/unit/datasets"))
    from readers import Datum
    d = Datum(channels=channels, height=height, width=width, data=data, label=label)
    if encoded:
        d.encoded = True
    return d.SerializeToString()


def planes(array):
    return array[:, :, ::-1].transpose(2, 0, 1).tobytes()


def pillow_one(args):
    import numpy as np
    from PIL import Image
    (path, label), work = args
    if work == "stored":
        data = Path(path).read_bytes()
        width, height = Image.open(io.BytesIO(data)).size
        return datum(3, height, width, data, label, True)
    image = Image.open(path).convert("RGB")
    if SIZES[work]:
        image = image.resize(SIZES[work], Image.BILINEAR)
    if work == "encode256":
        out = io.BytesIO()
        image.save(out, "JPEG", quality=95)
        return datum(3, image.height, image.width, out.getvalue(), label, True)
    return datum(3, image.height, image.width, planes(np.asarray(image)), label, False)


def write_lmdb(target, records):
    import lmdb
    env = lmdb.open(target, map_size=1 << 38, sync=False)
    txn = env.begin(write=True)
    for i, record in enumerate(records):
        txn.put(b"%08d" % i, record, append=True)
        if i % BATCH == BATCH - 1:
            txn.commit()
            txn = env.begin(write=True)
    txn.commit()
    env.sync(True)
    env.close()


def pillow(work, found, target):
    with multiprocessing.Pool(2) as pool:
        write_lmdb(target, pool.imap(pillow_one, [(f, work) for f in found], chunksize=32))
        pool.close()
        pool.join()


def torchvision(work, folder, target):
    import numpy as np
    import torch
    import torchvision
    from torchvision import transforms

    torch.set_num_threads(1)

    def to_record(image):
        if work == "encode256":
            out = io.BytesIO()
            image.save(out, "JPEG", quality=95)
            return out.getvalue()
        return planes(np.asarray(image))

    steps = [transforms.Resize(SIZES[work])] if SIZES[work] else []
    images = torchvision.datasets.ImageFolder(folder, transforms.Compose(steps + [to_record]))
    loader = torch.utils.data.DataLoader(images, batch_size=64, num_workers=2, shuffle=True, collate_fn=list)
    sides = SIZES[work] or (28, 28)
    write_lmdb(target, (datum(3, sides[1], sides[0], data, label, work == "encode256") for batch in loader for data, label in batch))


def tensorflow(work, found, target):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf
    ints, blob = (lambda v: tf.train.Feature(int64_list=tf.train.Int64List(value=[v]))), (lambda v: tf.train.Feature(bytes_list=tf.train.BytesList(value=[v])))

    def load(path, label):
        data = tf.io.read_file(path)
        if work == "stored":
            shape = tf.io.extract_jpeg_shape(data)
            return data, shape[0], shape[1], label
        image = tf.io.decode_image(data, channels=3, expand_animations=False)
        if SIZES[work]:
            image = tf.cast(tf.round(tf.image.resize(image, SIZES[work][::-1], antialias=True)), tf.uint8)
        if work == "encode256":
            return tf.io.encode_jpeg(image, quality=95), 256, 256, label
        return tf.reshape(image, [-1]), tf.shape(image)[0], tf.shape(image)[1], label

    paths, labels = zip(*found)
    data = tf.data.Dataset.from_tensor_slices((list(paths), list(labels))).map(load, num_parallel_calls=2).prefetch(64)
    with tf.io.TFRecordWriter(target) as writer:
        for record, height, width, label in data.as_numpy_iterator():
            encoded = isinstance(record, bytes)
            features = {"height": ints(int(height)), "width": ints(int(width)), "depth": ints(3), "label": ints(int(label)),
                        "image/encoded" if encoded else "image_raw": blob(record if encoded else record.tobytes())}
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


def cpu_s():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def main():
    peer, work, folder, target = sys.argv[1:]
    if peer == "tensorflow":
        import tensorflow as tf     # noqa: F401  loading it is not writing
    found = files(folder)
    began, cpu = time.monotonic(), cpu_s()
    if peer == "pillow":
        pillow(work, found, target)
    elif peer == "torchvision":
        torchvision(work, folder, target)
    else:
        tensorflow(work, found, target)
    print(len(found) / (time.monotonic() - began), len(found) / (cpu_s() - cpu))


main()
