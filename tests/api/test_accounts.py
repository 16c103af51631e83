# SPDX-License-Identifier: Apache-2.0
"""Signing in, as every kind of client does it; accounts, tokens, and the command that works beside the server."""
import base64
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from harness import BASE, BUILD, USERS

CONDUCTOR = "/platform/rest/conductor/v1"
EGO = "/platform/rest/ego/v1"
COOKIE = "platform.rest.token"
ME = "/users/ann"


def call(server, method, path, **kw):
    """A request with nothing but what the test gives it: no session, no cookies kept."""
    return requests.request(method, server.address(path), timeout=60, **kw)


def basic(user, password=None):
    pair = f"{user}:{USERS[user] if password is None else password}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def logon(server, user="ann"):
    reply = call(server, "GET", "/auth/v1/logon", headers=basic(user))
    assert reply.status_code == 200, reply.text
    return reply.json()["accessToken"]


def session(server, user="ann", base=CONDUCTOR):
    """The cookie and the csrftoken of a browser-like logon."""
    reply = call(server, "GET", base + "/auth/logon", headers=basic(user))
    assert reply.status_code == 200, reply.text
    return {COOKIE: reply.cookies[COOKIE]}, reply.json()["csrftoken"]


def claims_of(token):
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


def until_refused(server, **kw):
    """Another process changed accounts: the server notices within 2 s, on its own clock."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        reply = call(server, "GET", ME, **kw)
        if reply.status_code == 401:
            return reply
    raise AssertionError("the server did not notice")


def user_command(server, *args, password=None):
    return subprocess.run([BUILD / "trainyard", "user", *args, "--data", server.data], text=True,
                          input=None if password is None else password + "\n", capture_output=True)


@pytest.fixture
def other(server):
    """An account of the test's own, removed afterwards."""
    name = f"other{time.monotonic_ns()}"
    password = "other-secret"
    reply = server.post("/users", user="admin", json={"name": name, "password": password})
    assert reply.status_code == 201, reply.text
    yield name, password
    server.delete(f"/users/{name}", user="admin")


# --- who is calling ---

def test_without_credentials_a_call_is_refused(server):
    reply = call(server, "GET", ME)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"] == 'Basic realm="deeplearning"'
    assert reply.text.startswith("Error 401: ")


def test_every_kind_of_credential_signs_in(server):
    token = logon(server)
    cookie, _ = session(server)
    for headers in (basic("ann"), {"Authorization": f"Bearer {token}"}, {"Authorization": f"bearer {token}"},
                    {"Authorization": f"PlatformToken token={token}"}, {"X-Auth-Token": token},
                    {"X-User-Token": token}, {"Cookie": f"{COOKIE}={cookie[COOKIE]}"}):
        reply = call(server, "GET", ME, headers=headers)
        assert (reply.status_code, reply.json().get("name")) == (200, "ann"), headers


def test_a_wrong_credential_is_not_excused_by_a_right_one_behind_it(server):
    token = logon(server)
    cookie, _ = session(server)
    assert call(server, "GET", ME, headers={"Authorization": "Bearer x", "X-Auth-Token": token}).status_code == 401
    assert call(server, "GET", ME, headers={"X-Auth-Token": "x"}, cookies=cookie).status_code == 401
    assert call(server, "GET", ME, headers={"X-Auth-Token": token}, cookies={COOKIE: "x"}).status_code == 200


@pytest.mark.parametrize("value", ["Digest x", "Basic", "Basic !!", "Basic YW5u", "Bearer", "x" * 3000])
def test_an_unreadable_header_is_401_and_at_logon_400(server, value):
    assert call(server, "GET", ME, headers={"Authorization": value}).status_code == 401
    assert call(server, "GET", "/auth/v1/logon", headers={"Authorization": value}).status_code == 400


def test_user_names_are_compared_with_case(server):
    assert call(server, "GET", ME, headers=basic("ann")).status_code == 200
    assert call(server, "GET", ME, headers=basic("Ann", USERS["ann"])).status_code == 401


def test_unknown_user_and_wrong_password_are_told_alike(server):
    replies = [call(server, "GET", ME, headers=basic("nobody-here", "whatever")),
               call(server, "GET", ME, headers=basic("bob", "whatever"))]
    assert [r.status_code for r in replies] == [401, 401]
    assert replies[0].text == replies[1].text


def test_a_password_is_checked_once_and_then_remembered(server):
    call(server, "GET", ME, headers=basic("ann"))
    start = time.monotonic()
    for _ in range(20):
        assert call(server, "GET", ME, headers=basic("ann")).status_code == 200
    assert time.monotonic() - start < 1.0       # twenty Argon2 checks would take longer


def test_many_first_calls_at_once_all_sign_in(make_server):
    server = make_server()
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: call(server, "GET", ME, headers=basic("ann")).status_code, range(32)))
    assert replies == [200] * 32


# --- tokens ---

@pytest.mark.parametrize("method", ["GET", "POST"])
def test_logon_gives_a_token_with_the_claims_clients_read(server, method):
    reply = call(server, method, "/auth/v1/logon", headers=basic("admin"))
    assert reply.status_code == 200
    assert reply.headers["Cache-Control"] == "no-store"
    claims = claims_of(reply.json()["accessToken"])
    assert claims["username"] == claims["sub"] == claims["uid"] == "admin"
    assert claims["role"] == "admin"
    assert isinstance(claims["permissions"], list) and isinstance(claims["groups"], list)
    assert {"iss", "aud", "jti"} <= set(claims)
    assert claims["exp"] - claims["iat"] == 12 * 3600


def test_logon_with_a_body_that_repeats_the_name_is_fine(server):
    body = {"username": "ann", "password": USERS["ann"]}
    assert call(server, "GET", "/auth/v1/logon", headers=basic("ann"), json=body).status_code == 200


def test_a_wrong_password_at_logon_is_401(server):
    assert call(server, "GET", "/auth/v1/logon", headers=basic("bob", "wrong")).status_code == 401


def test_a_changed_token_is_refused(server):
    head, middle, tail = logon(server).split(".")
    claims = claims_of(f".{middle}.")
    claims["username"] = claims["sub"] = "admin"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    for token in (f"{head}.{forged}.{tail}", f"{none}.{middle}.", f"{none}.{middle}.{tail}", f"{head}.{middle}."):
        assert call(server, "GET", ME, headers={"X-Auth-Token": token}).status_code == 401


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_logoff_revokes_the_token_at_once(server, method):
    headers = {"Authorization": f"Bearer {logon(server)}"}
    assert call(server, "GET", ME, headers=headers).status_code == 200
    assert call(server, method, "/auth/v1/logoff", headers=headers).status_code == 200
    reply = call(server, "GET", ME, headers=headers)
    assert reply.status_code == 401
    assert "revoked" in reply.text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_service_tokens_have_all_three_names(server, method):
    reply = call(server, method, "/dlim/v1/auth/token", headers=basic("ann")).json()
    for name in ("service_token", "user_token", "access_token"):
        assert call(server, "GET", ME, headers={"X-Auth-Token": reply[name]}).status_code == 200


def test_tokens_outlive_a_restart(make_server):
    server = make_server()
    headers = {"X-Auth-Token": logon(server)}
    server.kill()
    server.start()
    assert call(server, "GET", ME, headers=headers).status_code == 200


def test_tokens_are_listed_and_revoked_one_by_one(server, other):
    name, password = other
    first = call(server, "GET", "/auth/v1/logon", headers=basic(name, password)).json()["accessToken"]
    second = call(server, "GET", "/auth/v1/logon", headers=basic(name, password)).json()["accessToken"]
    rows = call(server, "GET", "/tokens", headers={"X-Auth-Token": second}).json()
    assert [row["user"] for row in rows] == [name, name]
    assert rows[0]["expires_ms"] - rows[0]["created_ms"] == 12 * 3600 * 1000
    assert not any(first in str(row) for row in rows)
    assert server.delete(f"/tokens/{rows[0]['id']}", user="ann").status_code == 404
    assert call(server, "DELETE", f"/tokens/{rows[0]['id']}", headers={"X-Auth-Token": second}).status_code == 204
    assert call(server, "GET", "/tokens", headers={"X-Auth-Token": first}).status_code == 401
    assert rows[1]["id"] in [row["id"] for row in server.get("/tokens", user="admin").json()]
    assert server.delete(f"/tokens/{rows[1]['id']}", user="admin").status_code == 204
    assert call(server, "GET", "/tokens", headers={"X-Auth-Token": second}).status_code == 401


@pytest.mark.parametrize("token", ["0", "x", "-1", "99999999999999999999", "1.5"])
def test_a_token_that_is_not_there_is_404(server, token):
    assert server.delete(f"/tokens/{token}").status_code == 404


# --- sessions ---

@pytest.mark.parametrize("base", [CONDUCTOR, EGO])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_session_has_a_cookie_scripts_cannot_read(server, base, method):
    reply = call(server, method, base + "/auth/logon", headers=basic("ann"))
    assert reply.status_code == 200
    assert list(reply.json()) == ["csrftoken"]
    cookie = reply.headers["Set-Cookie"]
    assert cookie.startswith(COOKIE + "=")
    for part in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert "Secure" not in cookie


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
def test_over_https_the_cookie_is_secure(server):
    reply = requests.get(server.https_url + CONDUCTOR + "/auth/logon", headers=basic("ann"), verify=False, timeout=60)
    assert "; Secure" in reply.headers["Set-Cookie"]


@pytest.mark.parametrize("method, path, through", [
    ("DELETE", "/tokens/0", 404), ("DELETE", "/execs/none", 400), ("PUT", "/hypersearch/none", 404),
    ("POST", "/datasets", 400)])
def test_a_change_by_cookie_needs_the_csrftoken(server, method, path, through):
    cookie, csrf = session(server)
    other_cookie, other_csrf = session(server)

    def refused(**kw):
        reply = call(server, method, path, **kw)
        return reply.status_code == 403 and "csrftoken" in reply.text

    assert refused(cookies=cookie) and refused(cookies=cookie, params={"csrftoken": "x"})
    assert refused(cookies=cookie, params={"csrftoken": other_csrf})
    for shown in ({"cookies": cookie, "params": {"csrftoken": csrf}}, {"headers": basic("ann")},
                  {"cookies": cookie, "headers": {"X-CSRF-Token": csrf}},
                  {"cookies": other_cookie, "headers": {"X-CSRF-Token": other_csrf}}):
        assert call(server, method, path, **shown).status_code == through and not refused(**shown)
    assert call(server, "GET", ME, cookies=cookie).status_code == 200


def test_csrf_can_be_lenient(make_server):
    server = make_server("http.csrf = lenient\n")
    cookie, _ = session(server)
    assert call(server, "DELETE", "/tokens/0", cookies=cookie).status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_logging_off_a_session_clears_its_cookie(server, method):
    cookie, _ = session(server)
    reply = call(server, method, CONDUCTOR + "/auth/logoff", cookies=cookie)
    assert reply.status_code == 200
    assert f"{COOKIE}=;" in reply.headers["Set-Cookie"] and "Max-Age=0" in reply.headers["Set-Cookie"]
    assert call(server, "GET", ME, cookies=cookie).status_code == 401


def test_renewing_replaces_cookie_and_csrftoken(server):
    cookie, csrf = session(server)
    reply = call(server, "GET", CONDUCTOR + "/auth/renew", cookies=cookie)
    assert reply.status_code == 200
    fresh = {COOKIE: reply.cookies[COOKIE]}
    assert fresh != cookie and reply.json()["csrftoken"] != csrf
    assert call(server, "GET", ME, cookies=cookie).status_code == 401
    assert call(server, "DELETE", "/tokens/0", cookies=fresh, params=reply.json()).status_code == 404


# --- accounts ---

def test_accounts_are_for_administrators(server):
    assert server.get("/users", user="ann").status_code == 403
    assert server.post("/users", user="ann", json={"name": "x", "password": "x" * 8}).status_code == 403
    assert server.delete("/users/bob", user="ann").status_code == 403
    assert server.get("/users/bob", user="ann").status_code == 403
    assert server.get("/users/ann", user="ann").json()["role"] == "user"
    assert server.get("/users/ann", user="admin").json()["name"] == "ann"
    assert server.get("/users/nobody", user="admin").status_code == 404


def test_the_list_of_accounts_has_no_hashes(server):
    reply = server.get("/users", user="admin")
    assert {"admin", "ann", "bob"} <= {row["name"] for row in reply.json()}
    assert "argon2" not in reply.text and "password" not in reply.text


def test_a_new_account_signs_in_and_a_removed_one_does_not(server, other):
    name, password = other
    headers = basic(name, password)
    token = {"X-Auth-Token": call(server, "GET", "/auth/v1/logon", headers=headers).json()["accessToken"]}
    assert call(server, "GET", f"/users/{name}", headers=headers).json()["role"] == "user"
    assert server.post("/users", user="admin", json={"name": name, "password": password}).status_code == 409
    assert server.delete(f"/users/{name}", user="admin").status_code == 204
    assert call(server, "GET", "/tokens", headers=headers).status_code == 401
    assert call(server, "GET", "/tokens", headers=token).status_code == 401
    assert server.delete(f"/users/{name}", user="admin").status_code == 404


@pytest.mark.parametrize("body, field", [
    ({"password": "12345678"}, "name"),
    ({"name": "new"}, "password"),
    ({"name": "new", "password": "1234567"}, "password"),
    ({"name": "new", "password": "x" * 1025}, "password"),
    ({"name": "../etc", "password": "12345678"}, "name"),
    ({"name": "-rf", "password": "12345678"}, "name"),
    ({"name": "a b", "password": "12345678"}, "name"),
    ({"name": "x" * 65, "password": "12345678"}, "name"),
    ({"name": "x" * (1 << 20), "password": "12345678"}, "name"),
    ({"name": "new", "password": "12345678", "role": "king"}, "role"),
])
def test_a_bad_account_is_refused_by_field_and_leaves_nothing(server, body, field):
    before = server.get("/users", user="admin").json()
    reply = server.post("/users", user="admin", json=body, headers={"Accept": "application/json"})
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"]["field"] == field
    assert server.get("/users", user="admin").json() == before


def test_a_name_with_a_nul_byte_is_refused(server):
    assert server.post("/users", user="admin", json={"name": "new\0", "password": "12345678"}).status_code == 400


def test_the_last_administrator_cannot_be_removed(server):
    reply = server.delete("/users/admin", user="admin")
    assert reply.status_code == 409
    assert "last administrator" in reply.text


def test_changing_a_password_needs_the_old_one_and_counts_at_once(server, other):
    name, password = other
    path, headers = f"/users/{name}/password", basic(name, password)
    token = {"X-Auth-Token": call(server, "GET", "/auth/v1/logon", headers=headers).json()["accessToken"]}
    new = "a better secret"
    assert call(server, "PUT", path, headers=token, json={"password": new}).status_code == 400
    assert call(server, "PUT", path, headers=token, json={"password": new, "oldPassword": "no"}).status_code == 403
    assert call(server, "PUT", path, headers=token, json={"password": "short", "oldPassword": password}).status_code == 400
    assert call(server, "PUT", path, headers=token, json={"password": new, "oldPassword": password}).status_code == 204
    assert call(server, "GET", "/tokens", headers=headers).status_code == 401
    assert call(server, "GET", "/tokens", headers=token).status_code == 401
    assert call(server, "GET", "/tokens", headers=basic(name, new)).status_code == 200


def test_an_administrator_resets_a_password(server, other):
    name, _ = other
    assert server.put(f"/users/{name}/password", user="ann", json={"password": "12345678"}).status_code == 403
    assert server.put(f"/users/{name}/password", user="admin", json={"password": "12345678"}).status_code == 204
    assert call(server, "GET", "/tokens", headers=basic(name, "12345678")).status_code == 200


# --- guessing ---

def test_guessing_is_slowed_but_not_for_who_is_signed_in(make_server):
    server = make_server()
    assert call(server, "GET", ME, headers=basic("ann")).status_code == 200     # remembered
    replies = [call(server, "GET", ME, headers=basic("ann", f"guess{i}")) for i in range(7)]
    assert [r.status_code for r in replies] == [401] * 6 + [429]
    assert int(replies[-1].headers["Retry-After"]) >= 1
    assert call(server, "GET", ME, headers=basic("ann")).status_code == 200
    assert call(server, "GET", "/users/bob", headers=basic("bob")).status_code == 200


def test_guesses_sent_together_do_not_escape_the_wait(make_server):
    server = make_server()
    with ThreadPoolExecutor(32) as pool:
        codes = list(pool.map(lambda i: call(server, "GET", ME, headers=basic("ann", f"guess{i}")).status_code,
                              range(60)))
    assert set(codes) == {401, 429}
    assert codes.count(401) < 20


# --- the command ---

def test_the_command_works_beside_the_server(server):
    name = f"cmd{time.monotonic_ns()}"
    done = user_command(server, "add", name, "--password-stdin", password="first-secret")
    assert (done.returncode, done.stdout) == (0, f"added user {name} (user)\n")
    assert call(server, "GET", "/tokens", headers=basic(name, "first-secret")).status_code == 200
    token = call(server, "GET", "/auth/v1/logon", headers=basic(name, "first-secret")).json()["accessToken"]
    rows = json.loads(user_command(server, "ls", "--json").stdout)
    assert name in [row["name"] for row in rows]
    assert user_command(server, "passwd", name, "--password-stdin", password="second-secret").returncode == 0
    until_refused(server, headers=basic(name, "first-secret"))
    until_refused(server, headers={"X-Auth-Token": token})
    assert call(server, "GET", "/tokens", headers=basic(name, "second-secret")).status_code == 200
    assert user_command(server, "rm", name).returncode == 0
    until_refused(server, headers=basic(name, "second-secret"))


@pytest.mark.parametrize("args, password, code, says", [
    (["add", "ann", "--password-stdin"], "12345678", 1, "there is a user ann already"),
    (["add", "new", "--password-stdin"], "1234567", 1, "at least 8 characters"),
    (["add", "new", "--password-stdin"], "x" * 2000, 1, "longer than 1024 bytes"),
    (["add", "a/b", "--password-stdin"], "12345678", 1, "a/b cannot be a user name"),
    (["passwd", "nobody", "--password-stdin"], "12345678", 1, "there is no user nobody"),
    (["rm", "nobody"], None, 1, "there is no user nobody"),
    (["rm", "admin"], None, 1, "last administrator"),
    (["add", "new"], "12345678", 2, "--password-stdin"),
    (["add"], "12345678", 2, "name is missing"),
    (["ls", "ann"], None, 2, "ls takes no name"),
    (["frob"], None, 2, "expected add, passwd, ls or rm"),
    ([], None, 2, "say what to do"),
    (["ls", "--frob"], None, 2, "--help"),
])
def test_the_command_refuses_with_a_sentence(server, args, password, code, says):
    done = user_command(server, *args, password="" if password is None else password)
    assert done.returncode == code
    assert says in done.stderr
    assert done.stdout == ""


def test_the_command_makes_a_data_directory(tmp_path):
    data = tmp_path / "new" / "data"
    command = [BUILD / "trainyard", "user"]
    missing = subprocess.run([*command, "ls", "--data", data], text=True, capture_output=True)
    assert (missing.returncode, data.exists()) == (1, False)
    subprocess.run([*command, "add", "ann", "--admin", "--password-stdin", "--json", "--data", data],
                   input="12345678\n", text=True, check=True, capture_output=True)
    assert data.stat().st_mode & 0o777 == 0o700
    assert (data / "trainyard.db").stat().st_mode & 0o777 == 0o600
    listed = subprocess.run([*command, "ls", "--data", data], text=True, check=True, capture_output=True)
    assert "ann" in listed.stdout and "admin" in listed.stdout


def test_the_command_explains_itself():
    done = subprocess.run([BUILD / "trainyard", "user", "--help"], text=True, capture_output=True)
    assert done.returncode == 0
    assert "Examples:" in done.stdout and done.stderr == ""


def test_without_data_the_command_says_what_is_missing():
    done = subprocess.run([BUILD / "trainyard", "user", "ls"], text=True, capture_output=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--data DIR is missing" in done.stderr


def test_secrets_do_not_reach_the_log(server):
    token = logon(server)
    call(server, "GET", ME, headers={"X-Auth-Token": token + "x"})
    call(server, "DELETE", "/tokens/0", headers=basic("ann"), params={"csrftoken": "s3cr3t-value"})
    log = server.log.read_text(errors="replace")
    for secret in (token, USERS["ann"], "s3cr3t-value"):
        assert secret not in log
    assert BASE in log
