"""The Python of the page on runs is true."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "running.md"


def test_the_python_of_the_page_runs(tmp_path, monkeypatch):
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 4
    # In a file of its own, because the code of an agent is known by its source.
    (tmp_path / "page_on_runs.py").write_text("\n".join(blocks))
    monkeypatch.syspath_prepend(tmp_path)
    __import__("page_on_runs")
