# SPDX-License-Identifier: Apache-2.0
"""What the tests of installed algorithms share: packing and installing them, small ones made of a few lines, and trials."""
import io
import json
import tarfile
import textwrap
from pathlib import Path

from harness import ROOT
from witness import processes, query

SAMPLES = ROOT / "tests/data/plugins"
EXAMPLES = ROOT / "examples/plugins"

TRIAL = """
import json, os
config = json.load(open("config.json"))
with open(os.environ["RESULT_DIR"] + "/val_dict_list.json", "w") as f:
    json.dump([{"steps": 1, "loss": float(config.get("x", 1))}], f)
"""
X = [{"name": "x", "type": "Range", "dataType": "DOUBLE", "minDbVal": 0, "maxDbVal": 1}]

# The methods of a test go behind this.
HEAD = """
import json, os, sys
from plugins.core.base_plugin_opt import BasePluginOptimizer
from plugins.core.logger import logger

class PluginOptimizer(BasePluginOptimizer):
"""


def plugin(methods):
    return {"optimizer.py": HEAD + textwrap.indent(textwrap.dedent(methods), "    ")}


def tar(files, top="", mode="w:gz"):
    """An archive of a folder, or of {name: text}; a text may come as (text, mode)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as t:
        if isinstance(files, Path):
            files = {p.name: (p.read_bytes(), p.stat().st_mode & 0o777) for p in sorted(files.iterdir()) if p.is_file()}
        for name, text in files.items():
            text, bits = text if isinstance(text, tuple) else (text, 0o644)
            data = text if isinstance(text, bytes) else text.encode()
            info = tarfile.TarInfo(top + name)
            info.size, info.mode = len(data), bits
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def install(server, name, files, user="ann", **data):
    """Installs by upload; returns the reply."""
    return server.post("/hypersearch/algorithm/install", user=user,
                       files={"file": (f"{name}.tar", files if isinstance(files, bytes) else tar(files))},
                       data={"data": json.dumps({"name": name, **data})})


def installed(server, name, files, **data):
    reply = install(server, name, files, **data)
    assert reply.status_code == 200, reply.text
    return name


def start(server, algorithm, space=None, script=TRIAL, params=None, user="ann", args="", **algo):
    """Starts a search with it, one experiment at a time unless told otherwise."""
    algo = {"maxParalleJobNum": 1, "maxJobNum": -1, **algo, "algorithm": algorithm,
            "algoParams": [{"name": k, "value": v} for k, v in (params or {}).items()]}
    return server.search(script, algo, X if space is None else space, user=user, args=args)


def values(record, name="x"):
    """What each experiment was run with, in order of their ids."""
    return [p["fixedVal"] for e in record["experiments"] for p in e["hyperParams"] if p["name"] == name]


def folder(server, search):
    """The folder of a search, with the plugin's log and working directory."""
    return server.data / "searches" / query(server, "SELECT package FROM search WHERE name = ?", search)[0][0]


def log(server, search):
    return (folder(server, search) / "plugin.log").read_text()


def plugin_processes(server, search):
    return processes("plugin:" + folder(server, search).name)
