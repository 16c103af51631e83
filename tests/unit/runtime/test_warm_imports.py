# SPDX-License-Identifier: Apache-2.0
"""Which imports of a program a warm interpreter makes ahead: those before the program does anything.
And what such a program has that depends on the version of Python."""
import importlib.util
import sys

import pytest

from conftest import RUNTIME

NAMES = ["numpy", "torch", "sklearn"]


@pytest.fixture
def warm():
    spec = importlib.util.spec_from_file_location("warm", RUNTIME + "/tools/warm.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def read(warm, tmp_path, monkeypatch):
    """read(source, files) -> the imports, in a folder with the program and other files."""

    def read(source, **files):
        for name, text in {"main.py": source, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        monkeypatch.chdir(tmp_path)
        imports, sources = warm.import_list("main.py", NAMES)
        read.sources = [path.removeprefix(str(tmp_path) + "/") for path in sources]
        return [(name, list(names)) for name, names in imports]

    return read


@pytest.mark.parametrize("source, imports", [
    ("import numpy", [("numpy", [])]),
    ("import numpy as np, torch.nn as nn", [("numpy", []), ("torch.nn", [])]),
    ("from torch.utils import data, model_zoo", [("torch.utils", ["data", "model_zoo"])]),
    ("from sklearn import *", [("sklearn", ["*"])]),
    ("import torch\nimport numpy", [("torch", []), ("numpy", [])]),
    ("'''doc'''\nfrom __future__ import annotations\nimport os, json, math, _socket\nimport numpy", [("numpy", [])]),
    ("N = 3\nA, B = 1, N\nNAMES: list = ['a', N]\nimport numpy", [("numpy", [])]),
    ("def f(a=1): g()\nclass C(object):\n    x = 1\n    def m(self): g()\nimport numpy", [("numpy", [])]),
    ("'doc'\n__all__ = ['f']\n__version__ = '1'\nRATE = -2 * 1e-3\nDIMS = {'a': [1, N], ('b', 2): {3}}\nimport numpy", [("numpy", [])]),
    ("async def f(a: int, *b, c: str = None, **d) -> 'T': await g()\nx: int\nclass C: y: float = 1.0\nimport numpy", [("numpy", [])]),
    ("class C:\n    @staticmethod\n    def f(): g()\n    @property\n    def x(self): return 1\nimport numpy", [("numpy", [])]),
], ids=lambda value: value if isinstance(value, str) else "")
def test_imports_before_anything_happens_are_made_ahead(read, source, imports):
    assert read(source) == imports


@pytest.mark.parametrize("source", [
    "print()", "x = f()", "os.environ['A'] = '1'", "a.b = 1", "a, b = c", "a, b.c = 1, 2", "x += 1", "del x", "if True: pass", "for x in y: pass",
    "with a: pass", "try: import numpy\nexcept ImportError: pass", "import unknown_module", "from . import sibling", "assert x",
    "def f(a=g()): pass", "@decorated()\ndef f(): pass", "class C(base()): pass", "class C:\n    x = f()", "x = [f() for f in g]", "global x",
    "raise SystemExit", "x = y = f()", "import os, unknown_module", "lambda: x()",
    "@decorated\ndef f(): pass", "@decorated\nclass C: pass", "class C(Base): pass", "class C(metaclass=M): pass", "class C(m.Base): pass",
    "class C:\n    @decorated\n    def m(self): pass", "x = B['vendor']", "x = a.b", "x = y / 'vendor'", "x = -y", "x = f'{y}'", "x = {y: 1}",
    "x = {y}", "x = y < 1", "x = y and z", "x = [*y]", "x = {**y}", "def f(a=B[1]): pass", "def f(*, a=b.c): pass", "def f(a: B[1]): pass",
    "def f() -> m.T: pass", "x: B[1] = 1", "__path__ = ['vendor']", "def __getattr__(name): pass", "from os import path as __getattr__",
    "from os import path as object", "def staticmethod(f): g()", "class C:\n    property = p\n    @property\n    def m(self): pass", "if __name__ == '__main__': pass",
], ids=lambda value: value)
def test_what_may_do_something_ends_the_list(read, source):
    assert read(f"import torch\n{source}\nimport numpy") == [("torch", [])]


def test_modules_of_the_program_are_read_where_they_are_imported(read):
    assert read("import first\nfrom package import second\nimport package.third\nimport sklearn",
                **{"first.py": "import torch", "package/__init__.py": "X = 1\nfrom .deep import Y", "package/deep.py": "import numpy\nY = 2",
                   "package/second.py": "from . import deep", "package/third.py": "import json"}
                ) == [("torch", []), ("numpy", []), ("sklearn", [])]
    assert sorted(read.sources) == ["first.py", "main.py", "package/__init__.py", "package/deep.py", "package/second.py", "package/third.py"]


def test_a_module_of_the_program_that_does_something_ends_the_list(read):
    assert read("import torch\nimport helper\nimport numpy", **{"helper.py": "import sklearn\nprint()\n"}) == [("torch", []), ("sklearn", [])]


def test_what_a_module_does_as_a_main_file_only_is_passed_over(read):
    helper = "import torch\nif __name__ == '__main__':\n    print()\n"
    assert read("import helper\nimport numpy", **{"helper.py": helper}) == [("torch", []), ("numpy", [])]
    assert read("import helper\nimport numpy", **{"helper.py": helper + "else:\n    print()\n"}) == [("torch", [])]


def test_a_main_file_that_is_imported_runs_again(read):
    """And does so before its first run has come to the end of its imports."""
    assert read("import torch\nimport a\nprint()", **{"a.py": "import main\nimport numpy"}) == [("torch", [])]


def test_a_star_may_import_modules_that_all_of_a_package_names(read):
    files = {"package/__init__.py": "__all__ = ['deep']", "package/deep.py": "print()", "plain.py": "X = 1"}
    assert read("from plain import *\nimport torch\nfrom package import *\nimport numpy", **files) == [("torch", [])]


def test_a_module_of_the_program_wins_over_one_of_the_same_name(read):
    assert read("import numpy\nimport torch", **{"numpy.py": "x = 1"}) == [("torch", [])]
    assert read("import numpy\nimport torch", **{"json.py": "print()", "numpy.py": "import json"}) == []


def test_modules_that_import_each_other_are_read_once(read):
    assert read("import a", **{"a.py": "import b\nimport numpy", "b.py": "import a\nimport torch"}) == [("torch", []), ("numpy", [])]


def test_modules_of_the_platform_are_read_like_the_programs_own(read):
    assert read("from emetrics import EMetrics\nimport numpy") == [("numpy", [])]


def test_a_program_that_cannot_be_read_is_refused(read):
    with pytest.raises(Exception, match="main.py cannot be read"):
        read("import = 3")


@pytest.mark.parametrize("known", [{}, {"orig_argv": []}], ids=["before 3.10", "since"])
def test_a_program_has_the_command_line_as_its_python_keeps_it(warm, monkeypatch, known):
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.delattr(sys, "orig_argv", raising=False)
    for name, value in known.items():
        monkeypatch.setattr(sys, name, value, raising=False)
    warm.set_arguments(["python3", "main.py", "-x"])
    assert sys.argv == ["main.py", "-x"] and getattr(sys, "orig_argv", None) == (["python3", "main.py", "-x"] if known else None)
