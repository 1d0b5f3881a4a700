"""What an execution was, asked over HTTP."""

SUM = {"program": "sum", "input": [1, 2.25]}


def test_an_execution_is_told_as_it_stood(server):
    _, told = server.call("POST", "/v1/workflows/execute", SUM, X_Request_ID="req-7")
    path = f"/v1/executions/{told['data']['execution_id']}/history"
    response, told = server.call("GET", path)
    assert response.status == 200
    assert told["data"]["state"]["state"] == "completed"
    assert [event["event_type"] for event in told["data"]["events"]] == [
        "execution.pending",
        "execution.queued",
        "execution.running",
        "execution.completed",
    ]
    assert {event["metadata"]["correlation_id"] for event in told["data"]["events"]} == {"req-7"}
    made = told["data"]["events"][0]["timestamp"]
    _, then = server.call("GET", f"{path}?at={made}&limit=1")
    assert then["data"]["state"]["events"] in (2, 3, 4)  # those of the same microsecond
    assert len(then["data"]["events"]) == 1


def test_what_was_not_there_is_not_found(server):
    _, told = server.call("POST", "/v1/workflows/execute", SUM)
    name = told["data"]["execution_id"]
    for path in (
        f"/v1/executions/{name}/history?at=2020-01-01T00:00:00",
        "/v1/executions/exec_x/history",
        f"/v1/agents/{name}/history",
    ):
        response, told = server.call("GET", path)
        assert (response.status, told["errors"][0]["code"]) == (404, "not_found")
    assert server.call("GET", f"/v1/executions/{name}/history?at=soon")[0].status == 400
