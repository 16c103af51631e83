# SPDX-License-Identifier: Apache-2.0
"""Writes the migrations as a C table: embed.py OUT.c 001_first.sql 002_second.sql ..."""
import json
import os
import sys


def c_string(line):
    return "        " + json.dumps(line, ensure_ascii=True)


def main(out, paths):
    with open(out, "w", encoding="ascii") as c:
        c.write('#include "store/migrate.h"\n\nconst struct migration migrations[] = {\n')
        for number, path in enumerate(paths, start=1):
            name = os.path.basename(path)
            if int(name.split("_")[0]) != number:
                sys.exit(f"{name}: expected migration number {number:03d}")
            with open(path, encoding="ascii") as sql:
                lines = sql.read().splitlines(keepends=True)
            c.write(f'    {{ {number}, "{name}",\n' + "\n".join(map(c_string, lines)) + " },\n")
        c.write("    { 0, 0, 0 },\n};\n")


main(sys.argv[1], sys.argv[2:])
