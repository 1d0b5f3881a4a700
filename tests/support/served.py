"""`greenlang serve` in a process of its own, spoken to over HTTP."""

import gzip
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


class Served:
    """`greenlang serve` at a port that was free; a configuration names the store where None is given."""

    def __init__(self, store: Path | str | None, folder: Path, *arguments: str):
        command = [sys.executable, "-m", "greenlang", "serve", "--port", "0"]
        if store is not None:
            command += ["--store", str(store)]
        self.log = folder / "serve.log"
        with self.log.open("ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(
                [*command, *arguments], stderr=log, env={**os.environ, "XDG_CONFIG_HOME": str(folder)}
            )
        self.port = self._port(begin)

    def _port(self, begin: int) -> int:
        while True:
            said = self.log.read_bytes()[begin:]
            told = re.search(rb"serving https?://[\d.]+:(\d+) .*\n", said)
            if told:
                return int(told[1])
            if self.process.poll() is not None:
                pytest.fail(f"the server ended: {said.decode()}")
            time.sleep(0.02)

    def call(self, method, path, body=None, **headers):
        """The response, and what its body holds."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        connection.request(method, path, sent, named)
        response = connection.getresponse()
        read = response.read()
        connection.close()
        if response.getheader("Content-Encoding") == "gzip":
            read = gzip.decompress(read)
        is_json = "json" in response.getheader("Content-Type", "")
        return response, json.loads(read) if read and is_json else read

    def stop(self, with_signal=signal.SIGTERM):
        self.process.send_signal(with_signal)
        return self.process.wait(30)


def finished(node: Served, names, seconds=60):
    """Wait until a node tells that executions were completed, each of them."""
    end = time.monotonic() + seconds
    waiting = set(names)
    while waiting:
        assert time.monotonic() < end, f"{len(waiting)} never ended"
        for name in list(waiting):
            _, told = node.call("GET", f"/v1/workflows/{name}/status")
            assert told["status"] == "success", name
            if told["data"]["finished"]:
                assert told["data"]["state"] == "completed"
                waiting.discard(name)
