# SPDX-License-Identifier: Apache-2.0
"""The host of plugin search algorithms, spoken to as the server does."""
import json
import os
import subprocess
import sys
import textwrap

import pytest

RUNTIME = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../../runtime/python"))
HOST = os.path.join(RUNTIME, "tools/plugin_host.py")
START = {"do": "start", "protocol": 1, "name": "mine", "hyper_parameters": [{"name": "x"}], "params": {}, "state": None,
         "logLevel": "INFO"}
HEAD = "from plugins.core.base_plugin_opt import BasePluginOptimizer\nfrom plugins.core.logger import logger\n"


def search(n=1, results=(), replay=False):
    return {"do": "search", "number_samples": n, "last_exp_results": list(results), "replay": replay}


class Talk:
    def __init__(self, folder, code, **start):
        (folder / "optimizer.py").write_text(HEAD + textwrap.dedent(code))
        self.process = subprocess.Popen([sys.executable, HOST, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, universal_newlines=True)
        self.send({**START, **start})

    def send(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def ask(self, *args, **kw):
        self.send(search(*args, **kw))
        return json.loads(self.process.stdout.readline())

    def end(self):
        """(exit code, what was printed, the log)"""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def talk(tmp_path):
    talks = []

    def begin(code, **start):
        talks.append(Talk(tmp_path, code, **start))
        return talks[-1]
    yield begin
    for t in talks:
        t.process.kill()
        t.process.communicate()


ECHO = """
class PluginOptimizer(BasePluginOptimizer):
    def search(self, number_samples, last_exp_results):
        return [{"x": [self.name, self.hyper_parameters, self.kwargs, number_samples, last_exp_results]}]
"""


def test_a_plugin_gets_name_space_parameters_and_results(talk):
    t = talk(ECHO, params={"seed": "2"})
    answer = t.ask(2, [{"id": 0}])
    assert answer["state"] is None
    assert answer["suggestions"] == [{"x": str(["mine", [{"name": "x"}], {"seed": "2"}, 2, [{"id": 0}]])}]
    assert t.end() == (0, "", "")


def test_what_it_prints_never_meets_the_channel(talk):
    t = talk("""
import os
print("at import")
class PluginOptimizer(BasePluginOptimizer):
    def search(self, n, results):
        print("in search"), os.system("echo a child"), os.write(1, b"raw\\n"), input
        assert os.read(0, 1) == b""
        return []
""")
    assert t.ask() == {"suggestions": [], "state": None}
    code, out, log = t.end()
    assert (code, out) == (0, "") and all(word in log for word in ("at import", "in search", "a child", "raw"))


@pytest.mark.parametrize("value, plain", [
    ("1", 1), ("0.5", 0.5), ("'a'", "a"), ("True", True), ("np.float64(0.1)", 0.1), ("np.float32(0.5)", 0.5), ("np.int64(3)", 3),
    ("np.str_('b')", "b"), ("np.bool_(True)", True), ("np.array([2])", 2), ("np.array(['c'])[0]", "c"),
    ("fractions.Fraction(1, 2)", "1/2"), ("decimal.Decimal('0.25')", "0.25"), ("None", None),
])
def test_values_become_plain_ones(talk, value, plain):
    t = talk("import decimal, fractions\nimport numpy as np\nclass PluginOptimizer(BasePluginOptimizer):\n"
             "    def search(self, n, results): return [{'x': %s}]" % value)
    found = t.ask()["suggestions"][0]["x"]
    assert found == plain and type(found) is type(plain)


def test_state_goes_through_pickle_and_back(talk):
    code = """
    import collections
    class PluginOptimizer(BasePluginOptimizer):
        seen = ()
        def search(self, n, results):
            self.seen += (len(self.seen),)
            return [{"x": str(self.seen)}]
        def get_state(self): return collections.OrderedDict(seen=self.seen)
        def set_state(self, state): self.seen = state["seen"]
    """
    first = talk(code)
    first.ask()
    state = first.ask()["state"]
    assert first.end()[0] == 0
    assert talk(code, state=state).ask()["suggestions"] == [{"x": "(0, 1, 2)"}]


@pytest.mark.parametrize("name", ["what", "function", "call", "request", "folder", "a b-c"])
def test_a_parameter_may_have_any_name_that_the_plugin_takes(talk, name):
    assert repr({name: "ei"}) in talk(ECHO, params={name: "ei"}).ask()["suggestions"][0]["x"]


@pytest.mark.parametrize("name", ["self", "name", "hyper_parameters"])
def test_a_parameter_named_as_an_argument_of_the_plugin_is_said(talk, name):
    error = talk(ECHO, params={name: "ei"}).ask()["error"]
    assert error.startswith("PluginOptimizer() raised TypeError: ") and "multiple values for argument '%s'" % name in error


def test_a_plugin_need_not_know_the_base_class(talk):
    t = talk("class PluginOptimizer:\n    def __init__(self, name, hyper_parameters, **kwargs): pass\n"
             "    def search(self, number_samples, last_exp_results=None): return ({'x': 1},)")
    assert t.ask() == {"suggestions": [{"x": 1}], "state": None}


@pytest.mark.parametrize("code, error", [
    ("raise RuntimeError('no')", "optimizer.py raised RuntimeError: no"),
    ("def f(:", "optimizer.py raised SyntaxError: "),
    ("import sys; sys.exit()", "optimizer.py called sys.exit()"),
    ("", "optimizer.py has no class PluginOptimizer"),
    ("class PluginOptimizer: pass", "PluginOptimizer() raised TypeError: "),
    ("class PluginOptimizer(BasePluginOptimizer): search = None", "PluginOptimizer has no method search()"),
    ("class PluginOptimizer(BasePluginOptimizer): pass", "search() raised NotImplementedError: PluginOptimizer has no method"),
    ("class PluginOptimizer(BasePluginOptimizer):\n def search(self, n, r): raise KeyboardInterrupt()", "search() raised KeyboardInterrupt"),
    ("class PluginOptimizer(BasePluginOptimizer):\n def search(self, n, r): return {}", "search() returned dict, not a list"),
    ("class PluginOptimizer(BasePluginOptimizer):\n def search(self, n, r): return ['a']", "a list with str in it"),
    ("import numpy\nclass PluginOptimizer(BasePluginOptimizer):\n def search(self, n, r): return [{'x': numpy.ones(2)}]",
     "a value of search() raised ValueError"),
])
def test_what_goes_wrong_is_one_sentence_and_the_end(talk, code, error):
    t = talk(code)
    assert error in t.ask()["error"]
    assert t.end()[0] == 1


@pytest.mark.parametrize("returned, error", [
    ("[Odd(items=5)]", "reading what search() returned raised TypeError: 'int' object is not callable"),
    ("[Odd(items=fail)]", "reading what search() returned raised ValueError: my own reason"),
    ("Strange()", "reading what search() returned raised ValueError: my own reason"),
    ("[{Text(): 1}]", "reading what search() returned raised ValueError: my own reason"),
    ("[{'x': Text()}]", "a value of search() raised ValueError: my own reason"),
    ("[{'x': 1 << 20000}]", "writing what search() returned raised ValueError: "),
])
def test_what_an_answer_raises_while_it_is_read_is_said(talk, returned, error):
    t = talk("""
    import sys
    def fail(*_): raise ValueError("my own reason")
    class Odd:
        def __init__(self, items): self.items = items
    class Strange(list):
        __iter__ = fail
    class Text:
        __str__ = fail
    class PluginOptimizer(BasePluginOptimizer):
        def search(self, n, results): return %s
    """ % returned)
    assert t.ask()["error"].startswith(error)
    assert t.end()[0] == 1


@pytest.mark.parametrize("code, error", [
    ("raise OSError('/no/such/\\udcff')", "search() raised OSError: /no/such/\\udcff"),
    ("e = ValueError('the reason')\n        e.__notes__ = ['a note']\n        raise e", "search() raised ValueError: the reason"),
    ("raise Mute()", "search() raised Mute"),
    ("raise SystemExit(Mute())", "search() called sys.exit()"),
])
def test_an_exception_is_told_as_it_is_however_odd(talk, code, error):
    t = talk("""
    class Mute(Exception):
        def __str__(self): raise RuntimeError("no words")
        __notes__ = property(__str__)
    class PluginOptimizer(BasePluginOptimizer):
        def search(self, n, results):
            %s
    """ % code.replace("\n        ", "\n            "))
    assert t.ask()["error"].startswith(error)
    assert t.end()[0] == 1


def test_a_state_that_cannot_be_restored_is_said(talk):
    assert "unpickling the state raised" in talk(ECHO, state="bm9uc2Vuc2U=").ask()["error"]


def test_the_log_has_its_level_and_the_traceback(talk):
    t = talk("""
    class PluginOptimizer(BasePluginOptimizer):
        def search(self, n, results):
            logger.info("not this"), logger.warning("a warning")
            raise ValueError("deep inside")
    """, logLevel="WARN")
    t.ask()
    log = t.end()[2]
    assert "WARNING a warning" in log and "not this" not in log
    assert "Traceback" in log and "in search" in log and "ValueError: deep inside" in log


def test_its_modules_are_found_and_cannot_hide_ours(talk, tmp_path):
    (tmp_path / "plugins.py").write_text("raise AssertionError('this is not it')")
    (tmp_path / "helper.py").write_text("VALUE = 7")
    t = talk("import helper\nclass PluginOptimizer(BasePluginOptimizer):\n    def search(self, n, r): return [{'x': helper.VALUE}]")
    assert t.ask()["suggestions"] == [{"x": 7}]


def test_the_runtime_is_written_for_old_environments():
    """Python 3.6: nothing newer in the syntax, and the standard library only."""
    import ast
    for folder, _, names in os.walk(RUNTIME):
        for name in names:
            if name.endswith(".py"):
                with open(os.path.join(folder, name)) as f:
                    ast.parse(f.read(), feature_version=(3, 6))
