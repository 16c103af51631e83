# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: a server, interleaved runs, medians, rows of the table."""
import atexit
import base64
import contextlib
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from harness import BASE, Server

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / "build-bench/venv/bin"
ROUNDS = 3
BASIC = "Authorization: Basic " + base64.b64encode(b"ann:ann-secret").decode()


@dataclass
class Row:
    what: str
    ours: str
    peer: str
    ratio: float
    goal: float
    less: bool = False      # the goal is a limit from above

    def __str__(self):
        met = self.ratio <= self.goal if self.less else self.ratio >= self.goal
        sign = "<=" if self.less else ">="
        return (f"{self.what:<58} {self.ours:>12} {self.peer:>12} {self.ratio:>7.2f}  "
                f"{sign} {self.goal:g} {'met' if met else 'MISSED'}")


_root = None


def new_folder(name):
    """An empty folder. All are removed at the very end: for minutes after deletions ext4 is slow at making files."""
    global _root
    if _root is None:
        _root = tempfile.mkdtemp(prefix="trainyard-bench-")
        Path(_root).chmod(0o755)
        atexit.register(shutil.rmtree, _root, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=name + "-", dir=_root))


@contextlib.contextmanager
def server(conf=""):
    s = Server(new_folder("server"), "log.level = error\n" + conf).start()
    try:
        yield s
    finally:
        s.stop()


def interleaved(*measures, rounds=ROUNDS):
    """Runs the measurements in turn, `rounds` times; the median of each."""
    results = [[] for _ in measures]
    for _ in range(rounds):
        for got, measure in zip(results, measures):
            got.append(measure())
    return [statistics.median(got) for got in results]


def wrk(url, headers=(), seconds=4, connections=64):
    """Requests per second; any answer but 2xx is an error."""
    command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", url]
    for header in headers:
        command += ["-H", header]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out, out
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


class Wire:
    """A connection that is kept open. The usual Python clients take a millisecond or two of CPU for each request, more than the
    server does, on cores that both share."""

    def __init__(self, url):
        to = urlsplit(url)
        self.socket = socket.create_connection((to.hostname, to.port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.head = f"Host: {to.netloc}\r\n{BASIC}\r\nContent-Length: 0\r\n\r\n"

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.socket.close()

    def send(self, method, path, version="HTTP/1.1", header=""):
        self.socket.sendall(f"{method} {BASE}{path} {version}\r\n{header}{self.head}".encode())

    def read(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError("the server closed the connection")
        return data

    def call(self, method, path, header=""):
        """The body of a reply with a Content-Length; anything but 200 and 304 is an error."""
        self.send(method, path, header=header)
        reply = self.read()
        while b"\r\n\r\n" not in reply:
            reply += self.read()
        head, _, body = reply.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 304"):
            return b""
        assert head.startswith(b"HTTP/1.1 200"), reply
        length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
        pieces, have = [body], len(body)
        while have < length:
            pieces.append(self.read())
            have += len(pieces[-1])
        return b"".join(pieces)

    def count(self, pattern, n, path="/events"):
        """Follows the events from now on; calling the result waits until `pattern` was seen `n` times."""
        self.send("GET", path, "HTTP/1.0")      # no chunks in between
        data = self.read()
        while b"\r\n\r\n" not in data:
            data += self.read()
        assert data.startswith(b"HTTP/1.1 200"), data

        def wait():
            rest, seen = b"", 0
            while seen < n:
                lines, _, rest = (rest + self.read()).rpartition(b"\n")
                seen += len(re.findall(pattern, lines))

        return wait
