"""Servers in processes of their own."""

import pytest
from served import Served


@pytest.fixture(scope="session")
def serve():
    """Starts servers; each test stops its own, and what a failed test left is ended here."""
    made = []

    def start(*arguments):
        made.append(Served(*arguments))
        return made[-1]

    yield start
    for each in made:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    served = serve(folder / "runtime.db", folder)
    yield served
    assert served.stop() == 0
