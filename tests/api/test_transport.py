# SPDX-License-Identifier: Apache-2.0
"""What src/http promises to every route, shown by tests/unit/http/echo_server.c over raw sockets and requests."""
import concurrent.futures
import gzip
import json
import os
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest
import requests
import urllib3

from harness import BUILD

urllib3.disable_warnings()

BASE = "/platform/rest/deeplearning/v1"
PROGRAM = BUILD / "tests/unit/http/echo_server"
pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="built without -Dtests=true")


class Echo:
    """The server in its own folder; ends at the end of its input."""

    def __init__(self, folder, *options):
        self.folder = Path(folder)
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([PROGRAM, self.folder, *options], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=log, text=True)
        self.http, self.https = (self.process.stdout.readline().split()[1] for _ in range(2))
        self.port = int(self.http.rsplit(":", 1)[1])
        self.tls_port = int(self.https.rsplit(":", 1)[1])
        self.session = requests.Session()

    def url(self, path):
        return self.http + BASE + path

    def call(self, method, path, **args):
        return self.session.request(method, self.url(path), timeout=30, **args)

    def get(self, path, **args):
        return self.call("GET", path, **args)

    def post(self, path, **args):
        return self.call("POST", path, **args)

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        return s, s.makefile("rb")

    def log(self):
        return (self.folder / "log").read_text()

    def uploads(self):
        return os.listdir(self.folder / "uploads")

    def memory_kib(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
        return self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    e = Echo(tmp_path_factory.mktemp("echo"))
    yield e
    assert e.stop() == 0, e.log()


@pytest.fixture
def make_echo(tmp_path):
    made = []

    def make(*options):
        made.append(Echo(tmp_path, *options))
        return made[-1]

    yield make
    for e in made:
        assert e.stop() == 0, e.log()


def request(method, path, headers="", body=b""):
    return f"{method} {BASE}{path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode() + body


def read_reply(f):
    """(status, headers, body) of one reply with a Content-Length."""
    status = int(f.readline().split()[1])
    headers = {}
    while True:
        line = f.readline().decode().strip()
        if not line:
            break
        key, _, value = line.partition(":")
        headers[key.lower()] = value.strip()
    return status, headers, f.read(int(headers.get("content-length", 0))) if status >= 200 else b""


def wait_until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not happen in 20 s"
        time.sleep(0.005)


# --- paths ---

@pytest.mark.parametrize("path, name", [
    ("/echo/a", "a"), ("/echo/a/", "a"), ("//echo///a//", "a"), ("/echo/a%20b", "a b"), ("/echo/a+b", "a+b"),
    ("/echo/a%2Fb", "a/b"), ("/echo/%25", "%"), ("/echo/%2525", "%25"), ("/echo/100%", "100%"),
    ("/echo/%C3%A4", "ä"), ("/echo/FIXED", "FIXED"), ("/echo/.", "."), ("/%65cho/a", "a"),
])
def test_a_path_is_decoded_once_and_forgives_slashes(echo, path, name):
    s, f = echo.connect()
    s.sendall(request("GET", path))
    status, _, body = read_reply(f)
    assert status == 200 and json.loads(body)["name"] == name


def test_a_literal_beats_a_parameter_but_only_as_far_as_it_leads(echo):
    assert echo.get("/echo/fixed").json()["operation"] == "getFixed"
    assert echo.get("/echo/fixed/x/deep").json()["operation"] == "getDeep"
    under = echo.get("/echo/fixed/under").json()
    assert under["operation"] == "getUnder" and under["name"] == "fixed"


@pytest.mark.parametrize("path, rest", [
    ("/files/a", "a"), ("/files/a/b/c", "a/b/c"), ("/files/a%2Fb//c/", "a/b/c"), ("/files/" + "/".join("x" * 60), "/".join("x" * 60)),
])
def test_the_rest_of_a_path_is_one_parameter(echo, path, rest):
    assert echo.get(path).json()["rest"] == rest


@pytest.mark.parametrize("path, why", [
    ("/echo/a%00b", "NUL"), ("/echo/%FF", "UTF-8"), ("/echo/a?x=%00", "NUL"), ("/echo/a?%C3=1", "UTF-8"),
])
def test_text_that_is_none_is_refused(echo, path, why):
    s, f = echo.connect()
    s.sendall(request("GET", path))
    status, _, body = read_reply(f)
    assert status == 400 and why in body.decode()


@pytest.mark.parametrize("path", ["/", "/echo", "/echo/a/b", "/files", "/files/", "/" + "x/" * 200])
def test_an_unknown_path_is_404(echo, path):
    reply = echo.get(path)
    assert reply.status_code == 404
    assert reply.text.startswith("Error 404: there is nothing at ") and reply.text.endswith("\n")


def test_other_bases_are_404(echo):
    for path in ["/", "/platform", "//", "/platform/rest/deeplearning/v1", "/platform/rest/conductor/v1/small", "*"]:
        s, f = echo.connect()
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert read_reply(f)[0] == 404


def test_the_absolute_form_of_a_target_is_understood(echo):
    s, f = echo.connect()
    s.sendall(f"GET http://some.where{BASE}/small HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert read_reply(f)[0] == 200


@pytest.mark.parametrize("method", ["POST", "PATCH", "OPTIONS", "TRACE", "FOO"])
def test_a_known_path_with_another_method_is_405_and_says_which(echo, method):
    reply = echo.call(method, "/echo/a")
    assert reply.status_code == 405 and reply.headers["Allow"] == "GET, HEAD, PUT, DELETE"
    assert "GET, HEAD, PUT, DELETE" in reply.text


# --- queries ---

def test_query_parameters_are_decoded_and_keep_their_order(echo):
    s, f = echo.connect()
    s.sendall(request("GET", "/echo/a?x=1&y=a+b&z=a%20b&x=2&empty&=v&&q=%2B%26%3D&u=1?2#frag=1"))
    assert json.loads(read_reply(f)[2])["query"] == [["x", "1"], ["y", "a b"], ["z", "a b"], ["x", "2"], ["empty", ""], ["", "v"],
                                                     ["q", "+&="], ["u", "1?2"]]


def test_numbers_in_a_query_are_checked_by_name(echo):
    assert echo.get("/number").text == "7"
    assert echo.get("/number?n=3&n=4&yes=True&csrftoken=x").text == "4 yes"
    for bad in ["0", "11", "x", "1x", "99999999999999999999", "1.5"]:
        reply = echo.get("/number", params={"n": bad}, headers={"Accept": "application/json"})
        error = reply.json()["error"]
        assert reply.status_code == 400 and error["field"] == "n" and error["accepted"] == "a whole number from 1 to 10"


def test_a_string_is_quoted_for_clients_that_ask_for_json(echo):
    assert echo.get("/number", headers={"Accept": "application/json"}).content == b'"7"'
    assert echo.get("/number", headers={"Accept": "text/plain, application/json"}).content == b"7"
    assert echo.get("/number", headers={"Accept": "application/json, text/plain, */*"}).content == b'"7"'


# --- connections ---

def test_a_connection_is_kept(echo):
    s, f = echo.connect()
    for _ in range(3):
        for raw in [request("GET", "/small"), request("GET", "/nowhere"), request("GET", "/me"),
                    request("POST", "/json", "Content-Length: 13\r\n", b'{"label":"a"}'),
                    request("POST", "/json", "Content-Length: 3\r\n", b"xxx"),
                    request("DELETE", "/nothing"), request("GET", "/early"), request("GET", "/work/a")]:
            s.sendall(raw)
            _, headers, _ = read_reply(f)
            assert "connection" not in headers


def test_requests_sent_together_are_answered_in_order(echo):
    s, f = echo.connect()
    names = [f"n{i}" for i in range(50)]
    s.sendall(b"".join(request("GET", f"/echo/{name}") for name in names))
    assert [json.loads(read_reply(f)[2])["name"] for _ in names] == names


def test_pipelined_waits_and_bodies_keep_their_order(echo):
    s, f = echo.connect()
    s.sendall(request("GET", "/work/one") + request("POST", "/json", "Content-Length: 13\r\n", b'{"label":"b"}') +
              request("GET", "/early") + request("GET", "/small"))
    assert read_reply(f)[2] == b"worked one"
    assert json.loads(read_reply(f)[2])["json"] == {"label": "b"}
    assert read_reply(f)[2] == b"woken\n"
    assert read_reply(f)[2] == b'{"ok":true}'


def test_an_old_client_gets_its_reply_and_the_end(echo):
    s, f = echo.connect()
    s.sendall(f"GET {BASE}/small HTTP/1.0\r\n\r\n".encode())
    assert f.read().endswith(b'{"ok":true}')


def test_head_is_get_without_the_body(echo):
    s, f = echo.connect()
    s.sendall(request("HEAD", "/small") + request("GET", "/small"))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += f.readline()
    assert b"200 OK" in head and b"Content-Length: 11" in head
    assert read_reply(f)[2] == b'{"ok":true}'


def test_what_the_client_has_already_is_not_sent_again(echo):
    s, f = echo.connect()
    for has in ['W/"7"', '"6", "7"', "*"]:
        s.sendall(request("GET", "/versioned/7", f"If-None-Match: {has}\r\n") + request("GET", "/small"))
        status, headers, body = read_reply(f)
        assert (status, body) == (304, b"") and headers["etag"] == 'W/"7"' and "connection" not in headers
        assert read_reply(f)[2] == b'{"ok":true}'
    for has in ["", 'If-None-Match: W/"6"\r\n', "If-None-Match: 7\r\n"]:
        s.sendall(request("GET", "/versioned/7", has))
        status, headers, body = read_reply(f)
        assert (status, headers["etag"], body) == (200, 'W/"7"', b'{"ok":true}')
        assert headers["cache-control"] == "private, no-cache"


def test_a_request_in_single_bytes_is_understood(echo):
    s, f = echo.connect()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in request("POST", "/json", "Content-Length: 13\r\n", b'{"label":"a"}'):
        s.sendall(bytes([byte]))
    assert read_reply(f)[0] == 200


def test_a_client_that_waits_to_continue_may(echo):
    s, f = echo.connect()
    s.sendall(request("POST", "/json", "Expect: 100-continue\r\nContent-Length: 13\r\n"))
    assert read_reply(f)[0] == 100
    s.sendall(b'{"label":"a"}')
    assert read_reply(f)[0] == 200


def test_a_client_that_waits_to_continue_is_told_no_first(make_echo):
    e = make_echo("body_max=1000")
    for path, headers, status in [("/json", "Content-Length: 1001\r\n", 413), ("/nowhere", "Content-Length: 5\r\n", 404),
                                  ("/me", "Content-Length: 5\r\n", 401)]:
        s, f = e.connect()
        s.sendall(request("POST", path, "Expect: 100-continue\r\n" + headers))
        assert read_reply(f)[0] == status


def test_headers_have_a_limit(echo):
    s, f = echo.connect()
    s.sendall(request("GET", "/small", f"X-Long: {'x' * 100000}\r\n"))
    assert read_reply(f)[0] == 431
    s, f = echo.connect()
    s.sendall(request("GET", "/small", f"X-Long: {'x' * 20000}\r\n"))
    assert read_reply(f)[0] == 200


def test_an_idle_connection_is_closed(make_echo):
    e = make_echo("idle=1")
    s, f = e.connect()
    s.sendall(request("GET", "/small"))
    assert read_reply(f)[0] == 200
    assert f.read() == b""


def test_connections_above_the_limit_wait_for_a_place(make_echo):
    e = make_echo("connections=2", "threads=1")
    first, second, third = (e.connect() for _ in range(3))
    for s, f in first, second:
        s.sendall(request("GET", "/small"))
        assert read_reply(f)[0] == 200
    third[0].sendall(request("GET", "/small"))
    third[0].settimeout(0.2)
    with pytest.raises(TimeoutError):
        third[1].readline()
    for part in first:
        part.close()
    third[0].settimeout(20)
    assert read_reply(third[0].makefile("rb"))[0] == 200


def test_rubbish_is_answered_or_cut_off_and_hurts_nobody(make_echo):
    e = make_echo("idle=1")
    for rubbish in [b"\0\0\0\0\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 100, b"GET " + b"/" * 70000,
                    request("POST", "/json", "Content-Length: -1\r\n"), request("POST", "/json", "Transfer-Encoding: chunked\r\n", b"zz\r\n")]:
        s, f = e.connect()
        try:
            s.sendall(rubbish)
            assert b" 200 " not in f.read()
        except (ConnectionResetError, BrokenPipeError):
            pass
    assert e.get("/small").status_code == 200


# --- TLS ---

def test_the_tls_listener_serves_the_same(echo):
    reply = requests.get(echo.https + BASE + "/echo/a", verify=False, timeout=30)
    assert reply.status_code == 200 and reply.json()["tls"]
    assert not echo.get("/echo/a").json()["tls"]


def test_the_certificate_is_for_this_machine_and_trusted_when_told_so(echo):
    cert = echo.folder / "tls/cert.pem"
    for host in ["127.0.0.1", "localhost"]:
        reply = requests.get(f"https://{host}:{echo.tls_port}{BASE}/small", verify=str(cert), timeout=30)
        assert reply.status_code == 200
    assert (echo.folder / "tls/key.pem").stat().st_mode & 0o777 == 0o600


def test_old_tls_is_refused(echo):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError):
        context.wrap_socket(socket.create_connection(("127.0.0.1", echo.tls_port), timeout=30))


def test_tls_on_the_plain_port_fails_at_once_as_a_tls_error(echo):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"https://127.0.0.1:{echo.port}{BASE}/small", verify=False, timeout=10)
    s, f = echo.connect()
    s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    reply = f.read()
    assert reply.startswith(b"HTTP/1.1 400 ") and reply.endswith(b"this port speaks HTTP only\n")


def test_plain_http_on_the_tls_port_is_cut_off(echo):
    s = socket.create_connection(("127.0.0.1", echo.tls_port), timeout=30)
    s.sendall(request("GET", "/small"))
    try:
        assert b"200" not in s.recv(1000)
    except ConnectionResetError:
        pass


# --- errors ---

def test_an_error_is_one_line_of_text(echo):
    reply = echo.get("/fail/field")
    assert (reply.status_code, reply.text) == (400, "Error 400: size must be 1 to 9\n")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8" and "X-Leftover" not in reply.headers


def test_an_error_is_json_for_clients_that_ask_for_it(echo):
    reply = echo.get("/fail/field", headers={"Accept": "application/json"})
    error = reply.json()["error"]
    assert reply.status_code == 400 and len(error.pop("requestId")) == 16
    assert error == {"code": "bad_input", "message": "size must be 1 to 9", "field": "size", "accepted": "1 to 9"}


def test_our_own_failures_keep_their_reasons_to_the_log(echo):
    for accept in ["application/json", "*/*"]:
        reply = echo.get("/fail/internal", headers={"Accept": accept})
        assert reply.status_code == 500 and "internal error" in reply.text and "secret" not in reply.text
    reply = echo.get("/fail/internal", headers={"Accept": "application/json"})
    line = next(line for line in echo.log().splitlines() if "http.failed" in line and reply.json()["error"]["requestId"] in line)
    assert "a secret reason" in line and "echo_server.c:" in line


def test_a_handler_without_a_reply_is_our_failure(echo):
    assert echo.get("/fail/silent").status_code == 500


def test_a_route_may_say_not_found_differently(echo):
    assert echo.get("/fail/missing").status_code == 404
    assert echo.get("/fail400/missing").text == "Error 400: no such thing\n"


def test_each_request_is_logged_once_with_its_id(echo):
    reply = echo.post("/nowhere?secret=1", headers={"Accept": "application/json"})
    request_id = reply.json()["error"]["requestId"]
    wait_until(lambda: request_id in echo.log())        # written once the reply has left
    lines = [line for line in echo.log().splitlines() if request_id in line]
    assert len(lines) == 1
    assert f'info http.request method=POST path="{BASE}/nowhere" status=404 ms=' in lines[0] and "secret" not in lines[0]


# --- who calls ---

def test_a_route_for_users_asks_who_calls(echo):
    reply = echo.get("/me")
    assert reply.status_code == 401 and reply.headers["WWW-Authenticate"] == 'Basic realm="deeplearning"'
    assert echo.get("/me", headers={"X-User": "mallory"}).text == "Error 401: wrong name or password\n"
    assert echo.get("/me", headers={"X-User": "ann"}).json()["user"] == "ann"


def test_finding_out_may_take_a_worker(echo):
    for method, args in [("GET", {}), ("POST", {"data": b"x" * 100000}), ("POST", {})]:
        reply = echo.call(method, "/me", headers={"X-User": "ann", "X-Slow": "1"}, **args)
        assert reply.status_code == 200 and reply.json()["user"] == "ann"
        assert echo.call(method, "/me", headers={"X-User": "mallory", "X-Slow": "1"}, **args).status_code == 401


def test_administrators_only_means_that(echo):
    assert echo.get("/admin").status_code == 401
    assert echo.get("/admin", headers={"X-User": "ann"}).status_code == 403
    assert echo.get("/admin", headers={"X-User": "admin"}).status_code == 200


def test_a_cookie_alone_changes_nothing_without_the_token(echo):
    cookie = {"X-User": "ann", "Cookie": "session=1"}
    assert echo.get("/me", headers=cookie).status_code == 200
    assert echo.post("/me", headers=cookie).text == "Error 403: send the csrftoken\n"
    assert echo.post("/me", headers={**cookie, "X-CSRF-Token": "t"}).status_code == 200


def test_an_upload_of_nobody_is_not_stored(echo):
    reply = echo.post("/form/mine", files={"file": ("a.bin", b"x" * 100000)})
    assert reply.status_code == 401 and echo.uploads() == []


# --- JSON bodies ---

@pytest.mark.parametrize("content_type", [
    "application/json", "application/json; charset=utf-8", "text/json", "application/vnd.x+json", "", "application/x-www-form-urlencoded",
    "APPLICATION/JSON",
])
def test_json_comes_under_many_names(echo, content_type):
    reply = echo.post("/points", data=b'\xef\xbb\xbf {"label": "a", "x": "7", "unknown": [1], "ratio": null}',
                      headers={"Content-Type": content_type} if content_type else {"Content-Type": None})
    assert (reply.status_code, reply.json()) == (201, {"label": "a", "x": 7})


def test_python_text_is_read_too(echo):
    assert echo.post("/points", data=str({"label": "it's", "tags": ("a",)})).json() == {"label": "it's", "tags": ["a"]}


@pytest.mark.parametrize("body, content_type, sentence", [
    (b"", "application/json", '"label" is missing'), (b"{}", "application/json", '"label" is missing'),
    (b'{"label": "a", "x": 101}', "application/json", '"x"'), (b'{"label": "a", "color": "blue"}', "application/json", '"color"'),
    (b'{"label": {}}', "application/json", '"label"'), (b"[1]", "application/json", "object"), (b'{"label": ', "application/json", "line 1"),
    (b'{"label": "a"}', "application/xml", "must be application/json, not application/xml"), (b"label=a", "application/x-www-form-urlencoded", "application/json"),
    (b'{"label": "\xff"}', "application/json", "UTF-8"), (b'{"label": "a\\u0000b"}', "application/json", ""),
    (b"[" * 100000, "application/json", ""),
])
def test_a_bad_body_is_refused_with_a_sentence(echo, body, content_type, sentence):
    reply = echo.post("/points", data=body, headers={"Content-Type": content_type})
    assert reply.status_code == 400 and sentence in reply.text


def test_chunked_bodies_are_read(echo):
    reply = echo.post("/points", data=iter([b'{"label"', b': "a"}']))
    assert reply.status_code == 201


def test_a_body_too_large_is_413(make_echo):
    e = make_echo("body_max=1000", "form_max=5000")
    too_long = b'{"label":"%s"}' % (b"x" * 1000)
    assert e.post("/points", data=b'{"label":"%s"}' % (b"x" * 900)).status_code == 201
    for path, body in [("/points", too_long), ("/nothing", too_long), ("/form", b"x" * 5001)]:
        method = "DELETE" if path == "/nothing" else "POST"
        assert e.call(method, path, data=body).status_code == 413
        reply = e.call(method, path, data=iter([body[:500], body[500:]]))
        assert reply.status_code == 413 and "larger than the " in reply.text
    assert e.uploads() == []


def test_a_far_too_large_body_is_refused_before_it_comes(make_echo):
    s, f = make_echo("body_max=1000").connect()
    s.sendall(request("POST", "/points", f"Content-Length: {1 << 40}\r\n"))
    assert read_reply(f)[0] == 413
    assert f.read() == b""


def test_a_get_may_carry_a_body(echo):
    reply = echo.get("/echo/a", json={"auth": "x"})
    assert reply.status_code == 200 and reply.json()["json"] is None
    assert echo.get("/small", data=b"x" * 1000000).status_code == 200


def test_bodies_nobody_reads_are_dropped(echo):
    for body in [None, b"", b"{}", b"\0\xff" * 1000]:
        assert echo.call("PUT", "/echo/a", data=body).status_code == 200
        assert echo.call("DELETE", "/nothing", data=body).status_code == 204


# --- forms ---

def parts(reply):
    assert reply.status_code == 200, reply.text
    return [(p["name"], p["filename"], p["data"], p["len"], p["in_file"]) for p in reply.json()["parts"]]


def test_a_form_as_clients_send_it(echo):
    reply = echo.post("/form", files=[("file", ("main.py", b"print(1)", "text/plain")), ("data", (None, '{"a": 1}', "application/json")),
                                      ("file", ("env.yaml", b"x: 1"))])
    assert parts(reply) == [("file", "main.py", None, 8, True), ("data", None, '{"a": 1}', 8, False), ("file", "env.yaml", None, 4, True)]
    assert echo.uploads() == []


def raw_form(*heads_and_bodies, boundary="b0", end="--\r\n", newline="\r\n"):
    body = "".join(f"--{boundary}{newline}{head}{newline}{newline}{content}{newline}" for head, content in heads_and_bodies)
    return (body + f"--{boundary}{end}").encode()


MULTIPART = {"Content-Type": "multipart/form-data; boundary=b0"}


@pytest.mark.parametrize("head, content, part", [
    ('Content-Disposition: form-data; name="file"', "print(1)", ("file", None, None, 8, True)),
    ('content-disposition: form-data; name=plain', "text", ("plain", None, "text", 4, False)),
    ('Content-Disposition: form-data; name="main.py"; filename="main.py"', "x", ("main.py", "main.py", None, 1, True)),
    ('Content-Disposition: form-data; name="file"; filename="C:\\dir\\a b.py"', "x", ("file", "a b.py", None, 1, True)),
    ('Content-Disposition: form-data; name="file"; filename="/home/x/a.py"', "x", ("file", "a.py", None, 1, True)),
    ('Content-Disposition: form-data; name="f"; filename="say \\"hi\\".py"', "x", ("f", 'say "hi".py', None, 1, True)),
    ("Content-Disposition: form-data; name=\"f\"; filename=\"x\"; filename*=UTF-8''b%C3%A4r.py", "x", ("f", "bär.py", None, 1, True)),
    ('Content-Disposition: form-data; name="w"\r\nContent-Type: application/octet-stream', "x", ("w", None, None, 1, True)),
    ('Content-Disposition: form-data; name="j"\r\nContent-Type: application/json', "{}", ("j", None, "{}", 2, False)),
    ('Content-Disposition: form-data; name="f"; filename=""', "", ("f", None, "", 0, False)),
    ('X-Other: 1', "x", ("", None, "x", 1, False)),
    ('Content-Disposition: form-data; name="t"', "\r\n--b\r\n-\r\r\n\n--b", ("t", None, "\r\n--b\r\n-\r\r\n\n--b", 15, False)),
    ('Content-Disposition: form-data; name="e"', "", ("e", None, "", 0, False)),
])
def test_parts_come_in_many_shapes(echo, head, content, part):
    assert parts(echo.post("/form", data=raw_form((head, content)), headers=MULTIPART)) == [part]


def test_multipart_with_bare_line_feeds_text_around_and_a_quoted_boundary(echo):
    body = b"ignored\n" + raw_form(('Content-Disposition: form-data; name="a"', "1"), boundary="b 0", newline="\n") + b"ignored"
    reply = echo.post("/form", data=body, headers={"Content-Type": 'multipart/form-data; boundary="b 0"'})
    assert parts(reply) == [("a", None, "1", 1, False)]


@pytest.mark.parametrize("body", [b"", b"--b0--", b"--b0--\r\n", b"nothing"])
def test_an_empty_form_has_no_parts(echo, body):
    assert parts(echo.post("/form", data=body, headers=MULTIPART)) == []


@pytest.mark.parametrize("body, headers, sentence", [
    (raw_form(('Content-Disposition: form-data; name="file"; filename="a"', "x"))[:-9], MULTIPART, "cut off"),
    (raw_form(("A: b", "x")), {"Content-Type": "multipart/form-data"}, "boundary"),
    (raw_form(("A: b", "x")), {"Content-Type": f"multipart/form-data; boundary={'x' * 201}"}, "boundary"),
    (raw_form(("A: " + "b" * 20000, "x")), MULTIPART, "headers of a part"),
    (raw_form(('Content-Disposition: form-data; name="a"', "a\0b")), MULTIPART, "NUL"),
    (raw_form(('Content-Disposition: form-data; name="a"', "x")).replace(b"x", b"\xff"), MULTIPART, "UTF-8"),
    (raw_form(('Content-Disposition: form-data; name="Q"', "x")).replace(b"Q", b"\xff"), MULTIPART, "UTF-8"),
    (b"--b0 what\r\n", MULTIPART, "delimiter"),
    (b"a=%00", {"Content-Type": "application/x-www-form-urlencoded"}, "NUL"),
])
def test_a_broken_form_is_refused_and_leaves_nothing(echo, body, headers, sentence):
    reply = echo.post("/form", data=body, headers=headers)
    assert reply.status_code == 400 and sentence in reply.text
    assert echo.uploads() == []


def test_a_form_has_a_limited_number_of_parts(echo):
    head = 'Content-Disposition: form-data; name="a"'
    assert len(parts(echo.post("/form", data=raw_form(*[(head, "x")] * 1000), headers=MULTIPART))) == 1000
    assert echo.post("/form", data=raw_form(*[(head, "x")] * 1001), headers=MULTIPART).status_code == 413


def test_an_urlencoded_form_is_parts(echo):
    assert parts(echo.post("/form", data={"data": '{"a": 1}', "args": "a b"})) == [
        ("data", None, '{"a": 1}', 8, False), ("args", None, "a b", 3, False)]


@pytest.mark.parametrize("body, content_type, part", [
    (b'{"a": 1}', "application/json", ("data", None, '{"a": 1}', 8, False)), (b'{"a": 1}', "application/x-www-form-urlencoded", ("data", None, '{"a": 1}', 8, False)),
    (b'{"a": 1}', None, ("data", None, '{"a": 1}', 8, False)), (b"{'a': 1}", "text/plain", ("data", None, "{'a': 1}", 8, False)),
    (gzip.compress(b"x", mtime=0), "application/gzip", ("file", None, None, 21, True)), (b"x" * 512, "application/x-tar", ("file", None, None, 512, True)),
    (b"\0\1", "application/octet-stream", ("file", None, None, 2, True)), (gzip.compress(b"x", mtime=0), None, ("file", None, None, 21, True)),
])
def test_a_raw_body_is_one_part(echo, body, content_type, part):
    assert parts(echo.post("/form", data=body, headers={"Content-Type": content_type})) == [part]


def test_no_body_is_no_part(echo):
    for content_type in [None, "application/json", "application/octet-stream", "application/x-www-form-urlencoded"]:
        assert parts(echo.post("/form", data=b"", headers={"Content-Type": content_type})) == []
    assert parts(echo.post("/form", data=iter([b" ", b"\n"]))) == []
    assert parts(echo.post("/form", data=iter([]), headers={"Content-Type": "application/octet-stream"})) == []
    assert echo.uploads() == []


def test_long_fields_go_to_files(echo):
    reply = echo.post("/form", files=[("a", (None, "x" * (1 << 20))), ("b", (None, "x" * ((1 << 20) + 1)))] + [("c", (None, "x" * 1000000))] * 5)
    assert [(name, in_file) for name, _, _, _, in_file in parts(reply)] == [
        ("a", False), ("b", True), ("c", False), ("c", False), ("c", False), ("c", True), ("c", True)]


def test_a_file_that_a_handler_moves_away_stays(echo, tmp_path):
    content = os.urandom(3 << 20)
    reply = echo.post("/form/keep", params={"to": str(tmp_path / "kept")}, files={"file": ("a.bin", content)})
    assert reply.status_code == 200 and (tmp_path / "kept").read_bytes() == content
    assert echo.uploads() == []


def test_content_full_of_delimiters_is_kept_byte_for_byte(echo, tmp_path):
    content = b"\r\n--b0".join(os.urandom(n) for n in range(1)) + b"".join(
        b"\r\n--b"[:n % 6] + b"\r" * (n % 3) + bytes([n % 251 + 5]) for n in range(300000))
    head = b'--b0\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    reply = echo.post("/form/keep", params={"to": str(tmp_path / "kept")}, headers=MULTIPART, data=head + content + b"\r\n--b0--\r\n")
    assert reply.status_code == 200 and (tmp_path / "kept").read_bytes() == content


def test_a_client_that_goes_away_in_an_upload_leaves_nothing(echo):
    s, _ = echo.connect()
    s.sendall(request("POST", "/form", "Content-Type: application/octet-stream\r\nContent-Length: 1000000\r\n", b"x" * 1000))
    wait_until(lambda: echo.uploads() != [])
    s.shutdown(socket.SHUT_RDWR)
    wait_until(lambda: echo.uploads() == [])


def test_a_large_upload_stays_out_of_memory(make_echo, tmp_path):
    e = make_echo()
    size, block = 512 << 20, bytes(1 << 20)
    assert e.post("/form", files={"file": ("warm.bin", block)}).status_code == 200
    before = e.memory_kib()
    peak = before

    def body():
        nonlocal peak
        yield b'--b0\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\n\r\n'
        for _ in range(size // len(block)):
            yield block
            peak = max(peak, e.memory_kib())
        yield b"\r\n--b0--\r\n"

    reply = e.post("/form", data=body(), headers=MULTIPART)
    assert parts(reply) == [("file", "big.bin", None, size, True)]
    assert peak - before < 8 << 10, f"{peak - before} KiB more"
    assert e.uploads() == []


def test_a_full_disk_is_507_and_leaves_nothing(make_echo, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], capture_output=True).returncode:
        pytest.skip("mounting needs root")
    try:
        e = make_echo(f"spool={small}/spool")
        for files in [{"file": ("a.bin", b"x" * (3 << 20))}, {"data": (None, "x" * (3 << 20))}]:
            reply = e.post("/form", files=files)
            assert reply.status_code == 507 and "No space left" in reply.text
            assert os.listdir(small / "spool") == []
        assert e.post("/form", files={"file": ("a.bin", b"x" * 1000)}).status_code == 200
        assert e.stop() == 0
    finally:
        subprocess.run(["umount", small], check=True)


def test_what_a_killed_server_left_in_the_spool_is_removed_at_start(tmp_path):
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads/old-1").write_text("x")
    e = Echo(tmp_path)
    assert e.uploads() == [] and e.stop() == 0


# --- files ---

def test_a_file_is_sent_whole(echo, tmp_path):
    content = os.urandom(5 << 20)
    path = tmp_path / "f.bin"
    path.write_bytes(content)
    for url in [echo.http, echo.https]:
        reply = requests.get(url + BASE + "/file", params={"path": str(path)}, verify=False, timeout=30)
        assert reply.content == content and reply.headers["Content-Disposition"] == 'attachment; filename="f.bin"'
    assert echo.call("HEAD", "/file", params={"path": str(path)}).headers["Content-Length"] == str(len(content))
    path.write_bytes(b"")
    assert echo.get("/file", params={"path": str(path)}).content == b""


def test_a_file_may_go_once_it_is_sent(echo, tmp_path):
    path = tmp_path / "f.bin"
    path.write_bytes(b"abc")
    assert echo.get("/file", params={"path": str(path), "remove": "true"}).content == b"abc"
    assert not path.exists()
    assert echo.get("/file", params={"path": str(path)}).status_code == 404


# --- waiting ---

def parked(echo):
    return echo.get("/parked").json()


def test_a_call_may_be_woken_before_its_handler_returned(echo):
    for _ in range(200):
        assert echo.get("/early").text == "woken\n"


def test_work_and_writes_report_their_outcome(echo):
    assert echo.get("/work/well").text == "worked well"
    assert echo.get("/work/bad").text == "Error 409: the work went wrong\n"
    assert echo.post("/users/zoe").status_code == 201
    assert echo.post("/users/zoe").status_code == 409


def test_three_hundred_calls_wait_at_once(echo):
    with concurrent.futures.ThreadPoolExecutor(300) as pool:
        calls = [pool.submit(requests.get, echo.url("/park"), timeout=60) for _ in range(300)]
        wait_until(lambda: parked(echo) == 300)
        threads = len(os.listdir(f"/proc/{echo.process.pid}/task"))
        assert echo.post("/wake").status_code == 200
        assert [c.result().text for c in calls] == ["woken\n"] * 300
    assert threads < 20


def test_a_client_that_goes_away_while_it_waits_hurts_nobody(echo):
    for _ in range(20):
        s, _ = echo.connect()
        s.sendall(request("GET", "/park"))
        wait_until(lambda: parked(echo) == 1)
        s.shutdown(socket.SHUT_RDWR)
        assert echo.post("/wake").status_code == 200
    assert echo.get("/small").status_code == 200


def test_many_callers_at_once_are_all_answered(echo):
    def work(i):
        with requests.Session() as session:
            for j in range(20):
                name = f"{i}-{j}"
                assert session.get(echo.url(f"/work/{name}"), timeout=60).text == f"worked {name}"
                assert session.get(echo.url(f"/echo/{name}"), timeout=60).json()["name"] == name
                assert len(parts(session.post(echo.url("/form"), files={"file": ("a", b"x" * 5000)}, timeout=60))) == 1

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))


# --- the end ---

def test_a_stop_answers_what_has_begun(make_echo):
    e = make_echo()
    s, f = e.connect()
    s.sendall(request("GET", "/park"))
    wait_until(lambda: parked(e) == 1)
    other, g = e.connect()
    other.sendall(request("POST", "/wake", "Expect: 100-continue\r\nContent-Length: 1\r\n"))
    assert g.readline() == b"HTTP/1.1 100 Continue\r\n"      # now it has begun for the server as well
    e.process.stdin.close()
    other.sendall(b"x")
    assert read_reply(f)[2] == b"woken\n"
    assert e.process.wait(timeout=4) == 0


def test_a_stop_does_not_wait_for_ever(make_echo):
    e = make_echo()
    s, f = e.connect()
    s.sendall(request("GET", "/park"))
    wait_until(lambda: parked(e) == 1)
    e.process.stdin.close()
    status, headers, body = read_reply(f)
    assert status == 503 and b"stopping" in body and headers["connection"] == "close"
    assert e.process.wait(timeout=10) == 0


def test_a_port_in_use_is_a_sentence(echo, tmp_path):
    done = subprocess.run([PROGRAM, tmp_path, f"http=127.0.0.1:{echo.port}"], input="", capture_output=True, text=True)
    assert done.returncode == 1 and f"cannot listen on 127.0.0.1:{echo.port}: Address already in use" in done.stderr


# --- events ---

class Events:
    def __init__(self, echo, user="ann", query="", tls=False):
        self.socket = socket.create_connection(("127.0.0.1", echo.port), timeout=30)
        self.socket.sendall(request("GET", f"/events{query}", f"X-User: {user}\r\n"))
        self.file = self.socket.makefile("rb")
        while self.file.readline() != b"\r\n":
            pass
        self.text = b""

    def event(self):
        """The next event's lines; comments are passed over."""
        while True:
            while b"\n\n" not in self.text:
                size = int(self.file.readline(), 16)
                if size == 0:
                    return None
                self.text += self.file.read(size)
                self.file.readline()
            event, self.text = self.text.split(b"\n\n", 1)
            if not event.startswith(b":"):
                return event.decode().split("\n")


def test_events_reach_those_who_may_see_them(echo):
    ann, bob, admin, one = Events(echo), Events(echo, "bob"), Events(echo, "admin"), Events(echo, "ann", "?subject=s1")
    for owner, subject in [("ann", "s1"), ("bob", "s2"), ("ann", "s3")]:
        echo.post("/publish", params={"owner": owner, "subject": subject, "size": len(subject)})
    echo.post("/publish", params={"owner": "ann", "subject": "s1", "size": 9})
    expected = ["id: 5", "event: exec.state", 'data: "xx"']
    assert [ann.event(), ann.event(), ann.event()] == [expected, expected, ["id: 5", "event: exec.state", 'data: "xxxxxxxxx"']]
    assert bob.event() == expected
    assert [admin.event() for _ in range(3)] == [expected] * 3
    assert [one.event(), one.event()] == [expected, ["id: 5", "event: exec.state", 'data: "xxxxxxxxx"']]


def test_a_stream_begins_with_what_was_missed(echo):
    stream = Events(echo, "ann", "?backlog=id:%201%0Adata:%20old%0A%0A")
    echo.post("/publish", params={"owner": "ann"})
    assert stream.event() == ["id: 1", "data: old"] and stream.event()[0] == "id: 5"


def test_a_reader_too_slow_is_cut_off_and_others_are_not(echo):
    slow, quick = Events(echo), Events(echo)
    for _ in range(150):
        assert echo.post("/publish", params={"owner": "ann", "size": 200000}).status_code == 200
        assert quick.event()[0] == "id: 5"
    got = 0
    with pytest.raises((OSError, ValueError)):      # its chunks end in the middle
        while slow.event():
            got += 1
    assert got < 150


def test_a_reader_that_went_away_is_forgotten(echo):
    for _ in range(10):
        Events(echo, "eve").socket.shutdown(socket.SHUT_RDWR)
    for _ in range(3):
        echo.post("/publish", params={"owner": "eve"})
    assert echo.get("/small").status_code == 200


def test_a_stop_ends_the_streams_at_once(make_echo):
    e = make_echo()
    streams = [Events(e) for _ in range(5)]
    begin = time.monotonic()
    e.process.stdin.close()
    assert [s.event() for s in streams] == [None] * 5
    assert e.process.wait(timeout=10) == 0 and time.monotonic() - begin < 4


def test_a_quiet_stream_is_kept_alive(echo):
    stream = Events(echo, "quiet")
    chunks = []
    while b"".join(chunks).count(b":\n\n") < 2:     # the one at its begin, and one after 15 s
        chunks.append(stream.file.readline())
    assert echo.get("/small").status_code == 200


# --- the document ---

def test_the_openapi_document_is_made_from_the_rows(echo):
    d = echo.get("/openapi.json").json()
    assert d["openapi"] == "3.0.3" and set(d["components"]["securitySchemes"]) == {"basic", "bearer"}
    assert set(d["paths"][BASE + "/echo/{name}"]) == {"get", "put", "delete"}
    assert d["paths"][BASE + "/files/{rest}"]["get"]["parameters"][0]["name"] == "rest"
    post = d["paths"][BASE + "/points"]["post"]
    assert post["operationId"] == "addPoint" and post["tags"] == ["Points"] and set(post["responses"]) == {"201", "400", "500"}
    assert post["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Point"}
    listed = d["paths"][BASE + "/points"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert listed == {"type": "array", "items": {"$ref": "#/components/schemas/Point"}}
    point = d["components"]["schemas"]["Point"]
    assert point["required"] == ["label"] and point["properties"]["color"]["enum"] == ["red", "green"]
    assert point["properties"]["x"] == {"type": "integer", "minimum": 0, "maximum": 100}
    assert point["properties"]["tags"] == {"type": "array", "items": {"type": "string"}}
    assert point["properties"]["ratio"] == {"type": "number", "format": "double", "x-unit": "percent"}
    form = d["paths"][BASE + "/form"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["file"] == {"type": "string", "format": "binary", "description": "a file"}
