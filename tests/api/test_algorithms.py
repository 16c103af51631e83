# SPDX-License-Identifier: Apache-2.0
"""The list of search algorithms."""


def test_the_built_ins_are_listed_in_the_documented_order(server):
    records = server.get("/hypersearch/algorithm").json()
    assert [r["name"] for r in records] == ["Random", "TPE", "Bayesian", "Hyperband", "ExperimentGridSearch", "Sobol", "CmaEs",
                                            "Asha", "Bohb", "Auto"]
    assert all(r == {"name": r["name"], "type": "BUILD_IN", "remoteExec": False} for r in records)
    assert server.get("/hypersearch/algorithm?type=BUILD_IN").json() == records
    assert server.get("/hypersearch/algorithm?type=USER_PLUGIN").json() == []
    reply = server.get("/hypersearch/algorithm?type=OTHER")
    assert reply.status_code == 400 and "USER_PLUGIN" in reply.text


def test_one_algorithm_is_found_in_any_case(server):
    assert server.get("/hypersearch/algorithm/random").json()["name"] == "Random"


def test_an_unknown_algorithm_is_an_empty_object_unless_configured(server, make_server):
    reply = server.get("/hypersearch/algorithm/mine")
    assert (reply.status_code, reply.json()) == (200, {})
    strict = make_server("search.unknown_algorithm = refuse\n")
    assert strict.get("/hypersearch/algorithm/mine").status_code == 400


def test_built_ins_cannot_be_deleted_and_others_are_not_there(server):
    assert server.delete("/hypersearch/algorithm/tpe").status_code == 400
    assert server.delete("/hypersearch/algorithm/mine").status_code == 404


def test_installing_is_answered_with_a_sentence(server):
    for path in ("/hypersearch/algorithm/install", "/hypersearch/algorithm"):
        reply = server.post(path, files={"file": ("a.tar", b"")}, data={"data": "{'name': 'mine'}"})
        assert reply.status_code == 501 and "cannot be installed" in reply.text
