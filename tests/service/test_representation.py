"""How answers are represented: versions, types, tags, compression, pages."""

import gzip
import http.client
import json
import re

import pytest

SUM = {"program": "sum", "input": [1, 2.25]}
VERSIONED = "application/vnd.greenlang.v1+json"


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("*/*", "application/json"),
        ("application/*;q=0.5", "application/json"),
        (VERSIONED, VERSIONED),
        (f"text/html, {VERSIONED};q=0.9", VERSIONED),
        ("application/json", "application/json"),
    ],
)
def test_the_type_that_is_asked_for_is_given(server, accept, given):
    response, told = server.call("GET", "/v1/agents", Accept=accept)
    assert (response.status, response.getheader("Content-Type")) == (200, given)
    assert told["meta"]["version"] == "1.0"


@pytest.mark.parametrize("accept", ["text/html", "application/vnd.greenlang.v9+json", "application/json;q=0"])
def test_a_type_that_nobody_gives_is_refused(server, accept):
    response, told = server.call("GET", "/v1/agents", Accept=accept)
    assert response.status == 406
    assert told["errors"][0]["field"] == "Accept"


def test_a_version_can_be_named_by_type_alone(server):
    response, told = server.call("POST", "/workflows/execute", SUM, Accept=VERSIONED)
    assert (response.status, told["data"]["result"]) == (200, "3.25")
    assert server.call("POST", "/workflows/execute", SUM)[0].status == 404


def test_what_the_caller_has_already_is_not_sent_again(server):
    first, told = server.call("GET", "/v1/agents")
    tag = first.getheader("ETag")
    assert tag.startswith('W/"')
    for held in (tag, f'"other", {tag}', tag[2:], "*"):
        again, body = server.call("GET", "/v1/agents", If_None_Match=held)
        assert (again.status, body, again.getheader("ETag")) == (304, b"", tag)
    other, same = server.call("GET", "/v1/agents", If_None_Match='W/"0"')
    assert (other.status, same["data"]) == (200, told["data"])


def test_the_tag_changes_with_what_is_told(server):
    before = server.call("GET", "/v1/executions")[0].getheader("ETag")
    server.call("POST", "/v1/workflows/execute", SUM)
    assert server.call("GET", "/v1/executions")[0].getheader("ETag") != before


def test_large_answers_are_compressed_for_those_who_take_it(server):
    plain, document = server.call("GET", "/openapi.json")
    small, same = server.call("GET", "/openapi.json", Accept_Encoding="gzip")
    assert small.getheader("Content-Encoding") == "gzip"
    assert plain.getheader("Content-Encoding") is None
    assert same == document
    assert int(small.getheader("Content-Length")) < int(plain.getheader("Content-Length")) / 4


def test_a_compressed_body_is_read(server):
    body = gzip.compress(json.dumps(SUM).encode())
    response, told = server.call("POST", "/v1/workflows/execute", body, Content_Encoding="gzip")
    assert (response.status, told["data"]["result"]) == (200, "3.25")


def test_a_list_leads_to_its_next_page(server):
    for _ in range(3):
        server.call("POST", "/v1/workflows/execute", SUM)
    response, told = server.call("GET", "/v1/executions?limit=2&state=completed,failed")
    link = response.getheader("Link")
    path = link.removeprefix("<").partition(">")[0]
    assert link.endswith('; rel="next"')
    _, following = server.call("GET", path)
    seen = {row["execution_id"] for row in told["data"]["executions"]}
    assert seen.isdisjoint(row["execution_id"] for row in following["data"]["executions"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=many", "limit"),
        ("state=gone", "state[0]"),
        ("created_from=yesterday", "created_from"),
        ("sort=asc", ""),
        ("cursor=made-up", "cursor"),
    ],
)
def test_a_parameter_that_is_none_is_refused(server, query, field):
    response, told = server.call("GET", f"/v1/executions?{query}")
    assert response.status == 400
    assert field in (told["errors"][0].get("field", ""), "cursor")
    assert told["errors"][0]["hint"]


def test_a_parameter_that_is_given_twice_is_refused(server):
    for query, name in (("state=failed&state=queued", "state"), ("limit=1&limit=1", "limit")):
        response, told = server.call("GET", f"/v1/executions?{query}")
        assert (response.status, told["errors"][0]["field"]) == (400, name)
        assert "twice" in told["errors"][0]["message"]


def test_heads_of_answers_can_be_asked_for_alone(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("HEAD", "/health/ready")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"")
    connection.close()


def test_the_page_of_the_api_loads_nothing_from_elsewhere(server):
    response, page = server.call("GET", "/docs")
    assert response.getheader("Content-Type").startswith("text/html")
    assert "default-src 'none'" in response.getheader("Content-Security-Policy")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.decode())
    assert len(loaded) == 4
    for path in loaded:
        assert path.startswith("/")
        assert server.call("GET", path)[0].status == 200
    assert server.call("GET", "/docs/../server.py")[0].status == 404


def test_a_version_that_will_go_says_so(serve, tmp_path):
    (tmp_path / "serve.toml").write_text(
        "[versions.v1]\n"
        "deprecated = 2027-01-01T00:00:00Z\n"
        "sunset = 2028-01-01T00:00:00Z\n"
        'successor = "https://example.org/v2"\n'
    )
    served = serve("memory:", tmp_path, "--config", str(tmp_path / "serve.toml"))
    response, _ = served.call("GET", "/v1/agents")
    assert response.getheader("Deprecation") == "@1798761600"
    assert response.getheader("Sunset") == "Sat, 01 Jan 2028 00:00:00 GMT"
    assert response.getheader("Link") == '<https://example.org/v2>; rel="successor-version"'
    refused, _ = served.call("GET", "/v1/agents/no.such")
    assert (refused.status, refused.getheader("Deprecation")) == (404, "@1798761600")
    assert served.call("GET", "/health/live")[0].getheader("Deprecation") is None
    assert served.stop() == 0
