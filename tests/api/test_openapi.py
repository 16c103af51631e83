# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document against the API's contract (tests/data/contract.json), field by field for what is built; what is
not built answers 501 with a sentence and is listed here."""
import json
import re
from pathlib import Path

import pytest

CONTRACT = json.loads((Path(__file__).parent.parent / "data/contract.json").read_text())
BASE = "/platform/rest/deeplearning/v1"
NOT_BUILT_TAGS = {"ElasticDistributedInference", "Inferences", "Models", "ModelTunings", "ModelTrainings",
                  "ModelValidations", "ModelTemplates"}
BUILT = [o for o in CONTRACT["operations"] if o["tag"] not in NOT_BUILT_TAGS]
MISSING = [o for o in CONTRACT["operations"] if o["tag"] in NOT_BUILT_TAGS]


@pytest.fixture(scope="module")
def openapi(server):
    reply = server.get("/openapi.json", user=None)
    assert reply.status_code == 200
    return reply.json()


def find(openapi, operation):
    return openapi["paths"].get(BASE + operation["path"], {}).get(operation["method"].lower())


def text_of(schema):
    """A schema in the contract's short form: "string", "integer(int64)", "[Batch]"."""
    if schema is None:
        return None
    if "allOf" in schema:
        schema = schema["allOf"][0]
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[1]
    if schema["type"] == "array":
        return "[" + text_of(schema["items"]) + "]"
    return schema["type"] + (f"({schema['format']})" if "format" in schema else "")


def ids(operations):
    return [o["operationId"] for o in operations]


@pytest.mark.parametrize("operation", CONTRACT["operations"], ids=ids(CONTRACT["operations"]))
def test_every_operation_of_the_contract_is_described(openapi, operation):
    found = find(openapi, operation)
    assert found, f"{operation['method']} {operation['path']} is missing"
    assert found["operationId"] == operation["operationId"]
    assert found["summary"]


@pytest.mark.parametrize("operation", BUILT, ids=ids(BUILT))
def test_parameters_match(openapi, operation):
    found = find(openapi, operation)
    query = {p["name"]: p for p in found.get("parameters", []) if p["in"] == "query"}
    for name, (kind, required) in operation["query"].items():
        assert name in query, f"query parameter {name} is missing"
        assert query[name]["schema"]["type"] == kind
        # execs: real clients leave sigName and args out (or send args as a form part)
        assert query[name].get("required", False) == required or operation["operationId"] == "execsPost"
    paths = re.findall(r"\{(\w+)\}", operation["path"])
    assert paths == [p["name"] for p in found.get("parameters", []) if p["in"] == "path"]
    if operation["form"]:
        form = found["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
        assert set(operation["form"]) <= set(form)


@pytest.mark.parametrize("operation", BUILT, ids=ids(BUILT))
def test_replies_match(openapi, operation):
    found = find(openapi, operation)["responses"]
    for status, schema in operation["responses"].items():
        assert status in found, f"status {status} is missing"
        if schema:
            content = found[status]["content"]
            assert text_of(next(iter(content.values()))["schema"]) == schema


def built_schemas():
    """Names of the schemas that built operations use, with those inside them."""
    names, todo = set(), [s for o in BUILT for s in [o["body"], *o["responses"].values()] if s]
    while todo:
        name = todo.pop().strip("[]")
        if name in names or name not in CONTRACT["schemas"]:
            continue
        names.add(name)
        schema = CONTRACT["schemas"][name]
        todo += schema["fields"].values() if isinstance(schema, dict) else [schema]
    return sorted(name for name in names - {"StringMap"} if isinstance(CONTRACT["schemas"][name], dict))


def test_lists_that_have_a_name_match(openapi):
    for name in ["StringSet", "DoubleSet"]:
        assert text_of(openapi["components"]["schemas"][name]) == CONTRACT["schemas"][name]


@pytest.mark.parametrize("name", built_schemas())
def test_schemas_match_field_by_field(openapi, name):
    wanted = CONTRACT["schemas"][name]
    found = openapi["components"]["schemas"][name]
    for field, kind in wanted["fields"].items():
        assert field in found["properties"], f"{name}.{field} is missing"
        got = found["properties"][field]
        assert text_of(got) == kind, f"{name}.{field}"
    for field, words in wanted["enum"].items():
        got = found["properties"][field]
        assert set(words) <= set(got.get("enum") or got["items"]["enum"]), f"{name}.{field}"


@pytest.mark.parametrize("operation", MISSING, ids=ids(MISSING))
def test_what_is_not_built_says_so(server, openapi, operation):
    reply = server.request(operation["method"], re.sub(r"\{\w+\}", "x", operation["path"]))
    assert reply.status_code == 501
    assert operation["operationId"] in reply.text and "not part of Trainyard" in reply.text
    assert "501" in find(openapi, operation)["responses"]


def test_operation_ids_are_unique(openapi):
    found = [o["operationId"] for methods in openapi["paths"].values() for o in methods.values()]
    assert len(found) == len(set(found))
