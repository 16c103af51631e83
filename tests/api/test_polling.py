# SPDX-License-Identifier: Apache-2.0
"""Looking at a search again and again: only what is wanted, only what has changed, and nothing when nothing has."""
import sqlite3

import pytest

from test_hypersearch import FOREVER, NOOP, SPACE, wait_running


@pytest.fixture(scope="module")
def ended(server):
    """The name of a search with six experiments that has ended."""
    name = server.search(NOOP, {"maxJobNum": 6}, SPACE)
    server.wait_search(name)
    return name


def tag_of(reply):
    assert reply.headers["ETag"].startswith('W/"') and reply.headers["ETag"].endswith('"')
    return reply.headers["ETag"]


def has(tag):
    return {"headers": {"If-None-Match": tag}}


# --- 304 ---

def test_a_search_that_has_not_changed_is_not_sent_again(server, ended):
    reply = server.get(f"/hypersearch/{ended}")
    again = server.get(f"/hypersearch/{ended}", **has(tag_of(reply)))
    assert (again.status_code, again.content) == (304, b"") and again.headers["ETag"] == reply.headers["ETag"]
    other = server.get(f"/hypersearch/{ended}", **has('W/"1.0"'))
    assert other.status_code == 200 and other.json() == reply.json()


def test_whatever_changes_makes_a_new_tag(make_server):
    server = make_server()
    name = server.search(FOREVER, {"maxJobNum": 2, "maxParalleJobNum": 1}, SPACE)
    wait_running(server, name, 1)
    tags = [tag_of(server.get(f"/hypersearch/{name}"))]
    assert server.get(f"/hypersearch/{name}", **has(tags[0])).status_code == 304
    server.put(f"/hypersearch/{name}/force")
    tags.append(tag_of(server.get(f"/hypersearch/{name}", **has(tags[0]))))
    server.put(f"/hypersearch/{name}/restart")
    tags.append(tag_of(server.get(f"/hypersearch/{name}", **has(tags[1]))))
    assert len(set(tags)) == 3
    server.put(f"/hypersearch/{name}/force")


def test_a_running_clock_alone_is_news_only_to_who_asks_for_it(make_server):
    server = make_server()
    name = server.search(FOREVER, {"maxJobNum": 1}, SPACE)
    wait_running(server, name, 1)
    whole = tag_of(server.get(f"/hypersearch/{name}"))
    asked = {"params": {"fields": "duration,state"}}
    first = server.get(f"/hypersearch/{name}", **asked)
    later = first
    while later.json() == first.json():
        later = server.get(f"/hypersearch/{name}", **asked)
    assert tag_of(later) != tag_of(first)
    assert server.get(f"/hypersearch/{name}", **has(whole)).status_code == 304
    server.put(f"/hypersearch/{name}/force")


def test_another_search_of_the_same_name_is_another(make_server):
    server = make_server()
    for _ in range(2):
        name = server.search(NOOP, {"maxJobNum": 1}, SPACE, hpoName="again")
        server.wait_search(name)
        reply = server.get("/hypersearch/again", params={"since": "0"})
        tag, number = tag_of(reply), reply.json()["next"]
        assert server.delete("/hypersearch/again").status_code == 200
    server.search(NOOP, {"maxJobNum": 1}, SPACE, hpoName="again")
    record = server.wait_search("again")
    assert server.get("/hypersearch/again", **has(tag)).status_code == 200
    answer = server.get("/hypersearch/again", params={"since": number}).json()
    assert "since" not in answer and answer["experiments"] == record["experiments"]


def test_the_list_has_a_tag_of_all_that_it_shows(make_server):
    server = make_server()
    names = [server.search(NOOP, {"maxJobNum": 1}, SPACE) for _ in range(3)]
    for name in names:
        server.wait_search(name)
    tag = tag_of(server.get("/hypersearch"))
    assert server.get("/hypersearch", **has(tag)).status_code == 304
    assert server.get("/hypersearch", params={"limit": 2}, **has(tag)).status_code == 200
    assert server.get("/hypersearch", params={"sort_by": "hpoName:desc"}, **has(tag)).status_code == 200
    server.delete(f"/hypersearch/{names[1]}")
    reply = server.get("/hypersearch", **has(tag))
    assert [r["hpoName"] for r in reply.json()] == [names[0], names[2]]
    assert server.get("/hypersearch", user="bob", **has(tag_of(reply))).json() == []


# --- fields ---

def test_only_the_members_that_were_asked_for_are_sent(server, ended):
    whole = server.get(f"/hypersearch/{ended}").json()
    for fields in ["state,progress,best", "best", "experiments", "hpoName,algoDef,hyperParams", "creator,args,sigName"]:
        part = server.get(f"/hypersearch/{ended}", params={"fields": fields}).json()
        assert part == {name: whole[name] for name in fields.split(",")}
    assert list(server.get(f"/hypersearch/{ended}", params={"fields": "best,state"}).json()) == ["state", "best"]
    assert server.get(f"/hypersearch/{ended}", params={"fields": "message,prior"}).json() == {}
    assert server.get(f"/hypersearch/{ended}", params={"fields": ""}).json() == whole
    listed = server.get("/hypersearch", params={"fields": "hpoName,state", "search": ended}).json()
    assert listed == [{"hpoName": ended, "state": "FINISHED"}]


@pytest.mark.parametrize("path", ["/hypersearch/{}", "/hypersearch"])
def test_an_unknown_member_is_refused_with_the_list_of_members(server, ended, path):
    reply = server.get(path.format(ended), params={"fields": "state,colour"}, headers={"Accept": "application/json"})
    error = reply.json()["error"]
    assert reply.status_code == 400 and error["field"] == "fields" and '"colour"' in error["message"]
    assert error["accepted"].split(", ")[:3] == ["hpoName", "state", "progress"] and "experiments" in error["accepted"]


# --- since ---

def test_only_experiments_that_changed_are_sent(make_server):
    server = make_server()
    name = server.search(FOREVER, {"maxJobNum": 5, "maxParalleJobNum": 2}, SPACE)
    wait_running(server, name, 2)
    poll = lambda number: server.get(f"/hypersearch/{name}", params={"since": number}).json()  # noqa: E731
    first = poll("0")
    whole = server.get(f"/hypersearch/{name}").json()
    assert "since" not in first and first["experiments"] == whole["experiments"]
    assert set(first) == set(whole) | {"next"}
    quiet = poll(first["next"])
    assert quiet["since"] == quiet["next"] == first["next"] and quiet["experiments"] == []
    assert quiet["algoDef"] == whole["algoDef"]
    victim = whole["experiments"][1]
    with server.notices(name) as notices:
        server.delete(f"/execs/{victim['appId']}")
        while server.get(f"/hypersearch/{name}").json()["experiments"][1]["state"] == "RUNNING":
            next(notices)
    news = poll(first["next"])
    assert news["since"] == first["next"] != news["next"]
    assert news["experiments"][0]["id"] == 1 and news["experiments"][0]["state"] == "KILLED"
    assert {e["id"] for e in news["experiments"]} <= {1, 2}
    server.put(f"/hypersearch/{name}/force")


def test_a_poller_that_merges_what_changed_has_the_whole_record(make_server):
    server = make_server()
    name = server.search(NOOP, {"maxJobNum": 40, "maxParalleJobNum": 3}, SPACE)
    seen, number, state, polls = {}, "0", "", 0
    with server.notices(name) as notices:
        while state != "FINISHED":
            answer = server.get(f"/hypersearch/{name}", params={"since": number, "fields": "state,experiments"}).json()
            seen.update({e["id"]: e for e in answer["experiments"]})
            number, state, polls = answer["next"], answer["state"], polls + 1
            if state != "FINISHED":
                next(notices)
    assert list(seen.values()) == server.get(f"/hypersearch/{name}").json()["experiments"] and polls > 5


@pytest.mark.parametrize("since", ["x", "1", "1.", ".1", "1.2.3", "-1.2", "1.-2", "99999999999999999999.1", "1 .2"])
def test_a_number_that_no_reply_gave_is_refused(server, ended, since):
    reply = server.get(f"/hypersearch/{ended}", params={"since": since}, headers={"Accept": "application/json"})
    assert reply.status_code == 400 and reply.json()["error"]["field"] == "since"


def test_a_number_of_the_future_gets_everything(server, ended):
    answer = server.get(f"/hypersearch/{ended}", params={"since": "1.999999"}).json()
    assert "since" not in answer and len(answer["experiments"]) == 6


# --- what is kept stays right ---

def test_a_record_that_is_polled_while_it_changes_is_the_one_read_anew(make_server):
    """What the server keeps of a record and adds to is the same as what it reads from the database."""
    server = make_server()
    name = server.search(NOOP, {"maxJobNum": 60, "maxParalleJobNum": 4}, SPACE)
    with server.notices(name) as notices:
        while server.get(f"/hypersearch/{name}").json()["state"] != "FINISHED":
            next(notices)
    kept = server.get(f"/hypersearch/{name}").json()
    server.stop()
    server.start()
    assert server.get(f"/hypersearch/{name}").json() == kept
    assert [e["id"] for e in kept["experiments"]] == list(range(60))


def test_many_watchers_of_many_searches_all_see_their_own(make_server):
    """More searches than records are kept of."""
    server = make_server()
    name = server.search(NOOP, {"maxJobNum": 2}, SPACE)
    record = server.wait_search(name)
    server.stop()
    with sqlite3.connect(server.data / "trainyard.db") as db:
        columns = [r[1] for r in db.execute("PRAGMA table_info(search)") if r[1] not in ("seq", "name")]
        for i in range(70):
            db.execute(f"INSERT INTO search (name, {', '.join(columns)}) SELECT 'copy-{i}', {', '.join(columns)} FROM search"
                       " WHERE name = ?", (name,))
        columns = [r[1] for r in db.execute("PRAGMA table_info(experiment)") if r[1] != "search"]
        for i in range(70):
            db.execute(f"INSERT INTO experiment (search, {', '.join(columns)}) SELECT 'copy-{i}', {', '.join(columns)}"
                       " FROM experiment WHERE search = ?", (name,))
    server.start()
    for _ in range(2):
        for i in range(70):
            assert server.get(f"/hypersearch/copy-{i}").json() == {**record, "hpoName": f"copy-{i}"}
