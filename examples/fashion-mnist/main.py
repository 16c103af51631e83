# SPDX-License-Identifier: Apache-2.0
"""A small convolutional network on Fashion-MNIST, as a trial of a hyperparameter search.

Reads the hyperparameters from config.json in the working directory, trains on a part of the training images,
and writes the accuracy and loss on test images to $RESULT_DIR/val_dict_list.json after every epoch. Run by hand
it uses the defaults below:

    RESULT_DIR=/tmp/result python3 main.py --images 4000 --epochs 2
"""
import argparse
import gzip
import json
import os
import struct
import time
from pathlib import Path

import numpy
import torch
from torch import nn
from torch.nn import functional

DEFAULTS = {"learning_rate": 0.05, "momentum": 0.9, "channels": 16, "hidden": 64, "dropout": 0.1, "batch": 64}


def read_images(folder, part):
    """Images [n, 1, 28, 28] scaled to mean 0, sd 1, and labels [n]; the IDX format of the MNIST family."""
    with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
        _, n, height, width = struct.unpack(">IIII", file.read(16))
        pixels = numpy.frombuffer(file.read(), numpy.uint8).reshape(n, 1, height, width)
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
        file.read(8)
        labels = numpy.frombuffer(file.read(), numpy.uint8)
    return torch.from_numpy((pixels / 255.0 - 0.286) / 0.353).float(), torch.from_numpy(labels.astype("int64"))


def make_network(channels, hidden, dropout):
    return nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(dropout), nn.Linear(2 * channels * 7 * 7, hidden), nn.ReLU(), nn.Linear(hidden, 10))


def train_epoch(network, optimizer, images, labels, batch):
    network.train()
    for rows in torch.randperm(len(labels)).split(batch):
        optimizer.zero_grad()
        functional.cross_entropy(network(images[rows]), labels[rows]).backward()
        optimizer.step()


def evaluate(network, images, labels):
    network.eval()
    with torch.no_grad():
        outputs = network(images)
    return (functional.cross_entropy(outputs, labels).item(),
            (outputs.argmax(1) == labels).float().mean().item())


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    options.add_argument("--images", type=int, default=6000, help="training images to use")
    options.add_argument("--epochs", type=int, default=2)
    options = options.parse_args()

    values = dict(DEFAULTS)
    if os.path.exists("config.json"):
        with open("config.json") as file:
            values.update(json.load(file))
    torch.manual_seed(1)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))

    train_images, train_labels = read_images(options.data, "train")
    test_images, test_labels = read_images(options.data, "t10k")
    train_images, train_labels = train_images[:options.images], train_labels[:options.images]
    test_images, test_labels = test_images[:2000], test_labels[:2000]

    network = make_network(int(values["channels"]), int(values["hidden"]), values["dropout"])
    optimizer = torch.optim.SGD(network.parameters(), lr=values["learning_rate"], momentum=values["momentum"])
    result = Path(os.environ.get("RESULT_DIR", "."))
    history = []
    print(f"Total iterations: {options.epochs}", flush=True)
    for epoch in range(1, options.epochs + 1):
        began = time.monotonic()
        train_epoch(network, optimizer, train_images, train_labels, int(values["batch"]))
        loss, accuracy = evaluate(network, test_images, test_labels)
        history.append({"steps": epoch, "loss": loss, "accuracy": accuracy})
        (result / "val_dict_list.json").write_text(json.dumps(history))
        print(f"Iteration {epoch}: tag test_loss, simple_value {loss:.5f}", flush=True)
        print(f"Iteration {epoch}: tag test_accuracy, simple_value {accuracy:.5f}", flush=True)
        print(f"epoch {epoch} took {time.monotonic() - began:.1f} s", flush=True)
    (result / "model").mkdir(exist_ok=True)
    torch.save(network.state_dict(), result / "model" / "network.pt")


if __name__ == "__main__":
    main()
