# SPDX-License-Identifier: Apache-2.0
"""A plug-in that makes a dataset of windows over time series.

The source of each part is a folder of CSV files, a recording each: a header, then a row of numbers for each moment, the last
column being what to predict. What comes out is an array of windows and one of targets for each part, as NumPy reads them:

    train/windows.npy    [n x LENGTH x columns]
    train/targets.npy    [n]        what the last column says right after the window

    trainyard-dataset starts it; by hand: python3 windows.py request.json
"""
import numpy as np

from dataset_plugin import Plugin

LENGTH, STEP = 32, 8        # moments of a window, and from one window to the next

with Plugin() as plugin:
    for part, source in plugin.sources.items():
        if not source.is_dir():
            plugin.refuse(f"{source} is not a folder of CSV files")
        windows, targets = [], []
        for path in plugin.progress(sorted(source.glob("*.csv")), "recordings"):
            try:
                rows = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float32, ndmin=2)
            except ValueError as error:
                plugin.broken(path, error)
                continue
            for start in range(0, len(rows) - LENGTH, STEP):
                windows.append(rows[start:start + LENGTH, :-1])
                targets.append(rows[start + LENGTH, -1])
        if not windows:
            plugin.refuse(f"no recording in {source} is longer than {LENGTH} moments")
        folder = plugin.folder(part)
        np.save(folder / "windows.npy", np.stack(windows))
        np.save(folder / "targets.npy", np.array(targets))
        plugin.count(part, len(windows))
