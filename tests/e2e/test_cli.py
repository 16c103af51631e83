# SPDX-License-Identifier: Apache-2.0
"""The command line against a real server: what each command prints, its exit codes, and what wrong input gets."""
import json
import subprocess
import zipfile

import pytest

from harness import BUILD, ROOT

COMMANDS = ["login", "logout", "run", "ps", "show", "logs", "stop", "rm", "result", "search start", "search ls",
            "search show", "search watch", "search curve", "search export", "search stop", "search restart", "search rm",
            "algorithm ls", "algorithm show", "algorithm install", "algorithm rm", "dataset add", "dataset ls",
            "dataset show", "dataset head", "dataset stop", "dataset rm", "frameworks", "group", "doctor",
            "completion"]
TRIAL = ('import json, os\nx = json.load(open("config.json"))["x"]\n'
         'json.dump([{"loss": x * x}], open(os.environ["RESULT_DIR"] + "/val_dict_list.json", "w"))\n')
SEARCH = {"modelSpec": {"args": "--exec-start tensorflow --model-main main.py"},
          "algoDef": {"algorithm": "Random", "maxJobNum": 3, "maxParalleJobNum": 2, "objectiveMetric": "loss",
                      "objective": "minimize"},
          "hyperParams": [{"name": "x", "type": "Range", "dataType": "double", "minDbVal": -1, "maxDbVal": 1}]}


@pytest.fixture
def script(tmp_path):
    def write(text, name="main.py"):
        path = tmp_path / name
        path.write_text(text)
        return path
    return write


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(stranger, command):
    text = stranger.run(*command.split(), "--help", code=0).stdout
    assert text.startswith(f"usage: trainyard {command}")
    assert "example" in text and f"trainyard {command}" in text.split("example", 1)[1]


def test_the_overview_names_every_command(stranger):
    text = stranger.run("--help", code=0).stdout
    assert all(command in text for command in [*COMMANDS, "serve", "user"])


def test_an_unknown_command_is_a_usage_error(stranger):
    assert "there is no command \"frobnicate\"" in stranger.run("frobnicate", code=2).stderr
    assert "one of start, ls" in stranger.run("search", code=2).stderr
    assert "one of ls, show, install, rm" in stranger.run("algorithm", "frobnicate", code=2).stderr


def test_an_unknown_option_is_a_usage_error(stranger):
    done = stranger.run("ps", "--sideways", code=2)
    assert "there is no option --sideways" in done.stderr and "--help" in done.stderr


def test_without_a_login_the_next_step_is_named(stranger):
    assert "trainyard login" in stranger.run("ps", code=3).stderr


def test_a_wrong_password_is_refused(stranger, server):
    done = stranger.run("login", server.url, "--user", "bob", "--password-stdin", input="wrong-secret\n", code=3)
    assert "password" in done.stderr


def test_a_server_that_is_not_there_is_named(stranger):
    stranger.env["TRAINYARD_URL"] = "http://127.0.0.1:1"
    assert "http://127.0.0.1:1" in stranger.run("ps", code=4).stderr


def test_run_follows_the_output_to_the_end(cli, script):
    done = cli.run("run", script("print('hello from the task')"), "--framework", "tensorflow", "--follow", code=0)
    assert "hello from the task" in done.stdout


def test_run_passes_arguments_behind_two_dashes(cli, script):
    path = script("import sys; print(sys.argv[1:])")
    done = cli.run("run", path, "--framework", "tensorflow", "--follow", "--", "--epochs", "3", "two words", "it's", code=0)
    assert "['--epochs', '3', 'two words', \"it's\"]" in done.stdout


def test_run_packs_a_folder(cli, script, tmp_path):
    script("import helper; print(helper.word)")
    script("word = 'from the helper'", "helper.py")
    done = cli.run("run", tmp_path, "--main", "main.py", "--framework", "tensorflow", "--follow", code=0)
    assert "from the helper" in done.stdout


def test_a_task_that_fails_ends_follow_with_five(cli, script):
    done = cli.run("run", script("raise SystemExit(3)"), "--framework", "tensorflow", "--follow", code=5)
    assert "ERROR" in done.stderr


def test_run_of_nothing_is_refused_before_anything_is_sent(cli):
    assert "no file or folder" in cli.run("run", "/nowhere/at/all.py", code=1).stderr


def test_an_unknown_framework_gets_the_servers_sentence(cli, script):
    assert "nonesuch" in cli.run("run", script("1"), "--framework", "nonesuch", code=1).stderr


def test_a_tasks_life_in_commands(cli, script, tmp_path):
    path = script("import time; print('up', flush=True); time.sleep(600)")
    task = cli.run("run", path, "--framework", "tensorflow", code=0).stdout.strip()
    assert task in cli.run("ps", code=0).stdout
    number = task.rsplit("-", 1)[1]
    assert json.loads(cli.run("show", number, "--json", code=0).stdout)["id"] == task
    cli.run("stop", number, code=0)
    assert cli.run("logs", task, "--follow").returncode == 5
    assert json.loads(cli.run("show", task, "--json", code=0).stdout)["state"] == "KILLED"
    archive = tmp_path / "out.zip"
    cli.run("result", task, "--output", archive, code=0)
    assert zipfile.is_zipfile(archive)
    cli.run("rm", task, code=0)
    assert "no task is called" in cli.run("show", task, code=1).stderr


def test_a_search_watched_to_its_end(cli, script, tmp_path):
    document = tmp_path / "search.json"
    document.write_text(json.dumps(SEARCH))
    done = cli.run("search", "start", document, "--file", script(TRIAL), "--watch", code=0)
    assert done.stdout.count("\u2713 trial") == 3 and "FINISHED, 3/3 trials" in done.stdout
    name = json.loads(cli.run("search", "ls", "--json", code=0).stdout)[-1]["hpoName"]
    listed = cli.run("search", "ls", code=0).stdout.splitlines()
    assert listed[0].split() == ["NAME", "STATE", "TRIALS", "DURATION", "USER", "STARTED"]
    assert listed[-1].split()[:3] == [name, "FINISHED", "3/3"]
    shown = cli.run("search", "show", name, code=0).stdout
    assert "Best trials" in shown and "FINISHED" in shown
    cli.run("search", "stop", name, code=1)
    cli.run("search", "rm", name, "--with-tasks", code=0)
    assert name not in cli.run("search", "ls", "--json", code=0).stdout


@pytest.fixture
def learnt(cli, script, tmp_path):
    """The name of a search with 12 trials that has ended, and the options that start another like it."""
    document = {**SEARCH, "hpoName": f"learnt-{tmp_path.name}", "algoDef": {**SEARCH["algoDef"], "algorithm": "Tpe", "maxJobNum": 12}}
    script(json.dumps(document), "search.json")
    again = {**document, "algoDef": {**document["algoDef"], "maxJobNum": 2}}
    del again["hpoName"]
    options = [script(json.dumps(again), "again.json"), "--file", script(TRIAL)]
    cli.run("search", "start", tmp_path / "search.json", "--file", script(TRIAL), "--watch", code=0)
    return document["hpoName"], options


def test_what_a_search_tells_is_drawn(cli, learnt):
    name, _ = learnt
    done = cli.run("search", "show", name, "--importance", code=0).stdout
    assert "What loss depends on, from 12 trials" in done and "\u2588" in done and "all else" in done
    assert json.loads(cli.run("search", "show", name, "--importance", "--json", code=0).stdout)["importance"][0]["name"] == "x"
    drawn = cli.run("search", "curve", name, code=0).stdout
    assert "Best loss so far" in drawn and "12 trials" in drawn and len(drawn.splitlines()) == 13
    points = json.loads(cli.run("search", "curve", name, "--all", "--json", code=0).stdout)["points"]
    assert [p["n"] for p in points] == list(range(1, 13))


def test_a_search_is_taken_away_and_another_begins_with_it(cli, learnt, tmp_path):
    name, options = learnt
    assert cli.run("search", "export", name, "-o", tmp_path / "t.csv", code=0).stdout.strip() == str(tmp_path / "t.csv")
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 13
    study = tmp_path / "study.db"
    assert json.loads(cli.run("search", "export", name, "--optuna", "--output", study, "--json", code=0).stdout) == {"file": str(study)}
    assert "one form at a time" in cli.run("search", "export", name, "--optuna", "--csv", code=2).stderr
    started = cli.run("search", "start", *options, "--prior", study, "--warm-start", name, "--watch", code=0).stdout
    record = json.loads(cli.run("search", "show", started.splitlines()[-1].split()[0], "--json", code=0).stdout)
    assert record["prior"] == {"told": 24, "skipped": 0}
    assert "began with 24 known points" in cli.run("search", "show", record["hpoName"], code=0).stdout


def test_a_prior_that_cannot_be_used_is_refused_with_a_sentence(cli, learnt, script):
    _, options = learnt
    assert "there is no file" in cli.run("search", "start", *options, "--prior", "nowhere.db", code=1).stderr
    assert "no SQLite file" in cli.run("search", "start", *options, "--prior", script("no database"), code=1).stderr
    assert "no search is called" in cli.run("search", "start", *options, "--warm-start", "nothing", code=1).stderr


def test_a_bad_search_document_gets_the_servers_sentence(cli, script):
    bad = script(json.dumps({**SEARCH, "algoDef": {**SEARCH["algoDef"], "maxParalleJobNum": 0}}), "bad.json")
    assert "maxParalleJobNum" in cli.run("search", "start", bad, "--file", script(TRIAL), code=1).stderr


def test_an_algorithm_of_ones_own_in_commands(cli, script, tmp_path):
    example = ROOT / "examples/plugins/shell"
    assert cli.run("algorithm", "install", "listed", example, "--log-level", "debug", code=0).stdout == "installed listed\n"
    assert "already" in cli.run("algorithm", "install", "listed", example, code=1).stderr
    listed = cli.run("algorithm", "ls", code=0).stdout
    assert "Random" in listed and "USER_PLUGIN" in listed
    assert [a["name"] for a in json.loads(cli.run("algorithm", "ls", "--json", code=0).stdout)][-1] == "listed"
    shown = cli.run("algorithm", "show", "listed", code=0).stdout
    assert "tools/tune/plugins/listed" in shown and "DEBUG" in shown
    document = tmp_path / "search.json"
    space = [{"name": "x", "type": "Discrete", "dataType": "double", "discreteDbVal": [0.5, 0.25]}]
    document.write_text(json.dumps({**SEARCH, "algoDef": {**SEARCH["algoDef"], "algorithm": "listed"}, "hyperParams": space}))
    done = cli.run("search", "start", document, "--file", script(TRIAL), "--watch", code=0)
    assert "FINISHED, 2/3 trials" in done.stdout
    assert cli.run("algorithm", "rm", "listed", code=0).stdout == "removed listed\n"
    assert "no algorithm is called" in cli.run("algorithm", "show", "listed", code=1).stderr
    assert "built in" in cli.run("algorithm", "rm", "Random", code=1).stderr
    assert "not a folder on the server" in cli.run("algorithm", "install", "x", "/nowhere", "--on-server", code=1).stderr
    assert "which name" in cli.run("algorithm", "install", "x", code=2).stderr


def test_lists_for_people_and_for_programs(cli):
    assert "PyTorch" in cli.run("frameworks", code=0).stdout
    assert any(f["name"] == "PyTorch" for f in json.loads(cli.run("frameworks", "--json", code=0).stdout))
    assert "default" in cli.run("group", code=0).stdout


def test_doctor_says_what_it_found(cli, server):
    found = json.loads(cli.run("doctor", "--data", server.data, "--json").stdout)
    assert {"disk", "limits", "clock", "python", "server"} <= {f["check"] for f in found}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_scripts(stranger, shell):
    text = stranger.run("completion", shell, code=0).stdout
    assert "trainyard" in text
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)


def test_serve_refuses_wrong_input_with_a_sentence(tmp_path):
    def serve(*words):
        return subprocess.run([BUILD / "trainyard", "serve", *words], capture_output=True, text=True, timeout=20)
    assert serve().returncode == 2 and "--data" in serve().stderr
    conf = tmp_path / "dlpd.conf"
    conf.write_text("http.idel_timeout = 3\n")
    done = serve("--data", tmp_path / "data", "--conf", conf)
    assert done.returncode == 1 and "http.idle_timeout" in done.stderr and ":1" in done.stderr


def test_two_servers_on_one_data_folder_are_refused(server):
    done = subprocess.run([BUILD / "trainyard", "serve", "--data", server.data, "--http", "127.0.0.1:0", "--https", ""],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "another server" in done.stderr
