"""What the pages say of the service is so."""

import re
import shlex
from pathlib import Path

import msgspec

from greenlang.service import ServerSettings, read_settings
from greenlang.service.roles import ROLES, Permission, Role

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
#: Everything that is said anywhere, of the service too.
PAGES = "\n".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md")))


def test_the_lines_of_the_readme_work(server):
    lines = re.findall(r"^\$ (curl .+)$", README, re.MULTILINE)
    assert len(lines) == 3
    for line in lines:
        _, silent, url, *rest = shlex.split(line)
        assert silent == "-s"
        path = url.removeprefix("localhost:8080")
        method, body = ("POST", rest[1].encode()) if rest[:1] == ["--json"] else ("GET", None)
        response, told = server.call(method, path, body)
        assert response.status == 200, line
        assert told.get("status") == "success" or told["openapi"]


def ends(path):
    """What a page may leave of a path behind an ellipsis."""
    segments = path.split("/")
    return [f"/{'/'.join(segments[-count:])}" for count in (1, 2)]


def test_the_pages_name_every_operation(server):
    _, document = server.call("GET", "/openapi.json")
    assert len(document["paths"]) > 30
    said = PAGES.replace("…", "")
    unsaid = [
        path
        for path in document["paths"]
        if not (path in said or any(f"`{end}`" in said for end in ends(path)))
    ]
    assert unsaid == []


def test_the_settings_of_the_page_are_some_that_there_are(tmp_path):
    (tmp_path / "serve.toml").write_text(re.search(r"```toml\n(store = .*?)```", PAGE, re.DOTALL)[1])
    read = msgspec.convert(read_settings(tmp_path / "serve.toml"), ServerSettings)
    assert read.webhooks.secrets
    assert read.versions["v1"].sunset.year == 2029


def test_the_pages_show_every_setting():
    shown = "\n".join(re.findall(r"```toml\n(.*?)```", PAGES, re.DOTALL))
    #: Those that the command has options for as well, which `--help` tells.
    usual = {"host", "port"}
    assert [
        name
        for name in ServerSettings.__struct_encode_fields__
        if name not in usual and not re.search(rf"^(\[{name}[].]|{name} = )", shown, re.MULTILINE)
    ] == []


def test_the_authentication_of_the_page_is_a_configuration(tmp_path):
    (tmp_path / "serve.toml").write_text(
        re.search(r"```toml\n(\[authentication\].*?)```", PAGE, re.DOTALL)[1]
    )
    read = msgspec.convert(read_settings(tmp_path / "serve.toml"), ServerSettings)
    assert read.authentication.tokens.audience == "greenlang"


def test_the_matrix_of_the_page_is_that_of_the_code():
    rows = re.findall(r"^\| (admin|operator|developer|viewer) \|(.*)\|$", OPERATIONS, re.MULTILINE)
    assert len(rows) == len(ROLES)
    shown = {Role(role): [mark.strip() == "x" for mark in cells.split("|")] for role, cells in rows}
    assert shown == {role: [each in held for each in Permission] for role, held in ROLES.items()}
