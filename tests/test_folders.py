"""A user's files lie where the XDG Base Directory Specification has them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from greenlang.errors import InputError
from greenlang.folders import cache_folder, config_folder, state_folder

FOLDERS = {
    "XDG_CONFIG_HOME": (config_folder, ".config"),
    "XDG_STATE_HOME": (state_folder, ".local/state"),
    "XDG_CACHE_HOME": (cache_folder, ".cache"),
}


@pytest.mark.parametrize("variable", FOLDERS)
def test_a_folder_follows_the_specification(variable):
    folder, below_home = FOLDERS[variable]
    assert folder({variable: "/x", "HOME": "/h"}) == Path("/x/greenlang")
    assert folder({variable: "relative", "HOME": "/h"}) == Path("/h", below_home, "greenlang")
    assert folder({"HOME": "/h"}) == Path("/h", below_home, "greenlang")
    with pytest.raises(InputError, match=f"set {variable}"):
        folder({})


def test_who_has_no_home_computes_all_the_same(tmp_path):
    """As in a container: nothing is remembered, and no policy is looked for in the working folder."""
    code = "from greenlang.agents import Registry; print('ghg.intake' in Registry().names())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"]}, cwd=tmp_path, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr
    assert list(tmp_path.iterdir()) == []
