# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

import pytest

RUNTIME = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../../runtime/python"))
LAUNCHER = os.path.join(RUNTIME, "tools/launcher.py")


def launch(*words, **settings):
    return subprocess.run([sys.executable, LAUNCHER] + list(words), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, timeout=60, **settings)


def write(path, text, mode=0o644):
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_the_last_model_runs_with_the_words_after_the_dashes(tmp_path):
    main = write(tmp_path / "main.py", "import os, sys; print(os.getcwd(), sys.argv[1:])")
    done = launch("--sparkAppName=x", "--model=/nowhere.py", "--redis_host=", "--work_dir=%s" % tmp_path,
                  "--app_type=executable", "--model=%s" % main, "--", "--model=mine", "a b")
    assert done.stderr == ""
    assert done.stdout.strip() == "%s ['--model=mine', 'a b']" % tmp_path


def test_options_may_stand_apart_from_their_values(tmp_path):
    main = write(tmp_path / "main.py", "print('ran')")
    assert launch("--exec_mode", "single", "--model", main, "--").stdout == "ran\n"


def test_a_shell_wrapper_may_source_its_environment(tmp_path):
    write(tmp_path / "activate", "export WHO=$1\n")
    wrapper = write(tmp_path / "wrapper.sh", "#!/bin/sh\nsource activate env-a\necho \"$WHO $@\"\n")
    path = "%s:%s" % (tmp_path, os.environ["PATH"])
    done = launch("--model=" + wrapper, "--", "main.py", "--x", env=dict(os.environ, PATH=path))
    assert done.stdout == "env-a main.py --x\n"


def test_it_ends_as_the_program_ends(tmp_path):
    assert launch("--model=" + write(tmp_path / "main.py", "raise SystemExit(7)"), "--").returncode == 7


@pytest.mark.parametrize("words, sentence", [
    ([], "no --model=PROGRAM was given"),
    (["--model=/nowhere.py", "--"], "/nowhere.py cannot be started"),
    (["--model=/nowhere.py", "--work_dir=/nowhere", "--"], "/nowhere.py cannot be started"),
])
def test_what_cannot_start_is_said_in_a_sentence(words, sentence):
    done = launch(*words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_the_runtime_compiles_with_every_python_on_this_machine():
    files = [os.path.join(RUNTIME, name) for name in ("emetrics.py", "elog.py", "tools/launcher.py")]
    code = "import sys; [compile(open(f).read(), f, 'exec') for f in sys.argv[1:]]"
    for minor in range(8, 14):
        python = "/usr/bin/python3.%d" % minor
        if os.path.exists(python):
            subprocess.run([python, "-c", code] + files, check=True, timeout=60)
