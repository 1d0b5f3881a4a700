import os
import pty
import re
import shutil
import subprocess
import sys
import threading

import pytest

from greenlang.errors import InputError
from greenlang.packs import new_pack, scaffold, update_pack


def test_a_new_pack_is_complete(scaffold):
    files = {path.relative_to(scaffold).as_posix() for path in scaffold.rglob("*") if path.is_file()}
    assert files == {
        ".copier-answers.yml",
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "src/acme_pack/__init__.py",
        "src/acme_pack/agents.py",
        "src/acme_pack/data/aliases.csv",
        "src/acme_pack/data/factors.csv",
        "src/acme_pack/examples/heating.csv",
        "src/acme_pack/examples/heating.gcel",
        "src/acme_pack/examples/heating.json",
        "src/acme_pack/pack.yaml",
        "src/acme_pack/py.typed",
        "tests/test_agents.py",
    }
    assert not [name for name in files if "{{" in (scaffold / name).read_text()]


def test_a_new_pack_passes_the_kit_as_a_pytest_plugin(project):
    command = [sys.executable, "-m", "pytest", "src", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert "20 passed" in done.stdout, done.stdout
    path = project / "src" / "acme_pack" / "pack.yaml"
    path.write_text(path.read_text().replace("licence: Apache-2.0", "licence: Apache"))
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert "1 failed, 8 passed, 11 skipped" in done.stdout, done.stdout
    assert "[manifest.licence] pack.yaml: 'Apache' is not an SPDX expression" in done.stdout


def test_the_answers_are_in_the_pack(tmp_path):
    answers = {
        "pack": "bolt",
        "distribution": "Bolt.Fuels",
        "summary": "What bolts emit: nothing.".replace(": ", ", "),
        "author": "Zoë Bolt",
        "licence": "MIT",
    }
    new_pack(tmp_path / "bolt", answers, ask=False)
    assert (tmp_path / "bolt" / "src" / "bolt_fuels" / "agents.py").is_file()
    project = (tmp_path / "bolt" / "pyproject.toml").read_text("utf-8")
    assert all(text in project for text in ('"Bolt.Fuels"', "nothing", "Zoë Bolt", '"MIT"'))


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"pack": "acme"},
        {"pack": "Acme Ltd", "author": "Acme"},
        {"pack": "acme", "author": 'A "quoted" name'},
        {"pack": "acme", "author": "Acme", "summary": "no: colon"},
        {"pack": "acme", "author": "Acme", "package": "not-a-name"},
    ],
)
def test_an_answer_that_would_break_the_pack_is_refused(answers, tmp_path):
    with pytest.raises(InputError):
        new_pack(tmp_path / "acme", answers, ask=False)


def test_on_a_terminal_what_is_not_given_is_asked(tmp_path):
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "greenlang", "packs", "new", "bolt-fuels", "--set", "licence=MIT"]
    asking = subprocess.Popen(command, cwd=tmp_path, stdin=end, stdout=end, stderr=end)
    os.close(end)
    # A question that is not answered would be waited for, forever.
    watchdog = threading.Timer(60, asking.kill)
    watchdog.start()
    shown = b""
    # The name of the folder is offered, and what follows from it; nobody can guess who publishes it.
    for question, answer in (
        (b"names your agents", b""),
        (b"name of the distribution", b""),
        (b"Python package", b""),
        (b"What it computes", b"What bolts emit."),
        (b"Who publishes it", b"Bolt Ltd"),
    ):
        while question not in shown:
            shown += os.read(terminal, 4096)
        # What is typed stands after the default; Control-U takes that away.
        os.write(terminal, (b"\x15" + answer if answer else b"") + b"\r")
    while b"is a pack; next" not in shown:
        shown += os.read(terminal, 4096)
    assert asking.wait(timeout=30) == 0
    watchdog.cancel()
    os.close(terminal)
    assert b"The licence" not in shown
    written = (tmp_path / "bolt-fuels" / ".copier-answers.yml").read_text()
    answers = dict(re.findall(r'^(\w+): "(.*)"$', written, re.MULTILINE))
    assert answers == {
        "pack": "bolt_fuels",
        "distribution": "bolt-fuels-pack",
        "package": "bolt_fuels_pack",
        "summary": "What bolts emit.",
        "author": "Bolt Ltd",
        "licence": "MIT",
    }


def test_a_folder_with_files_in_it_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="not an empty folder"):
        new_pack(tmp_path, {}, ask=False)


def test_without_copier_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "copier", None)
    with pytest.raises(InputError, match=r"pip install 'greenlang-runtime\[packs\]'"):
        new_pack(tmp_path / "acme", {}, ask=False)


def git(folder, *arguments):
    identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_later_fix_of_the_template_is_merged_beside_the_authors_changes(project, tmp_path, monkeypatch):
    readme = project / "README.md"
    readme.write_text(readme.read_text().replace("## Use", "## How to use it"))
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Ours")
    templates = shutil.copytree(scaffold.TEMPLATES, tmp_path / "templates")
    shutil.copytree(templates / "1.0.0", templates / "1.0.1")
    for name, old, new in (
        ("README.md.jinja", "## Licence", "## Terms"),
        ("{{_copier_conf.answers_file}}.jinja", "_commit: 1.0.0", "_commit: 1.0.1"),
    ):
        path = templates / "1.0.1" / "project" / name
        path.write_text(path.read_text().replace(old, new))
    monkeypatch.setattr(scaffold, "TEMPLATES", templates)
    assert update_pack(project) == "1.0.1"
    merged = readme.read_text()
    assert "## How to use it" in merged
    assert "## Terms" in merged
    assert "_commit: 1.0.1" in (project / ".copier-answers.yml").read_text()


def test_every_version_of_the_template_writes_its_own_name_into_the_answers():
    for version in scaffold.template_versions():
        answers = scaffold.TEMPLATES / version / "project" / "{{_copier_conf.answers_file}}.jinja"
        assert f"_commit: {version}\n" in answers.read_text()


def test_a_pack_that_is_not_in_git_is_not_updated(project):
    with pytest.raises(InputError, match="commit the pack to Git"):
        update_pack(project)


def test_a_folder_that_is_no_scaffold_is_not_updated(tmp_path):
    with pytest.raises(InputError, match=r"no \.copier-answers\.yml"):
        update_pack(tmp_path)
