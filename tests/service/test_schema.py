"""The API holds to its own document: schemathesis sends what the document allows, and what it does not."""

import subprocess
import sys

from openapi_spec_validator import OpenAPIV31SpecValidator

#: Whether text is a program or an activity has a factor is no matter of a schema: 400 and 422 tell of it.
CONFIG = """
[checks]
positive_data_acceptance.expected-statuses = [200, 201, 202, 304, 400, 404, 409, 422]
"""

#: DELETE cancels an execution, which stays to be looked at.
EXCLUDED = "use_after_free"


def test_the_document_is_valid(server):
    _, document = server.call("GET", "/openapi.json")
    OpenAPIV31SpecValidator(document).validate()
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    assert len({one["operationId"] for one in operations}) == len(operations)


def test_schemathesis_finds_no_violation(server, tmp_path):
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    url = f"http://127.0.0.1:{server.port}/openapi.json"
    command = [sys.executable, "-m", "schemathesis.cli", "run", url, "--checks", "all"]
    options = ["--exclude-checks", EXCLUDED, "--max-examples", "30", "--seed", "1", "--no-color"]
    done = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "No issues found" in done.stdout or "passed" in done.stdout
