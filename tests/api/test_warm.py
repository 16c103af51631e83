# SPDX-License-Identifier: Apache-2.0
"""Trials that a warm interpreter starts. A program sees no difference: one program (tests/data/warm) runs started anew and
started warm, and what it saw, printed and ended with is compared. Then what happens around it: stops, kills, restarts,
limits, packages that change; and that whatever is unusual is started anew."""
import contextlib
import fcntl
import io
import json
import os
import re
import signal
import tarfile
import tempfile
from pathlib import Path

import pytest

from harness import Server
from witness import Gate, end_process, processes, shepherd_of, until, wait_end

CASES = Path(__file__).resolve().parent.parent / "data/warm"
WARM = "from a warm interpreter"
SETTINGS = "group.default.slots = 8\ntasks.stop_grace = 1\n"
# What the experiments of a search run; ready() tells the test and waits for its word.
PROGRAM = """
import json, os, sys
{imports}
GATE = json.load(open("config.json"))["gate"]
def ready():
    open(GATE[:-2] + "ready", "w").write("ready\\n")
    with open(GATE, "rb", buffering=0) as gate: gate.read(3)
{rest}
"""


# --- helpers ---

def children_of(pid):
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


def words_of(pid):
    return read_proc(pid, "cmdline").split("\0")


def read_proc(pid, name):
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return ""


def is_interpreter(pid):
    """Or will be one in a moment."""
    words = words_of(pid)
    begins = words[:2] == ["trainyard-shepherd", "warm"] or (words == [""] and read_proc(pid, "stat").rpartition(")")[2][:2] == " R")
    return begins or any(word.endswith("tools/warm.py") for word in words)


def interpreters(server, search=None):
    """The warm interpreters, of a search or all: each works in the folder of the trial that it was started for."""
    found = [pid for pid in children_of(server.process.pid) if is_interpreter(pid)]
    if search:
        tasks = tasks_of(server, search)
        found = [pid for pid in found if any(task in os.path.realpath(f"/proc/{pid}/cwd") for task in tasks)
                 or words_of(pid)[0] == "trainyard-shepherd"]
    return found


def package(folder=None, **files):
    """A tar of a folder's files and of those given."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        if folder:
            tar.add(folder, ".")
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def experiment(**values):
    return {"hyperParams": [{"name": name, "dataType": "str", "fixedVal": value} for name, value in values.items()]}


def start_search(server, files, experiments, n_parallel=1, framework="PyTorch", args="", user="ann"):
    document = {"modelSpec": {"args": f"--exec-start {framework} --model-main main.py {args}"},
                "algoDef": {"algorithm": "ExperimentGridSearch", "maxParalleJobNum": n_parallel, "objectiveMetric": "loss",
                            "objective": "minimize"},
                "experiments": experiments}
    reply = server.post("/hypersearch", user=user, files={"file": ("model.tar", files)}, data={"data": json.dumps(document)})
    assert reply.status_code == 200, reply.text
    return reply.json()["uid"] if isinstance(reply.json(), dict) else reply.json()


def tasks_of(server, search, user="ann"):
    return [trial["appId"] for trial in server.get(f"/hypersearch/{search}", user=user).json()["experiments"]]


def launcher_log(server, task):
    return (server.data / "run" / task / "launcher.log").read_text()


def is_warm(server, task):
    return WARM in launcher_log(server, task)


def folder_of(server, task, user="ann"):
    return server.data / "results" / user / "batchworkdir" / task


def outcome(server, task, user="ann"):
    """All that is known of a task, without what differs between any two: ids, addresses, and how deep a recursion came, which
    the frame below a warm program takes part in."""
    record = server.get(f"/execs/{task}", user=user).json()
    raw = server.data / "run" / task
    seen = folder_of(server, task, user) / "observed.json"
    found = {"state": record["state"], "code": record.get("exitCode"), "reason": record.get("events"),
             "out": (raw / "worker-0.out").read_text(errors="replace"), "err": (raw / "worker-0.err").read_text(errors="replace"),
             "seen": json.loads(seen.read_text()) if seen.exists() else None}
    text = re.sub(r"\b0x[0-9a-f]{6,}\b|(?<=repeated )\d+(?= more times)", "DIFFERS", json.dumps(found).replace(task, "TASK"))
    return json.loads(text)


def run_cases(server, cases, warm, files, args="", **kw):
    """Each case once, all of them started warm or all anew: {case: outcome}."""
    search = start_search(server, files, [experiment(case=case) for case in cases], 2,
                          args=args if warm else args + " --msd-warm-interpreter false", **kw)
    server.wait_search(search, timeout=300)
    tasks = dict(zip(cases, tasks_of(server, search)))
    for case, task in tasks.items():
        assert is_warm(server, task) == warm, (case, launcher_log(server, task))
    return {case: outcome(server, task) for case, task in tasks.items()}


def add_odd(server):
    """A framework Odd whose interpreters import the module odd ahead. Returns its file, for a test to write."""
    (server.data / "plugins/Odd.conf").write_text(json.dumps(
        {"appName": "Odd", "warm": ["odd"], "exports": {"PYTHONPATH": str(server.folder / "modules"),
                                                        "PYTHONDONTWRITEBYTECODE": "1"}}))  # changes within a second count
    (server.folder / "modules").mkdir()
    return server.folder / "modules/odd.py"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """For all tests that do not stop it or need settings of their own."""
    with Server(tmp_path_factory.mktemp("shared"), SETTINGS + "search.warm_interpreters = 64\nsearch.warm_idle = 600\n") as server:
        add_odd(server)
        yield server


@pytest.fixture
def start(shared, make_server):
    """start(rest) -> server, search: n experiments, one after the other, that do `rest`. server.gate is where ready() waits."""
    started = []

    def make(rest, imports="import numpy", conf="", files=None, server=None, n=1, **kw):
        server = server or (make_server(SETTINGS + conf) if conf else shared)
        folder = Path(tempfile.mkdtemp(dir=server.folder))
        folder.chmod(0o755)
        server.gate = Gate(folder)
        script = PROGRAM.format(imports=imports, rest=rest)
        search = start_search(server, package(**{"main.py": script, **(files or {})}),
                              [experiment(gate=str(server.gate.paths[1]))] * n, **kw)
        started.append((server, search, server.gate, kw.get("user", "ann")))
        return server, search

    yield make
    for server, search, gate, user in started:
        server.put(f"/hypersearch/{search}/force", user=user)
        gate.__exit__()


@pytest.fixture
def running(start):
    """running(rest) -> server, search, task: its first experiment was started warm and has come to its ready()."""

    def make(rest, **kw):
        server, search = start(rest, **kw)
        server.gate.wait()
        (task,) = tasks_of(server, search)
        assert is_warm(server, task), launcher_log(server, task)
        return server, search, task

    return make


def done(server, search):
    """The tasks of a search that has ended."""
    server.wait_search(search)
    return tasks_of(server, search)


def next_task(server, search, n):
    """The search's n-th task, once it has come to its ready()."""
    server.gate.wait()
    task = tasks_of(server, search)[n]
    assert server.wait_exec(task, {"RUNNING"})["state"] == "RUNNING"
    return task


# --- a program sees no difference ---

SAME = ["identity", "relative", "search_path", "interpreter", "environment", "process", "open_files", "streams", "moment", "seeded",
        "exit_0", "exit_3", "exit_none", "exit_256", "exit_minus_1", "exit_true", "exit_text", "exit_tuple", "exit_builtin", "exit_at_once",
        "error", "error_with_cause", "error_in_context", "error_of_another_kind", "error_with_notes", "errors_together", "error_in_text",
        "error_too_deep", "error_hook", "error_in_hook", "error_last", "error_shown", "error_in_thread", "interrupted",
        "interrupted_from_outside", "ended_by_term", "ended_by_kill", "ended_by_abort", "ended_by_segv", "term_handled", "at_the_end",
        "warning", "prints", "reads_nothing", "much", "forks", "spawns", "serves_forks", "executor", "children", "orphan", "source", "sockets"]


@pytest.fixture(scope="module")
def both(request, tmp_path_factory):
    """{case: (outcome anew, outcome warm)}. It takes a minute: of the processes that share the tests one does it."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with open(folder / "warm_cases.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = folder / "warm_cases.json"
        if not known.exists():
            known.write_text(json.dumps(compare_cases(request.getfixturevalue("shared"))))
        return json.loads(known.read_text())


def compare_cases(server):
    anew, warm = (run_cases(server, SAME, warm, package(CASES)) for warm in (False, True))
    for found in (anew, warm):
        for name in ("env", "same_for_children"):
            found["environment"]["seen"][name] = without_trial(found["environment"]["seen"][name])
    return {case: (anew[case], warm[case]) for case in SAME}


def without_trial(env):
    if isinstance(env, dict):
        return {name: value for name, value in env.items() if name != "SUBID"}
    return [line for line in env if not line.startswith("SUBID=")]


@pytest.mark.slow
@pytest.mark.parametrize("case", SAME)
def test_a_program_sees_no_difference(both, case):
    anew, warm = both[case]
    assert warm == anew


@pytest.mark.slow
def test_what_was_compared_is_what_was_meant(both):
    """A comparison of two equal failures would prove nothing."""
    ends = {case: (anew["state"], anew["code"]) for case, (anew, _) in both.items()}
    assert ends["exit_3"] == ("ERROR", 3) and ends["exit_256"] == ("FINISHED", 0) and ends["exit_minus_1"] == ("ERROR", 255)
    assert ends["interrupted"] == ("ERROR", 130) and ends["ended_by_term"] == ("ERROR", 143) and ends["ended_by_kill"] == ("ERROR", 137)
    seers = ["identity", "relative", "search_path", "interpreter", "environment", "process", "open_files", "streams", "moment", "seeded", "forks",
             "spawns", "serves_forks", "executor", "children", "source", "sockets"]
    assert [case for case in seers if ends[case] != ("FINISHED", 0) or not both[case][0]["seen"]] == []
    trace = both["error_with_cause"][0]["err"]
    assert trace.count("Traceback") == 2 and "direct cause" in trace and "tools/warm" not in trace
    assert "a thread is waited for" in both["at_the_end"][0]["out"] and "orphan ends" in both["orphan"][0]["out"]
    assert both["forks"][0]["seen"]["doubled"] == [0, 2, 4, 6, 8] and both["spawns"][0]["seen"]["told"][0].endswith("main.py")


def test_chance_differs_from_trial_to_trial(start):
    server, search = start("""
import random, tempfile, uuid
chance = [numpy.random.random(), random.random(), uuid.uuid4().hex, next(tempfile._get_candidate_names())]
json.dump(chance, open(os.environ["RESULT_DIR"] + "/observed.json", "w"))
""", n=3)
    tasks = done(server, search)
    assert all(is_warm(server, task) for task in tasks)
    drawn = [outcome(server, task)["seen"] for task in tasks]
    assert [len(set(column)) for column in zip(*drawn)] == [3] * 4


def test_pytorch_draws_other_numbers_in_each_trial(start):
    rest = "print(torch.initial_seed(), torch.rand(1).item(), torch.nn.Linear(1, 1).weight.item(), flush=True)"
    server, search = start(rest, imports="import torch", n=3)
    tasks = done(server, search)
    assert all(is_warm(server, task) for task in tasks)
    drawn = [outcome(server, task)["out"].split() for task in tasks]
    assert [len(set(column)) for column in zip(*drawn)] == [3] * 3


TORCH = """
import json, os
import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset
CONFIG = json.load(open("config.json"))

def train():
    torch.manual_seed(3)
    x = torch.randn(256, 20)
    y = (x @ torch.randn(20, 1)).squeeze()
    device = "cuda" if CONFIG["case"] == "gpu" else "cpu"
    net = torch.nn.Sequential(torch.nn.Linear(20, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1)).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    data = DataLoader(TensorDataset(x, y), batch_size=64, num_workers=2 if CONFIG["case"] == "workers" else 0)
    for epoch in range(3):
        for a, b in data:
            loss = ((net(a.to(device)).squeeze() - b.to(device)) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return loss.item()

if CONFIG["case"] == "threads":     # OpenMP's and OpenBLAS's, which are made at the first large product
    torch.set_num_threads(2)
product = (torch.ones(700, 700) @ torch.ones(700, 700)).sum().item() + float((np.ones((700, 700)) @ np.ones((700, 700))).sum())
if __name__ == "__main__":
    untouched = not torch.cuda.is_initialized() and not torch.cuda._is_in_bad_fork()
    seen = dict(untouched=untouched, product=product, loss=train(), seed=torch.initial_seed(), threads=torch.get_num_threads(),
                running=CONFIG["case"] == "threads" and len(os.listdir("/proc/self/task")), gpu=torch.cuda.is_available(), env=os.environ["OMP_NUM_THREADS"])
    if CONFIG["case"] == "spawn":
        context = torch.multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            seen["sum"] = pool.apply(torch.sum, (torch.ones(5),)).item()
    json.dump(seen, open(os.environ["RESULT_DIR"] + "/observed.json", "w"))
"""


@pytest.mark.slow
def test_a_network_is_trained_the_same_with_threads_and_workers(shared):
    cases = ["plain", "threads", "workers", "spawn"]
    anew, warm = (run_cases(shared, cases, warm, package(**{"main.py": TORCH})) for warm in (False, True))
    assert warm == anew
    assert anew["threads"]["seen"]["threads"] == 2 and anew["threads"]["seen"]["running"] > 1
    assert anew["spawn"]["seen"]["sum"] == 5 and {found["state"] for found in anew.values()} == {"FINISHED"}
    assert all(found["seen"]["untouched"] for found in warm.values())       # CUDA, where there is one


@pytest.mark.skipif(not Path("/dev/nvidia0").exists(), reason="there is no GPU")
def test_a_network_is_trained_the_same_on_a_gpu(shared):
    anew, warm = (run_cases(shared, ["gpu"], warm, package(**{"main.py": TORCH}), args="--workerDeviceNum 1 --workerDeviceType gpu")
                  for warm in (False, True))
    assert warm == anew and warm["gpu"]["state"] == "FINISHED" and warm["gpu"]["seen"]["gpu"]


# --- what runs ---

# Leaves a child behind, and one in a session of its own whose parent is gone and which still is this program.
FAMILY = """
import signal, subprocess
subprocess.Popen(["sleep", "600"])
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        ready()
    os._exit(0)
os.wait()
signal.pause()
"""
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nready()\n"
ENDS_7 = "print('before', flush=True)\nready()\nprint('after')\nsys.exit(7)\n"


def program_of(server, task):
    return int(re.findall(r"group (\d+)", (server.data / "run" / task / "lock").read_text())[-1])


def sheepdog_of(server, task):
    """The parent of a task's program."""
    parent = int(re.search(r"PPid:\t(\d+)", read_proc(program_of(server, task), "status")).group(1))
    assert words_of(parent)[1] == "sheepdog"
    return parent


@pytest.mark.parametrize("rest", [ENDS_7, FAMILY, STUBBORN], ids=["alone", "family", "stubborn"])
def test_a_stop_ends_the_program_and_all_that_descends_from_it(running, rest):
    server, _, task = running(rest)
    assert processes(task)
    assert server.post(f"/execs/{task}/stop").status_code == 204
    assert server.wait_exec(task)["state"] == "KILLED"
    assert processes(task) == []


@pytest.mark.parametrize("victims", [["shepherd"], ["sheepdog"], ["shepherd", "sheepdog"]], ids="+".join)
def test_a_killed_shepherd_or_sheepdog_takes_the_task_with_it(running, victims):
    server, _, task = running(FAMILY)
    pids = {"shepherd": shepherd_of(server, task), "sheepdog": sheepdog_of(server, task)}
    for victim in victims:
        with contextlib.suppress(ProcessLookupError):       # the first one's end may be the second one's already
            os.kill(pids[victim], signal.SIGKILL)
    record = server.wait_exec(task)
    assert record["state"] == "ERROR" and "its shepherd was killed" in record["events"]
    assert processes(task) == []
    wait_end(pids["sheepdog"])


def test_a_frozen_sheepdog_does_not_hold_up_the_end(running):
    server, _, task = running(ENDS_7)
    os.kill(sheepdog_of(server, task), signal.SIGSTOP)
    assert server.post(f"/execs/{task}/stop").status_code == 204
    assert server.wait_exec(task)["state"] == "KILLED"


@pytest.mark.parametrize("end", [Server.stop, Server.kill], ids=["stopped", "killed"])
def test_a_task_goes_on_without_server_and_interpreter(running, end):
    server, _, task = running(ENDS_7, conf="# a server of its own\n")
    warm, pids = interpreters(server), processes(task)
    end(server)
    for pid in warm:
        wait_end(pid)
    assert processes(task) == pids
    server.start()
    assert server.get(f"/execs/{task}").json()["state"] == "RUNNING"
    server.gate.open()
    record = server.wait_exec(task)
    assert (record["state"], record["exitCode"]) == ("ERROR", 7)
    assert outcome(server, task)["out"] == "before\nafter\n"


def test_a_killed_interpreter_harms_nobody_and_is_replaced(running):
    server, search, task = running(ENDS_7, n=2)
    (first,) = interpreters(server, search)
    end_process(first)
    server.gate.open()
    assert server.wait_exec(task)["exitCode"] == 7
    assert is_warm(server, next_task(server, search, 1))
    assert interpreters(server, search) != [first]


def test_an_interpreter_that_does_not_answer_costs_a_moment_and_is_replaced(running):
    server, search, task = running(ENDS_7, n=3)
    (deaf,) = interpreters(server, search)
    os.kill(deaf, signal.SIGSTOP)
    server.gate.open()
    assert server.wait_exec(task)["exitCode"] == 7
    second = next_task(server, search, 1)
    assert not is_warm(server, second) and "is started anew" in launcher_log(server, second)
    wait_end(deaf)
    server.gate.open()
    assert is_warm(server, next_task(server, search, 2))


# An interpreter that imports until the test lets it go; a program does not wait.
SLOW = """
import os
if "SUBID" not in os.environ:
    open("{0}", "w").write("ready\\n")
    open("{1}", "rb", buffering=0).read(3)
"""


@pytest.fixture
def warming(shared, odd, start, tmp_path):
    """A search whose first experiment waits for its interpreter, which still imports."""
    with Gate(tmp_path, "import") as gate:
        odd.write_text(SLOW.format(*gate.paths))
        server, search = start("print('it runs')", imports="import odd", framework="Odd")
        gate.wait()
        (task,) = tasks_of(server, search)
        assert server.wait_exec(task, {"RUNNING"})["state"] == "RUNNING"
        yield server, search, task, gate


def test_an_experiment_that_waits_for_its_interpreter_is_started_by_it(warming):
    server, search, task, gate = warming
    gate.open()
    server.wait_search(search)
    assert is_warm(server, task) and outcome(server, task)["out"] == "it runs\n"


def test_an_experiment_that_waits_for_its_interpreter_is_stopped_at_once(warming):
    server, search, task, gate = warming
    assert server.post(f"/execs/{task}/stop").status_code == 204
    assert server.wait_exec(task)["state"] == "KILLED"
    assert outcome(server, task)["out"] == "" and processes(task) == []


def test_an_experiment_whose_interpreter_dies_while_it_imports_is_started_anew(warming):
    server, search, task, gate = warming
    (pid,) = interpreters(server, search)
    end_process(pid)
    server.wait_search(search)
    assert not is_warm(server, task) and outcome(server, task)["out"] == "it runs\n"


@pytest.mark.parametrize("end", [Server.stop, Server.kill], ids=["stopped", "killed"])
def test_an_interpreter_that_still_imports_ends_with_the_server_and_its_experiment_is_started_anew(make_server, start, tmp_path, end):
    server = make_server(SETTINGS)
    with Gate(tmp_path, "import") as gate:
        add_odd(server).write_text(SLOW.format(*gate.paths))
        _, search = start("print('it runs')", imports="import odd", framework="Odd", server=server)
        gate.wait()
        (task,), (pid,) = tasks_of(server, search), interpreters(server)
        end(server)
        wait_end(pid)
        server.start()
        assert done(server, search) == [task]
    assert not is_warm(server, task) and outcome(server, task)["out"] == "it runs\n"


def test_the_memory_limit_holds(running):
    rest = "ready()\nkept = bytearray(300 << 20)\nimport signal\nsignal.pause()\n"
    server, _, task = running(rest, conf="tasks.enforce_memory = true\n", args="--workerMemory 200m")
    server.gate.open()
    record = server.wait_exec(task)
    assert record["state"] == "ERROR" and "more than its limit of 200 MiB" in record["events"]


def test_a_warm_program_takes_less_memory_than_one_started_anew(start):
    kib = []
    for args in ("--msd-warm-interpreter false", ""):
        server, search = start("ready()", imports="import torch", args=args)
        task = next_task(server, search, 0)
        kib.append(int(re.search(r"\nPss: +(\d+)", read_proc(program_of(server, task), "smaps_rollup")).group(1)))
        server.gate.open()
        server.wait_search(search)
    assert kib[1] < kib[0] * 0.7, kib


# --- how many, how long, and for whom ---

def test_an_interpreter_that_is_not_used_ends(running):
    server, search, task = running("ready()", conf="search.warm_idle = 1\n")
    until(server, lambda: not interpreters(server), "it lives on")
    assert processes(task)


def test_an_interpreter_ends_with_its_search_and_makes_room_for_the_next(start):
    conf = "search.warm_interpreters = 1\nsearch.warm_idle = 600\n"
    server, first = start("pass", conf=conf, n=2)
    tasks = done(server, first)
    for _ in range(2):
        tasks += done(server, start("pass", server=server)[1])
    assert all(is_warm(server, task) for task in tasks)
    until(server, lambda: not interpreters(server), "it lives on")


def test_no_more_interpreters_than_the_setting_says(running, start):
    server, _, _ = running("ready()", conf="search.warm_interpreters = 1\n")
    (pid,) = interpreters(server)
    _, second = start("pass", server=server)
    (task,) = done(server, second)
    assert interpreters(server) == [pid]
    assert not is_warm(server, task) and "started anew: as many interpreters as may be are in use" in launcher_log(server, task)


@pytest.mark.parametrize("conf, args", [("search.warm_interpreters = 0\n", ""), ("", "--msd-warm-interpreter false")],
                         ids=["by the site", "by the search"])
def test_it_can_be_turned_off(start, conf, args):
    server, search = start("pass", conf=conf, args=args, n=2)
    assert not any(is_warm(server, task) for task in done(server, search)) and interpreters(server, search) == []


def test_another_search_and_another_user_have_another_interpreter(make_server, start):
    server = make_server(SETTINGS)
    for user in ("ann", "ann", "bob"):
        start("ready()", server=server, user=user)
        server.gate.wait()
    assert len(interpreters(server)) == 3


def test_experiments_of_a_search_share_an_interpreter(running):
    server, search, task = running("ready()", n=2)
    shared_by_both = interpreters(server, search)
    server.gate.open()
    assert is_warm(server, next_task(server, search, 1)) and interpreters(server, search) == shared_by_both


def test_an_interpreter_knows_nothing_of_a_trial(running):
    server, search, task = running("ready()")
    (pid,) = interpreters(server, search)
    text = read_proc(pid, "environ") + read_proc(pid, "cmdline")
    assert "OMP_NUM_THREADS" in text
    assert not any(name in text for name in [task, "RESULT_DIR", "SUBID", "CUDA_VISIBLE_DEVICES"])


def test_a_single_task_is_started_anew(shared):
    before = interpreters(shared)
    task = shared.submit("import numpy\n", framework="PyTorch")["id"]
    shared.wait_exec(task)
    assert not is_warm(shared, task) and set(interpreters(shared)) <= set(before)


def test_its_log_says_how_a_trial_was_started(running):
    server, search, first = running("ready()", n=2)
    (pid,) = interpreters(server, search)
    server.gate.open()
    second = next_task(server, search, 1)
    assert f"to be started by the warm interpreter {pid}, which still imports\n" in launcher_log(server, first)
    assert f"to be started by the warm interpreter {pid}\n" in launcher_log(server, second)


@pytest.fixture
def server_of_nobody():
    """Where every OS user may enter."""
    with tempfile.TemporaryDirectory(prefix="trainyard-test-") as folder:
        Path(folder).chmod(0o755)
        with Server(folder, SETTINGS + "group.default.user = nobody\n") as server:
            server.data.chmod(0o711)
            yield server


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run tasks as another user")
def test_a_group_with_its_own_os_user_is_served_with_that_users_rights(server_of_nobody, start):
    rest = """
status = open("/proc/self/status").read().split("\\n")
seen = dict(ids=[os.getresuid(), os.getresgid(), os.getgroups()], caps=[line for line in status if line.startswith("Cap")],
            limits=__import__("resource").getrlimit(7))
json.dump(seen, open(os.environ["RESULT_DIR"] + "/observed.json", "w"))
ready()
"""
    seen = []
    for args in ("", "--msd-warm-interpreter false"):
        server, search = start(rest, server=server_of_nobody, args=args)
        task = next_task(server, search, 0)
        assert is_warm(server, task) == (args == "")
        if is_warm(server, task):
            (pid,) = interpreters(server, search)
            owners = [int(re.search(r"\nUid:\t(\d+)", read_proc(p, "status")).group(1))
                      for p in (pid, sheepdog_of(server, task), shepherd_of(server, task))]
            assert owners == [65534, 65534, 0]
        seen.append(outcome(server, task)["seen"])
        server.gate.open()
        server.wait_search(search)
    assert seen[0] == seen[1] and seen[0]["ids"][0] == [65534] * 3


# --- what is unusual is started anew ---


@pytest.fixture
def odd(shared):
    """See add_odd()."""
    return shared.folder / "modules/odd.py"


ODD = {
    "keeps a file open": ("kept = open('/dev/null')", "importing leaves files open"),
    "starts a thread": ("import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
                        "importing leaves threads running"),
    "changes sys.path": ("import sys; sys.path.append('/nowhere')", "importing changes sys.path"),
    "makes a temporary folder": ("import atexit, shutil, tempfile\natexit.register(shutil.rmtree, tempfile.mkdtemp(prefix='odd-'))",
                                 "importing leaves temporary files"),
    "makes one later": ("import atexit, shutil, tempfile\nimport wave\natexit.register(shutil.rmtree, tempfile.mkdtemp(prefix='odd-'))",
                        "importing leaves temporary files"),
    "fails": ("import os\nif 'SUBID' not in os.environ: 1 / 0", "odd cannot be imported: division by zero"),
    "ends the process": ("import os\nif 'SUBID' not in os.environ: os._exit(0)", "it ended while it was importing"),
}


@pytest.mark.parametrize("source, why", ODD.values(), ids=ODD.keys())
def test_a_module_that_leaves_something_behind_is_not_imported_ahead(shared, odd, start, source, why):
    odd.write_text(source)
    _, search = start("pass", imports="import odd", framework="Odd", n=2)
    tasks = done(shared, search)
    assert not any(is_warm(shared, task) for task in tasks) and interpreters(shared, search) == []
    first = "it went away" if why.startswith("it ended") else why
    assert f"the warm interpreter cannot be used: {first}\n" in launcher_log(shared, tasks[0])
    assert f"started anew: {why}\n" in launcher_log(shared, tasks[1])
    assert list(Path(tempfile.gettempdir()).glob("odd-*")) == []


def test_a_temporary_file_that_an_import_makes_and_removes_is_no_matter(shared, odd, start):
    odd.write_text("import tempfile\nimport wave\nwith tempfile.NamedTemporaryFile(): pass\n")
    _, search = start("import tempfile\nprint(type(tempfile._get_candidate_names()).__name__)", imports="import odd", framework="Odd")
    (task,) = done(shared, search)
    assert is_warm(shared, task) and outcome(shared, task)["out"] == "_RandomNameSequence\n"


def test_an_import_that_sets_what_each_trial_has_its_own_of_is_made_by_the_trial(shared, odd, start):
    odd.write_text("import os\nos.environ['LOG_DIR'] = '/odd'\n")
    _, search = start("print(os.environ['LOG_DIR'])", imports="import odd", framework="Odd")
    (task,) = done(shared, search)
    assert "importing changes LOG_DIR" in launcher_log(shared, task) and not is_warm(shared, task)
    assert outcome(shared, task)["out"] == "/odd\n"


def test_what_an_import_sets_in_the_environment_is_set_for_the_program(shared, odd, start):
    odd.write_text("import os\nos.environ['ADDED'] = 'yes'\nos.environ['LANG'] = 'C'\ndel os.environ['LOGNAME']\n")
    _, search = start("print(os.environ['ADDED'], os.environ['LANG'], 'LOGNAME' in os.environ, os.popen('echo $ADDED').read())",
                      imports="import odd", framework="Odd")
    (task,) = done(shared, search)
    assert is_warm(shared, task) and outcome(shared, task)["out"] == "yes C False yes\n\n"


def test_what_an_import_prints_is_printed_for_each_program(shared, odd, start):
    odd.write_text("import os, warnings\nprint('to stdout')\nwarnings.warn('be warned')\nos.write(2, b'and below Python\\n')\n")
    tasks = [done(shared, start("print('then the program')", imports="import odd", framework="Odd", n=2, args=args)[1])
             for args in ("", "--msd-warm-interpreter false")]
    warm, anew = ([outcome(shared, task) for task in each] for each in tasks)
    assert all(is_warm(shared, task) for task in tasks[0]) and warm == anew
    assert warm[0]["out"] == "to stdout\nthen the program\n" and "be warned" in warm[0]["err"] and "and below" in warm[0]["err"]


def test_a_changed_module_is_imported_anew(shared, odd, running):
    odd.write_text("x = 1\n")
    _, search, first = running("print(odd.x)\nready()", imports="import odd", framework="Odd", n=3)
    (old,) = interpreters(shared, search)
    odd.write_text("x = 'another'\n")
    shared.gate.open()
    shared.gate.wait()
    wait_end(old)
    shared.gate.open()
    shared.gate.wait()
    shared.gate.open()
    tasks = done(shared, search)
    assert [is_warm(shared, task) for task in tasks] == [True, False, True]
    assert [outcome(shared, task)["out"].strip() for task in tasks] == ["1", "another", "another"]


SHADOWS = {"the module itself": "numpy.py", "a module of Python that it imports": "numbers.py", "one that it only looks for": "pickle5.py",
           "a folder": "pickle5/__init__.py", "what Python imports at its start": "sitecustomize.py"}


@pytest.mark.parametrize("name", SHADOWS.values(), ids=SHADOWS.keys())
def test_a_module_that_the_package_brings_wins(start, name):
    module = name.partition("/")[0].removesuffix(".py")
    source = "whose = 'the package'\nimport os\n"
    if module == "numbers":
        source += "exec(open(os.path.dirname(os.__file__) + '/numbers.py').read())\n"
    server, search = start(f"import {module}\nprint({module}.whose)", files={name: source + "from pickle import *\n"}, n=2)
    for task in done(server, search):
        assert not is_warm(server, task) and outcome(server, task)["out"] == "the package\n"


@pytest.mark.parametrize("args", ["--msd-env PYTHONINSPECT=1", "--msd-env PYTHONPATH=lib:/tmp", "--msd-env PYTHONVERBOSE=1",
                                  "--msd-env PYTHONPROFILEIMPORTTIME=1"])
def test_settings_of_the_interpreter_that_do_not_fit_are_started_anew(start, args):
    server, search = start("pass", args=args)
    (task,) = done(server, search)
    assert not is_warm(server, task) and server.get(f"/execs/{task}").json()["state"] == "FINISHED"


@pytest.mark.parametrize("before", ["import os\nos.environ['OMP_NUM_THREADS'] = '3'", "import sys\nsys.path.insert(0, '/nowhere')",
                                    "import multiprocessing\nmultiprocessing.set_start_method('spawn')", "import some_other_module",
                                    "if 1: pass", "import sys\ndef vendored(c): sys.path.insert(0, '/nowhere')\n@vendored\nclass C: pass"])
def test_what_comes_before_an_import_may_change_it_so_it_is_not_made_ahead(start, before):
    server, search = start("pass", imports=before + "\nimport numpy", files={"some_other_module.py": "print('anything')\n"})
    (task,) = done(server, search)
    assert not is_warm(server, task) and server.get(f"/execs/{task}").json()["state"] == "FINISHED"


def test_a_hash_seed_that_was_asked_for_holds(start):
    seed = "--msd-env PYTHONHASHSEED=5 "
    server, warm = start("print(hash('seed'))", args=seed)
    _, anew = start("print(hash('seed'))", args=seed + "--msd-warm-interpreter false")
    tasks = [done(server, search)[0] for search in (warm, anew)]
    assert [is_warm(server, task) for task in tasks] == [True, False]
    assert outcome(server, tasks[0])["out"] == outcome(server, tasks[1])["out"] != ""


def test_the_locale_that_python_makes_of_c_is_seen_by_children(start):
    rest = "print(os.environ.get('LC_CTYPE'), os.popen('echo $LC_CTYPE').read())"
    server, warm = start(rest, args="--msd-env LANG=C", n=2)
    _, anew = start(rest, args="--msd-env LANG=C --msd-warm-interpreter false")
    tasks = done(server, warm) + done(server, anew)
    assert [is_warm(server, task) for task in tasks] == [True, True, False]
    assert {outcome(server, task)["out"] for task in tasks} == {"C.UTF-8 C.UTF-8\n\n"}


def test_an_unknown_value_of_the_switch_is_refused_by_name(shared):
    reply = shared.post("/execs", files={"file": ("main.py", "pass")},
                        params={"args": "--exec-start PyTorch --model-main main.py --msd-warm-interpreter maybe"})
    assert reply.status_code == 400 and "--msd-warm-interpreter takes true or false" in reply.text
