# SPDX-License-Identifier: Apache-2.0
"""Conventions that protect users and readers: licence lines, no leftovers, no printing outside the command line,
no sleeps in the program, every route with a page and a test."""
import re
import subprocess
import sys
from pathlib import Path

# http/server.c pauses for the last requests at the stop, where a signal from each would cost every request.
SLEEPERS = ("src/cli/", "src/http/server.c")
PRINTERS = ("src/cli/", "src/main.c", "src/serve.c", "src/accounts/user_command", "src/base/log.c", "src/shepherd/", "src/search/suggest_command.c",
            "src/datasets/builder/main.c", "src/datasets/builder/progress.c")
found = []
for path in sorted(Path("src").rglob("*.[ch]")):
    source, name = path.read_text(), str(path)
    text = re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\])*\"", "", source, flags=re.S)      # code alone
    if not source.startswith("// SPDX-License-Identifier: Apache-2.0"):
        found.append(f"{name}: the first line is the licence")
    if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", source):
        found.append(f"{name}: a leftover")
    if re.search(r"\b(printf|puts|perror|fprintf)\(", text) and not name.startswith(PRINTERS):
        found.append(f"{name}: printing belongs to the command line and the log")
    if re.search(r"\b(sleep|usleep|nanosleep)\(", text) and not name.startswith(SLEEPERS):
        found.append(f"{name}: wait for the event instead of sleeping")
    if re.search(r"\b(strcpy|strcat|sprintf|gets|strtok)\(", text):
        found.append(f"{name}: an unbounded or stateful string function")

pages = "\n".join(p.read_text() for p in Path("docs/api").glob("*.md"))
tests = "\n".join(p.read_text() for p in Path("tests").rglob("*.py"))
rows = re.findall(r'\{\s*(GET|POST|PUT|DELETE),\s*"(/[^"]*)"', "\n".join(p.read_text() for p in Path("src").rglob("*_api.c")))
for method, route in rows:
    if "not_built" in subprocess.run(["grep", "-rh", f'{route}"', "src"], capture_output=True, text=True).stdout:
        continue
    plain = re.sub(r"\{(\w+)(\.\.\.)?\}", r"{\1}", route)
    if plain not in pages:
        found.append(f"{method} {route}: no page in docs/api names it")
    stem = re.split(r"/?\{", route)[0]
    if stem and stem not in tests:
        found.append(f"{method} {route}: no test calls it")
print("\n".join(found))
sys.exit(bool(found))
