# SPDX-License-Identifier: Apache-2.0
"""Callers who mean harm, or send rubbish: each is refused with a sentence, nothing is left behind, and nobody else
notices."""
import base64
import contextlib
import io
import json
import os
import re
import socket
import tarfile
import time
from urllib.parse import quote

import pytest
import requests

from harness import BASE, Server
from witness import Gate, gated, nothing_left, query, refused, until

NOOP = "pass\n"
ARGS = "--exec-start tensorflow --model-main main.py"
MIB = 1 << 20
FILE = {"file": ("main.py", NOOP)}
ANN = "Authorization: Basic " + base64.b64encode(b"ann:ann-secret").decode() + "\r\n"


@pytest.fixture
def clean(server):
    with nothing_left(server):
        yield


@pytest.fixture(scope="module")
def brisk(tmp_path_factory):
    """A server that soon cuts off connections nothing comes from, for talks that have no other end."""
    with Server(tmp_path_factory.mktemp("brisk"), "http.idle_timeout = 1\n") as s:
        for user in ("ann", "bob", "admin"):    # a kept connection could be cut off in the moment when it is used again
            s.session(user).headers["Connection"] = "close"
        yield s


@pytest.fixture
def clean_brisk(brisk):
    with nothing_left(brisk):
        yield


def submit(server, args=ARGS, files=FILE, **kw):
    return server.post("/execs", params=kw.pop("params", {"args": args}), files=files, **kw)


def part(name, filename, content, more=b""):
    """One part of a form, its heads byte for byte."""
    head = b'Content-Disposition: form-data; name="' + name + b'"'
    if filename is not None:
        head += b'; filename="' + filename + b'"'
    return b"--cut\r\n" + head + b"\r\n" + more + b"\r\n" + content + b"\r\n"


def form(server, *parts, **kw):
    return server.post("/execs", params=kw.pop("params", {"args": ARGS}), data=b"".join(parts) + b"--cut--\r\n",
                       headers={"Content-Type": "multipart/form-data; boundary=cut"}, **kw)


# --- raw sockets ---

@contextlib.contextmanager
def connected(server):
    host, port = server.url.removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=60) as s:
        yield s


def read_to_end(s):
    data = b""
    with contextlib.suppress(ConnectionError):
        while piece := s.recv(65536):
            data += piece
    return data


def exchange(server, request):
    """Everything the server says to these bytes; the client then ends its side."""
    with connected(server) as s:
        with contextlib.suppress(OSError):
            s.sendall(request.encode() if isinstance(request, str) else request)
            s.shutdown(socket.SHUT_WR)
        return read_to_end(s)


def statuses(answer):
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3})", answer)]


# --- names ---

@pytest.mark.parametrize("args, word", [
    ('--exec-start "" --model-main main.py', "exec-start"), (ARGS + ' --appName ""', "appName"),
    (ARGS + ' --appName "two%0Alines"', "appName"), ("--exec-start ../../etc --model-main main.py", "etc"),
    ("--exec-start tensorflow --model-main nul.py", "nul.py"), ("--exec-start tensorflow --model-main .", "."),
    ("--exec-start tensorflow --model-main /etc/passwd", "passwd"),
    ("--exec-start tensorflow --model-main _submitted_code/../../main.pyx", "main.py")])
def test_names_that_name_nothing_are_refused(server, clean, args, word):
    reply = server.session("ann").post(server.address("/execs") + "?args=" + quote(args, safe="%"), files=FILE)
    refused(reply, word)


@pytest.mark.parametrize("name", [b".", b"..", b"a\x01b", b"a\x7fb/", b"x" * 256, b"\xff\xfe", b"a\x00b", b"\xed\xa0\x80"])
def test_files_whose_names_cannot_be_are_refused(server, clean, name):
    reply = form(server, part(b"file", name, b"pass\n"), params={"args": "--exec-start tensorflow"})
    assert reply.status_code == 400, reply.text
    refused(reply)


@pytest.mark.parametrize("field", ["--appName", "--exec-start", "--ig", "--model-main", "--submit-user", "--numWorker",
                                   "--msd-priority", "--workerMemory", "--conda-env-name", "--cs-datastore-meta"])
def test_a_megabyte_of_a_name_is_refused(server, clean, field):
    args = f"{ARGS} {field} {'x' * MIB}"
    refused(submit(server, params={}, data={"data": json.dumps({"args": args})}), "data", status=413)
    refused(submit(server, params={}, data={"args": args}))


def test_a_megabyte_as_a_group_a_file_or_a_part_is_refused(server, clean):
    refused(form(server, part(b"file", b"main.py", b"pass\n"), part(b"sigName", None, b"x" * MIB)))
    refused(form(server, part(b"file", b"x" * MIB, b"pass\n")), )
    refused(form(server, part(b"x" * MIB, b"main.py", b"pass\n")))


@pytest.mark.parametrize("name", ["", "x" * 65, "x" * MIB, "..", ".", "a/b", "../ann", "a b", "a\nb", "a\0b", "ü", "-ann",
                                  "ann\u202e", "a:b", None, [], {"a": 1}])
def test_users_whose_names_cannot_be_are_refused(server, clean, name):
    refused(server.post("/users", user="admin", json={"name": name, "password": "long enough"}))


# --- bytes that are no text ---

@pytest.mark.parametrize("bad", ["%FF%FE", "%C3", "%ED%A0%80", "%F4%90%80%80", "a%00b", "%C0%AF"])
def test_bytes_that_are_no_text_are_refused_wherever_they_stand(server, clean, bad):
    address = server.address("/execs")
    send = lambda where, method="POST", **kw: server.session("ann").request(method, where, timeout=60, **kw)
    refused(send(f"{address}?args={quote(ARGS)}%20--appName%20{bad}", files=FILE))
    refused(send(f"{address}?args={quote(ARGS)}&sigName={bad}", files=FILE))
    refused(send(f"{address}?{bad}=1&args={quote(ARGS)}", files=FILE))
    refused(send(f"{address}?state={bad}", "GET"))
    for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/stop"), ("GET", "/log"), ("GET", "/result")]:
        refused(send(f"{address}/{bad}{path}", method))


@pytest.mark.parametrize("data", [b'{"args": "\xff"}', b'{"args": "a\x00b"}', b'{"args": "\\u0000"}', b'{"\xc3": 1}',
                                  b"\x00", b"\xff\xfe{\x00}\x00", b'{"args": "\\ud800"}'])
def test_bytes_that_are_no_text_in_data_are_refused(server, clean, data):
    refused(form(server, part(b"file", b"main.py", b"pass\n"), part(b"data", None, data), params={}))
    refused(server.post("/users", user="admin", data=data, headers={"Content-Type": "application/json"}))


# --- bodies of the wrong kind ---

@pytest.mark.parametrize("kind, body", [
    ("application/json", b"[1, 2]"), ("application/json", b"7"), ("application/json", b"{'args': "),
    ("application/xml", b"<args/>"), ("image/png", b"\x89PNG\r\n"), ("text/plain", b"hello"), ("text/html", b"<p>"),
    ("multipart/form-data", b"--x\r\n\r\n--x--"), ("multipart/form-data; boundary=", b"--\r\n\r\n----"),
    ("multipart/form-data; boundary=" + "x" * 5000, b""), ("multipart/form-data; boundary=a", b"no form at all"),
    ("multipart/mixed; boundary=a", b"--a\r\n\r\nx\r\n--a--"), ("application/x-www-form-urlencoded", b"file=pass&x=1"),
    ("", b"anything"), ("/", b"{}"), (";;;", b"{}"), ("application/json", b"")])
def test_a_body_of_the_wrong_kind_is_refused(server, clean, kind, body):
    reply = server.post("/execs", params={"args": "--exec-start tensorflow"}, data=body, headers={"Content-Type": kind})
    refused(reply)


@pytest.mark.parametrize("kind, body", [
    ("application/json", b"[]"), ("application/json", b"null"), ("application/json", b""), ("text/xml", b"<a/>"),
    ("application/x-www-form-urlencoded", b"name=eve&password=long+enough"), ("application/json", b'{"name": "eve"}'),
    ("multipart/form-data; boundary=cut", b'--cut\r\nContent-Disposition: form-data; name="name"\r\n\r\neve\r\n--cut--'),
    ("application/json", b'{"name": "eve", "password": "short"}'), ("application/json", b'{"name": "eve", "x": 1}'),
    ("application/json", b'{"name": "eve", "password": "long enough", "role": "root"}')])
def test_a_user_that_is_not_described_is_refused(server, clean, kind, body):
    refused(server.post("/users", user="admin", data=body, headers={"Content-Type": kind}))


@pytest.mark.parametrize("depth", [70, 5000, 400000])
def test_text_nested_deeply_is_refused(server, clean, depth):
    for deep in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth, "[" * depth, "(" * depth):
        reply = submit(server, data={"data": '{"hardwareSpec": ' + deep + "}"})
        refused(reply, "data", status=413 if len(deep) > MIB else 400)
        refused(server.post("/users", user="admin", data='{"name": ' + deep + "}",
                            headers={"Content-Type": "application/json"}))
        refused(submit(server, params={}, data={"args": f"{ARGS} --data-source {deep}"}))


def test_two_files_or_two_wishes_are_never_half_taken(server, clean):
    script = part(b"file", b"main.py", b"pass\n")
    refused(form(server, script, part(b"file", b"main.py", b"other\n")), "main.py", "two files")
    refused(form(server, script, part(b"other", b"main.py", b"other\n")), "main.py", "two files")
    refused(form(server, script, part(b"file", b"..", b"other\n")), "name")


def test_a_form_of_too_many_parts_is_refused(server, clean):
    many = [part(b"file", b"f%d.py" % i, b"pass\n") for i in range(20000)]
    refused(form(server, *many), status=413)
    reply = server.post("/execs", params={"args": ARGS}, data="&".join(f"a{i}=1" for i in range(100000)),
                        headers={"Content-Type": "application/x-www-form-urlencoded"})
    refused(reply, status=413)


def test_a_package_that_climbs_out_is_refused(server, clean):
    for name, link in [("../evil.py", None), ("/tmp/evil.py", None), ("link", "/etc"), ("link", "../../..")]:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            info = tarfile.TarInfo("main.py")
            tar.addfile(info, io.BytesIO())
            info = tarfile.TarInfo(name)
            info.type, info.linkname = (tarfile.SYMTYPE, link) if link else (tarfile.REGTYPE, "")
            tar.addfile(info, io.BytesIO())
        refused(submit(server, files={"file": ("model.tar", packed.getvalue())}), name.split("/")[-1])
    assert not os.path.exists("/tmp/evil.py")


# --- heads ---

def test_heads_that_are_too_large_are_refused(brisk, clean_brisk):
    for head in ("X-Big: " + "x" * MIB + "\r\n", "".join(f"X-{i}: {'y' * 100}\r\n" for i in range(5000)),
                 "Cookie: " + "a=b; " * 50000 + "\r\n"):
        codes = statuses(exchange(brisk, f"GET {BASE}/execs HTTP/1.1\r\nHost: x\r\n{ANN}{head}\r\n"))
        assert codes in ([], [431], [413], [400]), codes
    codes = statuses(exchange(brisk, f"GET {BASE}/execs?{'a' * MIB} HTTP/1.1\r\nHost: x\r\n{ANN}\r\n"))
    assert codes in ([], [414], [431]), codes
    assert brisk.get("/execs").status_code == 200


def test_a_hundred_thousand_query_parameters_are_refused_or_borne(make_server):
    server = make_server("http.header_max = 1024\nhttp.idle_timeout = 1\n")
    with nothing_left(server):
        for text in ("a&" * 100000, "".join(f"{i}=&" for i in range(100000)), "%41=%42&" * 100000):
            began = time.monotonic()
            target = f"{BASE}/execs?{text}"
            for request in (f"POST {target} HTTP/1.1\r\nHost: x\r\n{ANN}Content-Length: 1\r\n\r\nx",
                            f"GET {target} HTTP/1.1\r\nHost: x\r\n{ANN}\r\n"):
                assert set(statuses(exchange(server, request))) <= {200, 400, 413, 414, 431}
            assert time.monotonic() - began < 20
    assert server.get("/execs").status_code == 200


CHUNKED = "Transfer-Encoding: chunked\r\n"
HIDDEN = f"DELETE {BASE}/execs HTTP/1.1\r\nHost: x\r\n{ANN}\r\n"


@pytest.mark.parametrize("heads, body", [
    (f"Content-Length: 0\r\nContent-Length: {len(HIDDEN)}\r\n", ""),
    (f"Content-Length: {len(HIDDEN)}\r\nContent-Length: 0\r\n", ""),
    (f"{CHUNKED}Content-Length: {len(HIDDEN) + 5}\r\n", "0\r\n\r\n"),
    (f"Content-Length: {len(HIDDEN) + 5}\r\n{CHUNKED}", "0\r\n\r\n"),
    (f"Content-Length: 0, {len(HIDDEN)}\r\n", ""), ("Content-Length: -1\r\n", ""), ("Content-Length: +0\r\n", ""),
    ("Content-Length: 0x0\r\n", ""), ("Content-Length: 99999999999999999999\r\n", ""), ("Content-Length: \r\n", ""),
    ("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
    (f"Transfer-Encoding: identity\r\n{CHUNKED}", "0\r\n\r\n"),
    (CHUNKED, "-1\r\n\r\n"), (CHUNKED, "fffffffffffffffff\r\n\r\n"), (CHUNKED, "0x0\r\n\r\n"), (CHUNKED, "\r\n\r\n")],
    ids=range(17))
def test_a_request_hidden_in_another_is_not_carried_out(brisk, clean_brisk, heads, body):
    """Whatever a proxy in front takes the length to be: none of these may lead to the second request."""
    answer = exchange(brisk, f"POST {BASE}/execs?args=x HTTP/1.1\r\nHost: x\r\n{ANN}{heads}\r\n{body}{HIDDEN}")
    assert all(400 <= code < 500 or code == 501 for code in statuses(answer)), answer


# --- clients that dawdle ---

def test_slow_clients_do_not_hold_up_others(make_server):
    server = make_server("http.idle_timeout = 1\n")
    beginnings = ["", "G", f"GET {BASE}/execs HTTP/1.1\r\n", f"GET {BASE}/execs HTTP/1.1\r\nHost: x\r\nX-A: ",
                  f"POST {BASE}/execs?args=x HTTP/1.1\r\nHost: x\r\n{ANN}Content-Length: 1000\r\n\r\npart",
                  f"POST {BASE}/execs?args=x HTTP/1.1\r\nHost: x\r\n{ANN}{CHUNKED}\r\n5\r\nhel"]
    with nothing_left(server), contextlib.ExitStack() as stack:
        slow = []
        for i in range(120):
            slow.append(stack.enter_context(connected(server)))
            slow[-1].sendall(beginnings[i % len(beginnings)].encode())
        began = time.monotonic()
        assert all(server.get("/execs").status_code == 200 for _ in range(20))
        assert time.monotonic() - began < 10
        for s in slow:      # each is cut off in the end
            assert statuses(read_to_end(s)) in ([], [408])


def test_a_client_that_closes_its_half_gets_its_answer(brisk, clean_brisk):
    answer = exchange(brisk, f"GET {BASE}/execs HTTP/1.1\r\nHost: x\r\n{ANN}\r\n")
    assert statuses(answer) == [200]
    for half in (f"POST {BASE}/execs?args=x HTTP/1.1\r\nHost: x\r\n{ANN}Content-Length: 100000\r\n\r\n{'x' * 50000}",
                 f"POST {BASE}/execs?args=x HTTP/1.1\r\nHost: x\r\n{ANN}{CHUNKED}\r\n400\r\nhel",
                 f"POST {BASE}/execs?args=x HTTP/1.1\r\nHost: x\r\n{ANN}"):
        assert all(code >= 400 for code in statuses(exchange(brisk, half)))


@pytest.mark.parametrize("rubbish", [b"\x00" * 1000, b"\r\n" * 5000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\xff" * 70000,
                                     b"GET  /  HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\nHost: x\n\n",
                                     b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
                                     b"GET / HTTP/1.1\r\n folded: x\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"], ids=range(12))
def test_rubbish_is_refused_or_cut_off(brisk, clean_brisk, rubbish):
    assert all(code >= 400 for code in statuses(exchange(brisk, rubbish)))
    assert brisk.get("/execs").status_code == 200


# --- places ---

CLIMBS = ["..%2f..%2f..%2f..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c..%5cetc",
          "%2fetc%2fpasswd", "%2e%2e", "%2e", "....%2f%2f", "..%252f..%252fetc%252fpasswd", "%7e", "ann%0d%0aX-Evil:%201"]


def operations(server):
    """(method, path) of every operation with something to fill in, below which base it may be."""
    document = server.get("/openapi.json").json()
    return [(method.upper(), path) for path, item in document["paths"].items() if "{" in path
            for method in item if method in ("get", "post", "put", "delete")]


def full(path):
    return path if path.startswith(("/platform", "/auth", "/dlim")) else BASE + path


@pytest.mark.parametrize("climb", CLIMBS)
@pytest.mark.parametrize("user", ["ann", "admin"])
def test_no_parameter_of_a_path_leads_anywhere_else(server, clean, climb, user):
    found = operations(server)
    assert len(found) > 10
    for method, path in found:
        address = server.url + full(re.sub(r"\{[^}]+\}", climb, path))
        request = requests.Request(method, "http://x", auth=(user, {"ann": "ann-secret", "admin": "admin-secret"}[user]))
        prepared = request.prepare()
        prepared.url = address      # as it is: nothing is shortened on the way
        reply = server.session(user).send(prepared, timeout=60)
        assert "root:" not in reply.text and "X-Evil" not in reply.headers, (method, path)
        if reply.status_code == 200:
            assert reply.text.strip() in ("{}", "[]", "null", '""', ""), (method, path, reply.text)
        else:
            assert reply.status_code in (400, 403, 404, 405, 409, 501), (method, path, reply.status_code, reply.text)


def test_what_is_another_users_looks_like_what_is_not(server, tmp_path):
    """For every operation on a task, by every id it has: bob learns nothing of ann's."""
    with Gate(tmp_path) as gate:
        task = gated(server, gate)
        record = server.get(f"/execs/{task}").json()
        with nothing_left(server):
            for name in (record["id"], record["submissionId"], record["appId"]):
                for method, path in operations(server):
                    if not re.search(r"\{(execId|id|appId|driverId)\}", path) or "token" in path or "instances/{id}" in path:
                        continue
                    filled = lambda value: full(re.sub(r"\{(execId|id|appId|driverId)\}", value, path)
                                                .replace("{sigId}", record["sigId"]).replace("{sigName}", record["sigName"])
                                                .replace("{type}", "stdout").replace("{n}", "1").replace("{executorId}", "0"))
                    ask = lambda value: server.request(method, filled(value), user="bob")
                    theirs, nobodys = ask(name), ask("nobody-1-2")
                    assert theirs.status_code == nobodys.status_code, (method, path, theirs.text)
                    assert theirs.text.replace(name, "?") == nobodys.text.replace("nobody-1-2", "?"), (method, path)
                    if "{execId}" in path and theirs.status_code != 501:      # not built yet
                        refused(theirs, f"there is no task {name}")
        assert server.get(f"/execs/{task}").json()["state"] == "RUNNING"
        gate.open()
        server.wait_exec(task)


def test_lists_and_events_show_nothing_of_others(server, tmp_path):
    task = server.submit(NOOP)["id"]
    server.wait_exec(task)
    for params in ({}, {"creator": "ann"}, {"search": task}, {"creator": "ann' OR '1'='1"}, {"search": "%"}, {"sort_by": "id"}):
        assert task not in server.get("/execs", user="bob", params=params).text
    assert task not in server.get("/scheduler/applications", user="bob").text
    newest = query(server, "SELECT max(id) FROM event")[0][0]
    mine = server.submit(NOOP, user="bob")["id"]
    server.wait_exec(mine, user="bob")
    with server.notices(user="bob", since=newest - 3) as notices:
        assert next(notices)[1]["id"] == mine
    refused(server.get("/execs", user="bob", params={"after": task}), task)


# --- forged things ---

def test_another_site_cannot_submit_with_a_cookie(server):
    session = requests.Session()
    assert session.post(server.address("/platform/rest/conductor/v1/auth/logon"), auth=("ann", "ann-secret"),
                        timeout=60).status_code == 200
    with nothing_left(server):
        for headers in ({"Origin": "http://evil.example"}, {"Referer": "http://evil.example/"}, {}):
            reply = session.post(server.address("/execs"), params={"args": ARGS}, files=FILE, headers=headers, timeout=60)
            refused(reply, "csrftoken", status=reply.status_code)
            assert reply.status_code in (401, 403)
            assert session.delete(server.address("/execs"), headers=headers, timeout=60).status_code in (401, 403)
        assert session.get(server.address("/execs"), timeout=60).status_code == 200


LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warn|error) [a-z]+\.[a-z]+ ")


def test_no_name_forges_a_line_of_the_log(make_server):
    server = make_server("log.level = debug\nhttp.idle_timeout = 1\n")
    forged = "2020-01-01T00:00:00.000Z info user.forged name=eve"
    for text in (f"x\n{forged}", f"x\r\n{forged}", f"x\u2028{forged}", f'x" status=999 user=forged y="', "\x1b[2J\x1b[1;31m"):
        word = quote(text, safe="")
        server.session("ann").get(server.address(f"/execs/{word}"), timeout=60)
        server.session("ann").post(server.address(f"/execs?args={quote(ARGS)}&sigName={word}"), files=FILE, timeout=60)
        submit(server, f"--exec-start {word} --model-main main.py")
        submit(server, files={"file": (text, NOOP)})
        basic = base64.b64encode(f"{text}:{text}".encode()).decode()
        requests.get(server.address("/execs"), headers={"Authorization": f"Basic {basic}"}, timeout=60)
        server.post("/users", user="admin", json={"name": text, "password": "long enough"})
        server.get("/execs", headers={"X-Request-Id": word, "User-Agent": word})
    exchange(server, f'GET /"\x1b[2J"status=999 HTTP/1.1\r\nHost: x\r\n\r\n')
    server.stop()
    lines = server.log.read_text(errors="replace").split("\n")
    assert all(LINE.match(line) for line in lines if line), [line for line in lines if line and not LINE.match(line)]
    for line in lines:
        assert not re.search(r"[\x00-\x1f\x7f]", line), line
        assert not re.match(rf"^\S+ \S+ user\.forged", line)
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", line)         # outside of values
        assert "status=999" not in bare and "user=forged" not in bare, line


SECRETS = ["hunter2-in-password", "hunter3-in-jwt", "hunter4-quoted", "hunter5-with-equals"]
SECRET_ARGS = ('--password {} --jwt-token {} --password "{}" --password={}').format(*SECRETS)


def test_secrets_in_args_are_kept_nowhere(make_server):
    server = make_server("log.level = debug\n")
    replies = [submit(server, f"{ARGS} {SECRET_ARGS}"),
               submit(server, params={}, data={"data": json.dumps({"args": f"{ARGS} {SECRET_ARGS}"})}),
               submit(server, f"--exec-start tensorflow --model-main main.py {SECRET_ARGS} --numWorker no")]
    assert [reply.status_code for reply in replies] == [200, 200, 400]
    for reply in replies[:2]:
        task = reply.json()["id"]
        server.wait_exec(task)
        for path in ("", "/log", "/metrics"):
            replies.append(server.get(f"/execs/{task}{path}"))
    replies += [server.get("/execs"), server.get("/scheduler/applications")]
    server.stop()
    for reply in replies:
        for secret in SECRETS:
            assert secret not in reply.text
    for path in [*server.data.rglob("*"), server.log]:
        if path.is_file():
            content = path.read_bytes()
            for secret in SECRETS + ["ann-secret"]:
                assert secret.encode() not in content, (secret, path)
