# SPDX-License-Identifier: Apache-2.0
"""GET /events: what happens, to whom it concerns, and nothing is missed in between."""
import threading

import pytest


def raw(server, user="ann", headers=None, **params):
    reply = server.get("/events", user=user, params=params, headers=headers, stream=True)
    assert reply.status_code == 200, reply.text
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    return reply


def read(reply, n):
    """The first n events as (id, kind) pairs; id None for live news without a row."""
    found, event_id, kind = [], None, None
    for line in reply.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith("id:"):
            event_id = int(line[3:])
        elif line.startswith("event:"):
            kind = line[6:].strip()
        elif not line and kind:
            found.append((event_id, kind))
            event_id, kind = None, None
            if len(found) == n:
                reply.close()
                return found
    raise AssertionError(f"the stream ended after {found}")


def history(server, subject, n=3, user="ann"):
    with server.notices(subject):       # opened first: by then everything before is stored
        pass
    return read(raw(server, user=user, subject=subject, history=1000), n)


def test_a_task_is_followed_from_submission_to_its_end(server):
    states = []
    with server.notices() as notices:
        task = server.submit("print('hello')")
        for kind, data in notices:
            if kind == "exec.state" and data["id"] == task["id"]:
                states.append(data["state"])
                if data["state"] == "FINISHED":
                    break
    assert states[-2:] == ["RUNNING", "FINISHED"]


def test_history_comes_first_in_order_and_bounded(server):
    task = server.submit("pass")
    server.wait_exec(task["id"])
    all_of_it = history(server, task["id"], 2)
    assert [kind for _, kind in all_of_it] == ["exec.state"] * 2
    ids = [event_id for event_id, _ in all_of_it]
    assert ids == sorted(ids)
    newest = read(raw(server, subject=task["id"], history=1), 1)
    assert newest[0][0] >= ids[-1]


def test_nothing_is_lost_or_told_twice_across_a_reconnection(server):
    task = server.submit("pass")
    server.wait_exec(task["id"])
    first = history(server, task["id"], 2)
    again = read(raw(server, subject=task["id"], since=first[0][0]), 1)
    assert again == first[1:2]
    assert read(raw(server, subject=task["id"], headers={"Last-Event-ID": str(first[0][0])}), 1) == first[1:2]
    # the header of a browser that comes back is newer than its address
    assert read(raw(server, subject=task["id"], since=0, headers={"Last-Event-ID": str(first[0][0])}), 1) == first[1:2]
    # one that we never sent is ignored
    assert read(raw(server, subject=task["id"], since=0, headers={"Last-Event-ID": "abc"}), 2) == first


def test_streams_opened_while_things_happen_have_every_event_once(server):
    start = read(raw(server, history=1), 1)[0][0]
    stop = threading.Event()

    def work():
        for _ in range(6):
            server.wait_exec(server.submit("pass")["id"])
        stop.set()

    worker = threading.Thread(target=work)
    worker.start()
    while not stop.is_set():
        seen = [event_id for event_id, _ in read(raw(server, since=start), 2) if event_id]
        assert seen == sorted(set(seen))
    worker.join()


def test_events_of_others_are_seen_by_administrators_only(server):
    with server.notices(user="bob") as bobs, server.notices(user="admin") as admins:
        task = server.submit("pass", user="ann")
        own = server.submit("pass", user="bob")
        assert any(data["id"] == task["id"] for _, data in admins)
        assert next(bobs)[1]["id"] == own["id"]
    assert server.get("/events", user=None).status_code == 401


def test_a_subject_narrows_the_stream(server):
    slow = server.submit("import time\ntime.sleep(60)")
    with server.notices(slow["id"]) as notices:
        server.wait_exec(server.submit("pass")["id"])
        server.post(f"/execs/{slow['id']}/stop")
        while True:
            kind, data = next(notices)
            assert data["id"] == slow["id"]
            if data.get("state") == "KILLED":
                break


@pytest.mark.parametrize("params", [{"since": "x"}, {"since": "-1"}, {"history": "1001"}, {"history": "no"}])
def test_bad_parameters_are_refused_by_name(server, params):
    reply = server.get("/events", params=params, headers={"Accept": "application/json"})
    assert reply.status_code == 400
    assert reply.json()["error"]["field"] == list(params)[0]


def test_an_open_stream_does_not_keep_the_server_from_stopping(make_server):
    server = make_server()
    reply = raw(server)
    server.stop()
    reply.close()
