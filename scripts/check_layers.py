# SPDX-License-Identifier: Apache-2.0
"""Fails when a file includes a header of a room that does not stand below its own (docs/architecture.md), when a
room's api file speaks SQL or its store file HTTP, or when a third-party library is included outside its room."""
import re
import sys
from pathlib import Path

BELOW = {"base": set(), "store": {"base"}, "http": {"base", "store"}}
for room, more in [("accounts", {"http"}), ("cluster", {"accounts"}), ("frameworks", {"cluster"}), ("tasks", {"frameworks"}),
                   ("search", {"tasks"}), ("datasets", {"tasks"}), ("models", {"tasks"}), ("serving", {"tasks"})]:
    BELOW[room] = set().union(more, *(BELOW[m] for m in more)) | {"store"}
BELOW["shepherd"] = BELOW["cli"] = {"base"}
EVERYTHING = set(BELOW)
# trainyard-dataset: folders of the room datasets that make up a program of their own, and the rest of the room no part of it.
BUILDER = {"builder": {"builder", "images", "formats"}, "images": {"images"}, "formats": {"formats"}}
LIBRARIES = {   # header: where it may be included
    "microhttpd.h": "http/", "gnutls": "http/", "sqlite3.h": "store/", "archive.h": "base/archive.c",
    "archive_entry.h": "base/archive.c", "sodium.h": "accounts/", "curl/curl.h": "cli/", "lmdb.h": "datasets/formats/",
    "jpeglib.h": "datasets/images/", "png.h": "datasets/images/", "webp/": "datasets/images/", "gif_lib.h": "datasets/images/",
    "tiffio.h": "datasets/images/", "expat.h": "datasets/formats/",
}


def problems(path):
    name = str(path.relative_to("src"))
    room = name.split("/")[0] if "/" in name else None
    may_use = BELOW[room] | {room} if room else EVERYTHING
    text = path.read_text()
    part = name.split("/")[1] if room == "datasets" else None
    if part in BUILDER:
        may_use = {"base", "datasets"}
    for used in re.findall(r'#include "datasets/([\w.-]+)', text):
        if used not in BUILDER.get(part, {used} - set(BUILDER)):
            yield f"{path}: {name} may not include datasets/{used}"
    for used in re.findall(r'#include "([\w-]+)/', text):
        if used not in may_use:
            yield f"{path}: {room}/ may not include {used}/"
    for header in re.findall(r"#include <([^>]+)>", text):
        for library, home in LIBRARIES.items():
            if header.startswith(library) and not name.startswith(home):
                yield f"{path}: <{header}> belongs to {home}"
    if name.endswith("_store.c") and re.search(r'#include "http/(?!stream)', text):
        yield f"{path}: a store file does not speak HTTP"
    if not name.endswith("_store.c") and room != "store" and re.search(r'"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b', text):
        yield f"{path}: SQL belongs to a _store.c file"


found = [p for path in sorted(Path("src").rglob("*.[ch]")) for p in problems(path)]
print("\n".join(found))
sys.exit(bool(found))
