# SPDX-License-Identifier: Apache-2.0
"""Runs the named benchmarks and prints one table. See bench/run."""
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "search"), str(HERE.parent / "tests")]

import footprint  # noqa: E402
import http_get  # noqa: E402
import search_overhead  # noqa: E402
import search_poll  # noqa: E402
import task_rate  # noqa: E402
import warm  # noqa: E402

# Tasks first: they make the most files, and those are slow to make for minutes after others were deleted.
KINDS = {"tasks": task_rate.rows, "search": search_overhead.rows, "warm": warm.rows, "poll": search_poll.rows,
         "http": http_get.rows, "footprint": footprint.rows}


def main():
    kinds = sys.argv[1:] or list(KINDS)
    unknown = set(kinds) - set(KINDS)
    if unknown:
        sys.exit(f"bench/run: no benchmark is called {', '.join(unknown)}; there are {', '.join(KINDS)}")
    print(f"{'what':<58} {'ours':>12} {'peer':>12} {'ratio':>7}  goal")
    for kind in kinds:
        for row in KINDS[kind]():
            print(row, flush=True)


main()
