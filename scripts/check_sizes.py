# SPDX-License-Identifier: Apache-2.0
"""Fails on C files over 600 lines, headers over 200 and functions over 100 lines; --longest prints the ten longest
functions and files."""
import re
import sys
from pathlib import Path


def functions(path):
    lines, start = path.read_text().split("\n"), None
    for i, line in enumerate(lines):
        if line == "{":
            start = i
        elif line == "}" and start is not None:
            head = " ".join(lines[max(0, start - 3):start])
            name = re.findall(r"(\w+)\s*\(", head)
            yield i - start, f"{path}:{start} {name[-1] if len(name) == 1 else name[0] if name else '?'}"
            start = None


files = sorted(Path("src").rglob("*.[ch]"))
sizes = sorted(((len(p.read_text().split("\n")), str(p)) for p in files), reverse=True)
longest = sorted((f for p in files if p.suffix == ".c" for f in functions(p)), reverse=True)
if "--longest" in sys.argv:
    for title, rows in ("longest functions", longest[:10]), ("longest files", sizes[:10]):
        print(title, *(f"  {n:4} {where}" for n, where in rows), sep="\n")
    sys.exit()
bad = [f"{where}: {n} lines" for n, where in sizes if n > (200 if where.endswith(".h") else 600)]
bad += [f"{where}: {n} lines" for n, where in longest if n > 100]
print("\n".join(bad))
sys.exit(bool(bad))
