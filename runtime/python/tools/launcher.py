#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts the program of a site plugin.

    launcher.py [--work_dir=DIR] --model=PROGRAM [other options] -- [words ...]

Runs PROGRAM with the words after ``--`` in DIR and ends as it ends. The last --model wins. A program with a
``#!`` line is run by the interpreter it names (a shell script by bash, because wrappers ``source`` their
environment), anything else by Python. Other options are taken and ignored: they tell a cluster scheduler
what this machine does not need to know.
"""

import os
import shutil
import sys


def fail(sentence):
    sys.stderr.write("launcher: %s\n" % sentence)
    sys.exit(2)


def read_options(words):
    """The values of --model and --work_dir, and the words after ``--``."""
    values = {"--model": "", "--work_dir": ""}
    at = 0
    while at < len(words) and words[at] != "--":
        name, equals, value = words[at].partition("=")
        if name in values and not equals:
            at += 1
            value = words[at] if at < len(words) else ""
        if name in values:
            values[name] = value
        at += 1
    return values["--model"], values["--work_dir"], words[at + 1:]


def interpreter(program):
    """The words that go before the program."""
    with open(program, "rb") as file:
        line = file.readline(256)
    if not line.startswith(b"#!"):
        return [sys.executable]
    named = line[2:].decode("utf-8", "replace").split()
    if named and os.path.basename(named[0]) == "sh" and shutil.which("bash"):
        return [shutil.which("bash")]
    if named and os.path.basename(named[0]) == "env" and len(named) > 1 and not shutil.which(named[1]):
        return [sys.executable]
    return named or [sys.executable]


def main():
    program, work_dir, words = read_options(sys.argv[1:])
    if not program:
        fail("no --model=PROGRAM was given")
    try:
        if work_dir:
            os.chdir(work_dir)
        argv = interpreter(program) + [program] + words
        sys.stdout.flush()
        os.execvp(argv[0], argv)
    except OSError as error:
        fail("%s cannot be started: %s" % (program, error))


if __name__ == "__main__":
    main()
