import json
import os
import subprocess
import sys


def discovered(folder, entry_points, *, metadata="", files=None):
    """Plugins and problems that a process sees whose path has a distribution laid into `folder` by hand."""
    info = folder / "lost-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text(f"[greenlang]\n{entry_points}\n")
    if metadata:
        (info / "METADATA").write_text(metadata)
    for name, text in (files or {}).items():
        (folder / name).write_text(text)
    program = f"""
import json, sys
sys.path.insert(0, {str(folder)!r})
from greenlang.agents import discover
found = discover()
print(json.dumps([[str(item) for item in items if {str(folder)!r} in str(getattr(item, "location", ""))
                   or "lost" in str(item) or "without a name" in str(item)]
                  for items in (found.plugins, found.problems)]))
"""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    return json.loads(done.stdout)


METADATA = "Metadata-Version: 2.1\nName: lost\nVersion: 1.0\nRequires-Dist: greenlang-runtime>=0.1,<0.2\n"


def test_a_module_that_stands_alone_is_a_plugin(tmp_path):
    files = {"lost_plugin.py": "raise RuntimeError('this must not be imported')"}
    assert discovered(tmp_path, "lost = lost_plugin", metadata=METADATA, files=files) == [["lost 1.0"], []]


def test_a_distribution_without_metadata_is_told(tmp_path):
    plugins, problems = discovered(tmp_path, "lost = lost_plugin")
    assert plugins == []
    assert len(problems) == 1
    assert problems[0].startswith("a distribution without a name: there is no module lost_plugin, which its")


def test_an_entry_point_that_is_none_is_told(tmp_path):
    _, problems = discovered(tmp_path, "lost = !!!", metadata=METADATA)
    assert problems == ["lost 1.0: there is no module !!!, which its entry point names; install it again"]


def test_a_folder_without_code_is_told(tmp_path):
    (tmp_path / "hollow").mkdir()
    _, problems = discovered(tmp_path, "lost = hollow", metadata=METADATA)
    assert problems == ["lost 1.0: its entry point names hollow, a folder without code; name a module"]


def test_a_pack_yaml_that_is_no_text_is_told(tmp_path):
    package = tmp_path / "lost_plugin"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "pack.yaml").write_bytes(b"\xff\xfe")
    _, problems = discovered(tmp_path, "lost = lost_plugin", metadata=METADATA)
    assert len(problems) == 1
    assert problems[0].startswith("lost 1.0: pack.yaml cannot be read: 'utf-8' codec can't decode byte 0xff")
