# SPDX-License-Identifier: Apache-2.0
"""trainyard suggest: the algorithms without a server, one JSON object per line in and out."""
import json
import subprocess

import pytest

from harness import BUILD

X = {"name": "x", "type": "Range", "dataType": "double", "min": 0, "max": 1}
SPACE = [X, {"name": "lr", "type": "Range", "dataType": "double", "min": 1e-5, "max": 1e-1, "log": True},
         {"name": "n", "type": "Range", "dataType": "int", "min": 1, "max": 64, "log": True},
         {"name": "k", "type": "Range", "dataType": "int", "min": -2, "max": 2},
         {"name": "a", "type": "Discrete", "dataType": "str", "values": ["r", "t", "\""]},
         {"name": "w", "type": "Discrete", "dataType": "double", "values": [0.5, 2]},
         {"name": "f", "type": "Fix", "dataType": "int", "value": 7}]


RESOURCE = {"ResourceName": "epochs", "ResourceValue": 9}


def algorithms():
    text = subprocess.run([BUILD / "trainyard", "suggest", "--help"], capture_output=True, text=True, check=True).stdout
    return text.rsplit("algorithms: ", 1)[1].strip().split(", ")


class Suggest:
    def __init__(self):
        self.process = subprocess.Popen([BUILD / "trainyard", "suggest"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def say(self, line):
        self.process.stdin.write(line if isinstance(line, str) else json.dumps(line) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def init(self, space=None, algorithm="Random", **more):
        if algorithm in ("Hyperband", "Asha", "Bohb"):
            more["params"] = RESOURCE
        return self.say({"op": "init", "space": space or [X], "algorithm": algorithm, "seed": 1, **more})

    def ask(self):
        return self.say({"op": "ask"})["params"]

    def tell(self, params, value):
        return self.say({"op": "tell", "params": params, "value": value})


@pytest.fixture
def suggest():
    s = Suggest()
    yield s
    s.process.stdin.close()
    assert s.process.wait(timeout=20) == 0
    s.process.stdout.close()


def refused(answer, words):
    assert answer["ok"] is False and words in answer["error"], answer


@pytest.mark.parametrize("algorithm", algorithms())
def test_values_are_typed_and_within_their_bounds(suggest, algorithm):
    assert suggest.init(SPACE, algorithm, budget=40) == {"ok": True}
    for i in range(40):
        p = suggest.ask()
        assert list(p)[:7] == ["x", "lr", "n", "k", "a", "w", "f"] and p.get("epochs", 1) in (1, 3, 9)
        assert isinstance(p["x"], float) and 0 <= p["x"] < 1 and 1e-5 <= p["lr"] <= 1e-1
        assert isinstance(p["n"], int) and 1 <= p["n"] <= 64 and p["k"] in (-2, -1, 0, 1, 2)
        assert p["a"] in ("r", "t", "\"") and p["w"] in (0.5, 2.0) and p["f"] == 7
        assert suggest.tell(p, (p["x"] - 0.3) ** 2 + p["n"]) == {"ok": True}


@pytest.mark.parametrize("algorithm", algorithms())
def test_one_seed_gives_one_sequence(algorithm):
    runs = []
    for _ in range(2):
        s = Suggest()
        s.init(SPACE, algorithm, budget=30)
        points = []
        for i in range(30):
            points.append(s.ask())
            s.tell(points[-1], i % 7)
        runs.append(points)
        s.process.communicate(timeout=20)
    assert runs[0] == runs[1]


@pytest.mark.parametrize("algorithm", algorithms())
def test_points_may_be_pending_and_foreign_ones_told(suggest, algorithm):
    suggest.init(SPACE, algorithm, parallel=4)
    for x in range(30):
        assert suggest.tell({"x": x / 30, "lr": 1e-3, "n": 5, "k": 0, "a": "t", "w": 2, "f": 7}, x)["ok"]
    points = suggest.say({"op": "ask", "n": 4})["params"]
    assert len(points) == 4 and len({json.dumps(p) for p in points}) == 4
    for p in reversed(points):
        assert suggest.tell(p, 1.5)["ok"]
    assert suggest.tell(points[0], 1.5)["ok"]       # told twice: one more measurement


@pytest.mark.parametrize("algorithm", algorithms())
@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -float("inf"), 1e308, -1e308, 0])
def test_any_value_may_be_told(suggest, algorithm, value):
    suggest.init(SPACE, algorithm, budget=30)
    for _ in range(30):
        assert suggest.tell(suggest.ask(), value) == {"ok": True}


@pytest.mark.parametrize("value", ["100000000000000000000", "-9223372036854775809", "1" + 400 * "0", "1e400", "-1e400"])
def test_numbers_as_python_prints_them_may_be_told(suggest, value):
    far = {"name": "far", "type": "Discrete", "dataType": "int", "values": [2**53 + 1]}
    name = {"name": "NaN 1e400", "type": "Discrete", "dataType": "str", "values": ["100000000000000000000 \\\" 1e400"]}
    suggest.init([far, name], "Tpe")
    point = json.dumps(suggest.ask())
    assert suggest.say(f'{{"op":"tell","params":{point},"value":{value}}}\n') == {"ok": True}


@pytest.mark.parametrize("seed", [2**63, -2**64, 1.5, "x"])
def test_a_seed_that_is_refused_says_what_is_accepted(suggest, seed):
    refused(suggest.say({"op": "init", "space": [X], "algorithm": "Random", "seed": seed}),
            "seed must be a whole number above -2^63 and below 2^63")
    refused(suggest.say({"op": "init", "space": [X], "algorithm": "Random", "params": {"RandomSeed": seed}}),
            "RandomSeed must be a whole number above -2^63 and below 2^63")
    assert suggest.say({"op": "init", "space": [X], "algorithm": "Random", "seed": 2**63 - 1}) == {"ok": True}


@pytest.mark.parametrize("algorithm", algorithms())
def test_mixed_huge_failed_and_ordinary_values(suggest, algorithm):
    suggest.init([X], algorithm, objective="maximize", budget=40)
    for i in range(40):
        assert suggest.tell(suggest.ask(), [1e308, None, -1e308, 1, 2, float("nan")][i % 6]) == {"ok": True}


@pytest.mark.parametrize("algorithm", algorithms())
@pytest.mark.parametrize("space", [
    [{**X, "min": 1, "max": 1}], [{"name": "k", "type": "Range", "dataType": "int", "min": 3, "max": 3}],
    [{"name": "a", "type": "Discrete", "dataType": "str", "values": ["only"]}],
    [{"name": "f", "type": "Fix", "dataType": "double", "value": 2.5}],
    [{"name": "a", "type": "Discrete", "dataType": "int", "values": [1, 2]}]])
def test_more_trials_than_points_go_on(suggest, algorithm, space):
    suggest.init(space, algorithm, budget=40)
    for i in range(40):
        assert suggest.tell(suggest.ask(), i % 3) == {"ok": True}


@pytest.mark.parametrize("algorithm", algorithms())
def test_a_thousand_dimensions_and_a_hundred_thousand_categories(suggest, algorithm):
    space = [{**X, "name": f"x{i}"} for i in range(1000)]
    space.append({"name": "c", "type": "Discrete", "dataType": "int", "values": list(range(100000))})
    assert suggest.init(space, algorithm, budget=30) == {"ok": True}
    for i in range(30):
        p = suggest.ask()
        assert len(p) >= 1001 and suggest.tell(p, p["x0"]) == {"ok": True}


@pytest.mark.parametrize("algorithm", ["Hyperband", "Asha", "Bohb"])
def test_a_resource_is_one_more_member_and_tells_points_apart(suggest, algorithm):
    suggest.init(algorithm=algorithm)
    points = []
    while not points or points[-1]["epochs"] == 1:
        points.append(suggest.ask())
        assert suggest.tell(points[-1], points[-1]["x"])["ok"]
    best = min(points[:-1], key=lambda p: p["x"])
    if points[-1]["epochs"] == 3 and algorithm == "Asha":
        assert points[-1]["x"] == best["x"]
    refused(suggest.tell({"x": 0.5, "epochs": 0}, 1), "\"epochs\" is a whole number from 1")


K = {"name": "k", "type": "Range", "dataType": "int", "min": 1, "max": 100, "step": 25}
DROP = {"name": "drop", "type": "Range", "dataType": "double", "min": 0, "max": 0.5, "step": "0.1"}
LR = {"name": "lr", "type": "Range", "dataType": "double", "min": -4, "max": -1, "power": 10}
WIDTH = {"name": "width", "type": "Range", "dataType": "int", "min": 4, "max": 8, "power": 2, "step": 1}


@pytest.mark.parametrize("algorithm", algorithms())
def test_steps_and_powers_are_those_of_a_search(suggest, algorithm):
    assert suggest.init([K, DROP, LR, WIDTH], algorithm, budget=40) == {"ok": True}
    for i in range(40):
        p = suggest.ask()
        assert p["k"] in (1, 26, 51, 76) and p["drop"] in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
        assert 1e-4 <= p["lr"] <= 0.1 and p["width"] in (16, 32, 64, 128, 256)
        assert suggest.tell(p, p["lr"]) == {"ok": True}


def test_a_power_draws_its_exponents_evenly(suggest):
    suggest.init([LR], "Sobol")
    lr = [p["lr"] for p in suggest.say({"op": "ask", "n": 300})["params"]]
    assert all(90 <= sum(low <= x < 10 * low for x in lr) <= 110 for low in (1e-4, 1e-3, 1e-2))


@pytest.mark.parametrize("change, words", [
    ({"k": 76}, None), ({"k": 25}, "\"k\" has no value 25"), ({"k": 100}, "no value 100"), ({"drop": 0.1 + 0.2}, None),
    ({"drop": 0.35}, "\"drop\" has no value 0.35"), ({"lr": 0.0123}, None), ({"lr": -2}, "\"lr\" has no value -2.0"),
    ({"lr": 0.2}, "\"lr\" has no value 0.2"), ({"width": 128}, None), ({"width": 100}, "\"width\" has no value 100")])
def test_what_is_told_has_to_be_on_the_steps(suggest, change, words):
    suggest.init([K, DROP, LR, WIDTH], "Tpe")
    answer = suggest.tell({"k": 1, "drop": 0.5, "lr": 0.001, "width": 16, **change}, 1)
    assert answer == {"ok": True} if words is None else refused(answer, words) is None


@pytest.mark.parametrize("value", [2**53 + 1, -2**53 - 1, 2**63 - 1, 3.0])
def test_whole_numbers_are_exact(suggest, value):
    choice = {"name": "d", "type": "Discrete", "dataType": "int", "values": [value]}
    assert suggest.init([choice, {"name": "f", "type": "Fix", "dataType": "int", "value": value}]) == {"ok": True}
    assert suggest.ask() == {"d": value, "f": value}
    assert suggest.tell({"d": value, "f": value}, 1) == {"ok": True}
    refused(suggest.tell({"d": int(value) - 1, "f": value}, 1), f"\"d\" has no value {int(value) - 1}")
    refused(suggest.tell({"d": float(2**53 + 2), "f": value}, 1), "without point and exponent beyond 2^53")


@pytest.mark.parametrize("algorithm", ["Hyperband", "Asha", "Bohb"])
def test_an_asked_point_is_told_with_its_resource(suggest, algorithm):
    suggest.init(algorithm=algorithm)
    point = suggest.ask()
    refused(suggest.tell({"x": point["x"]}, 1), "\"epochs\" is missing; this point was asked for with \"epochs\" 1")
    refused(suggest.tell({**point, "epochs": 10**9}, 1), "\"epochs\" is 1000000000; ResourceValue, the largest, is 9")
    assert suggest.tell(point, 1) == {"ok": True}
    for elsewhere in ({"x": 0.123}, {"x": 0.123, "epochs": 9}, {"x": 0.123, "epochs": 5}, {**point, "epochs": 9}, {"x": point["x"]}):
        assert suggest.tell(elsewhere, 1) == {"ok": True}


def test_who_has_to_wait_is_told_so(suggest):
    suggest.init(algorithm="Hyperband")
    asked = suggest.say({"op": "ask", "n": 40})["params"]
    assert len(asked) == 9 + 5 + 3          # all that can begin before anything has ended
    refused(suggest.say({"op": "ask"}), "waits for the outcome")
    for p in asked:
        suggest.tell(p, p["x"])
    assert suggest.ask()["epochs"] == 3


def test_the_budget_ends_a_search_and_foreign_points_do_not_count(suggest):
    suggest.init(budget=2)
    suggest.tell({"x": 0.5}, 1)
    suggest.ask(), suggest.ask()
    refused(suggest.say({"op": "ask"}), "nothing more to suggest after 2 points")


@pytest.mark.parametrize("algorithm", algorithms())
@pytest.mark.parametrize("many", [10**17, 2**63 - 1])
def test_a_budget_may_be_as_large_as_can_be_written(suggest, algorithm, many):
    assert suggest.init(algorithm=algorithm, budget=many, parallel=many) == {"ok": True}
    for i in range(12):
        assert suggest.tell(suggest.ask(), i) == {"ok": True}


def test_an_ask_for_more_than_the_budget_gets_what_is_left(suggest):
    suggest.init(budget=3)
    assert len(suggest.say({"op": "ask", "n": 5})["params"]) == 3


def test_whole_numbers_may_be_written_as_reals(suggest):
    suggest.init(algorithm="Asha")
    points = suggest.say({"op": "ask", "n": 2.0})["params"]
    assert len(points) == 2
    assert suggest.tell({**points[0], "epochs": 1.0}, 1) == {"ok": True}
    refused(suggest.say({"op": "ask", "n": 1.5}), "from 1 to")
    refused(suggest.tell({**points[1], "epochs": 1.5}, 1), "\"epochs\" is a whole number from 1")


@pytest.mark.parametrize("line, words", [
    ("{\n", "not JSON"), ("[1]\n", "\"op\""), ("\"ask\"\n", "not JSON"), ({"op": "guess"}, "no op \"guess\""), ({}, "\"op\""),
    ({"op": 3}, "\"op\""), ({"op": "ask", "n": 0}, "from 1 to"), ({"op": "ask", "n": 10**9}, "from 1 to"),
    ({"op": "ask", "n": "x"}, "from 1 to"), ({"op": "tell", "value": 1}, "params is an object"),
    ({"op": "tell", "params": {"x": 0.5}}, "value is a number"),
    ({"op": "tell", "params": {"x": 0.5}, "value": "1"}, "value is a number"),
    ({"op": "tell", "params": {"x": 2}, "value": 1}, "\"x\" has no value"),
    ({"op": "tell", "params": {"x": "0.5"}, "value": 1}, "\"x\" is \"0.5\"; every value of it is a finite number"),
    ({"op": "tell", "params": {"x": [1, 2]}, "value": 1}, "\"x\" is a list of 2 items; every value"),
    ({"op": "tell", "params": {}, "value": 1}, "\"x\" is missing"),
    ({"op": "tell", "params": {"x": 0.5, "y": 1}, "value": 1}, "not in the space"),
    ('{"op":"tell","params":{"x":1e999},"value":1}\n', "\"x\" is null; every value of it is a finite number"),
    ({"op": "tell", "params": {"x": 10**20}, "value": 1}, "\"x\" has no value 1e+20"), ({"op": "ask", "n": 10**20}, "from 1 to"),
    ('{"op":"ask","n":1e}\n', "not JSON"), ('{"op":"ask","n":--1}\n', "not JSON"), ('{"op":"ask","n":NaNa}\n', "not JSON"), ("{\"op\": \"\\u0000\"}\n", "not JSON"),
    ("\xff\n", "not JSON"), ("[" * 5000 + "\n", "not JSON"),
])
def test_a_wrong_line_is_answered_and_changes_nothing(suggest, line, words):
    suggest.init()
    first = suggest.ask()
    refused(suggest.say(line), words)
    assert suggest.tell(first, 1) == {"ok": True}


@pytest.mark.parametrize("line", [{"op": "ask"}, {"op": "tell", "params": {}, "value": 1}])
def test_nothing_works_before_init(suggest, line):
    refused(suggest.say(line), "the first line is an init")


@pytest.mark.parametrize("change, words", [
    ({"space": []}, "space"), ({"space": 7}, "space"), ({"algorithm": "Annealing"}, "no algorithm \"Annealing\""),
    ({"algorithm": "ExperimentGridSearch"}, "nothing to suggest"), ({"objective": "best"}, "objective"),
    ({"budget": 0}, "budget"), ({"seed": "x"}, "seed"), ({"params": [1]}, "params is an object"),
    ({"params": {"EarlyStop": "median"}}, "no EarlyStop"), ({"params": {"earlystop": True}}, "no EarlyStop"),
    ({"params": {"WarmStart": "ann-hpo-1"}}, "no WarmStart"), ({"params": {"warmstart": "x"}}, "no WarmStart"),
    ({"space": [X, X]}, "two parameters named \"x\""), ({"space": [{**X, "type": "Normal"}]}, "type"),
    ({"space": [{**X, "dataType": "str"}]}, "use Discrete"), ({"space": [{**X, "min": 2}]}, "min at most max"),
    ({"space": [{**X, "max": float("inf")}]}, "finite"), ({"space": [{**X, "min": -1e308, "max": 1e308}]}, "finite"),
    ({"space": [{**X, "log": True}]}, "min must be above 0"),
    ({"space": [{**X, "min": 1, "max": 2, "log": True, "step": 1}]}, "log, which excludes step and power"),
    ({"space": [{**X, "min": 1, "max": 2, "log": True, "power": 10}]}, "log, which excludes step and power"),
    ({"space": [{**X, "step": 0}]}, "step must be a number above 0"),
    ({"space": [{**X, "step": -0.1}]}, "step must be a number above 0"),
    ({"space": [{**X, "step": "x"}]}, "step must be a number above 0"),
    ({"space": [{**X, "step": [1]}]}, "step"),
    ({"space": [{**K, "step": 2.5}]}, "step of an int range must be whole"),
    ({"space": [{**X, "step": 1e-300}]}, "step is too small"),
    ({"space": [{**X, "power": 1}]}, "power must be a number above 0 other than 1"),
    ({"space": [{**X, "power": -2}]}, "power must be a number above 0 other than 1"),
    ({"space": [{**X, "max": 999, "power": 10}]}, "the bounds are exponents"),
    ({"space": [{**X, "dataType": "int", "min": -3, "max": -1, "power": 10}]}, "no usable whole number"),
    ({"space": [{**X, "dataType": "int", "max": 0.5}]}, "whole numbers"),
    ({"space": [{**X, "dataType": "int", "max": 2**53 + 1}]}, "whole numbers within 2^53"),
    ({"space": [{**X, "dataType": "int", "min": -2**53 - 1}]}, "whole numbers within 2^53"),
    ({"space": [{"name": "f", "type": "Fix", "dataType": "int", "value": 2.0**60}]}, "\"f\" is 1.152921504606847e+18"),
    ({"space": [{"name": "a", "type": "Discrete", "dataType": "str", "values": []}]}, "at least one"),
    ({"space": [{"name": "a", "type": "Discrete", "dataType": "str", "values": [1]}]}, "\"a\" is 1; every value of it is a text"),
    ({"space": [{"name": "a", "type": "Fix", "dataType": "int"}]}, "\"a\" is missing"),
])
def test_a_wrong_init_names_what_is_wrong_and_keeps_the_search(suggest, change, words):
    suggest.init(seed=5)
    refused(suggest.say({"op": "init", "space": [X], "algorithm": "Random", **change}), words)
    assert "x" in suggest.ask()


@pytest.mark.parametrize("off", ["none", "False", False])
def test_what_only_the_server_has_may_be_off(suggest, off):
    assert suggest.init(params={"EarlyStop": off, "EarlyStopTrials": 5, "WarmStart": ""}) == {"ok": True}


def test_the_help_has_an_example_that_runs():
    text = subprocess.run([BUILD / "trainyard", "suggest", "--help"], capture_output=True, text=True, check=True).stdout
    example = text.split("example:\n", 1)[1].split("\n\n", 1)[0].replace("\n  ", "\n").replace("trainyard", str(BUILD / "trainyard"))
    out = subprocess.run(["bash", "-c", example.strip()], capture_output=True, text=True, check=True).stdout.splitlines()
    assert json.loads(out[0]) == {"ok": True} and 1 <= json.loads(out[1])["params"]["x"] <= 6


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_an_answer_that_cannot_be_written_is_a_failure(arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run([BUILD / "trainyard", "suggest", *arguments], input='{"op":"ask"}\n' * 3, stdout=full,
                              stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr == "trainyard suggest: standard output cannot be written: No space left on device\n"


def test_an_unknown_option_is_a_usage_error():
    done = subprocess.run([BUILD / "trainyard", "suggest", "--loud"], capture_output=True, text=True)
    assert done.returncode == 2 and "--help" in done.stderr
