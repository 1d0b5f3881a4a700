"""Runs the process of an image in the namespaces that this is started in, and asks it for one calculation.

Arguments: the folder of the image's file system; standard input has its configuration as JSON.  The root file
system is mounted read-only, /data and /tmp are in memory, and the process has no capabilities.
"""

from __future__ import annotations

import array
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

#: From <linux/sockios.h> and <linux/if.h>.
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1

_ADDRESS = "http://127.0.0.1:8080"
_ACTIVITY = {
    "id": "A-01",
    "period": "2025-02",
    "activity": "natural gas",
    "quantity": "1500",
    "unit": "MMBtu",
    "region": "US",
}
#: 1500 MMBtu at 53.06 kg CO2, 1 g CH4 and 0.1 g N2O (EPA GHG Emission Factors Hub 2025, table 1), in AR5.
_CO2E_KG = "79671.75"


def main(folder: str) -> None:
    """Run it, ask it, stop it."""
    config = json.load(sys.stdin)
    user, _, group = config["User"].partition(":")
    switch_on_loopback()
    root = mount(Path(folder), int(user), int(group))
    # As the restricted security context of Kubernetes has it.
    enter = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs"]
    enter += ["--bounding-set=-all", "--inh-caps=-all"]
    enter = ["chroot", str(root), *enter]
    environment = dict(pair.split("=", 1) for pair in config["Env"])
    began = time.monotonic()
    process = subprocess.Popen(
        [*enter, *config["Entrypoint"], *config["Cmd"]], env=environment, cwd="/", stderr=subprocess.PIPE
    )
    try:
        wait_ready(process)
        print(f"{'ready':<10} /health/ready after {time.monotonic() - began:.1f} s, as user {user}")
        healthy = subprocess.run([*enter, *config["Healthcheck"]["Test"][1:]], env=environment, check=False)
        expect(healthy.returncode == 0, "the image's health check succeeds")
        print(f"{'health':<10} the image's own check succeeds")
        refused = subprocess.run(
            [*enter, "sh", "-c", "touch /opt/greenlang/written"],
            check=False,
            env=environment,
            stderr=subprocess.PIPE,
        )
        expect(b"Read-only file system" in refused.stderr, "the root file system is read-only")
        print(f"{'root':<10} read-only: what is written goes to /data and /tmp")
        key = subprocess.run(
            [*enter, "greenlang", "keys", "create", "--role", "operator", "--name", "check"],
            env=environment, check=True, text=True, capture_output=True,
        ).stdout.split()[0]  # fmt: skip
        print(f"{'calculate':<10} {calculated(key)}")
    finally:
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        ended = process.wait(30)
    expect(ended == 0, f"it ends with 0, not {ended}")
    print(f"{'stop':<10} SIGTERM through tini ends it with 0 after {time.monotonic() - began:.1f} s")


def expect(holds: bool, what: str) -> None:
    """End with what was expected."""
    if not holds:
        sys.exit(f"image-check: it was expected that {what}")


def switch_on_loopback() -> None:
    """A new network namespace has its loopback switched off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        request = array.array("B", struct.pack("16sh22x", b"lo", 0))
        fcntl.ioctl(asked, _SIOCGIFFLAGS, request)
        flags = struct.unpack_from("h", request, 16)[0]
        fcntl.ioctl(asked, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))


def mount(folder: Path, user: int, group: int) -> Path:
    """The file system of the image, read-only but for /data and /tmp."""

    def mounted(*arguments: str) -> None:
        subprocess.run(["mount", *arguments], check=True)

    mounted("--make-rprivate", "/")
    mounted("--bind", str(folder), str(folder))
    mounted("-o", "remount,bind,ro", str(folder))
    mounted("-t", "proc", "proc", str(folder / "proc"))
    for name in ("data", "tmp"):
        mounted(
            "-t", "tmpfs", "-o", f"uid={user},gid={group},mode=0750,size=256m", "tmpfs", str(folder / name)
        )
    mounted("-t", "tmpfs", "-o", "mode=0755,size=1m", "tmpfs", str(folder / "dev"))
    for name, minor in (("null", 3), ("zero", 5), ("urandom", 9)):
        os.mknod(folder / "dev" / name, 0o666 | 0o020000, os.makedev(1, minor))
        (folder / "dev" / name).chmod(0o666)
    (folder / "dev" / "shm").mkdir(mode=0o777)
    (folder / "dev" / "shm").chmod(0o1777)
    return folder


def wait_ready(process: subprocess.Popen[bytes]) -> None:
    """Until `/health/ready` answers with 200, to somebody who calls it by another name, as a cluster does."""
    asked = urllib.request.Request(f"{_ADDRESS}/health/ready", headers={"Host": "10.0.0.7:8080"})
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"the process ended with {process.returncode}")
        try:
            with urllib.request.urlopen(asked, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    sys.exit("the process is not ready after a minute")


def calculated(key: str) -> str:
    """What one calculation comes to; without a key it is refused."""
    body = json.dumps(_ACTIVITY).encode()
    request = urllib.request.Request(
        f"{_ADDRESS}/v1/calculations/emissions", body, {"Content-Type": "application/json"}
    )
    try:
        urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as refused:
        expect(refused.code == 401, f"a caller without a key is refused with 401, not {refused.code}")
    else:
        sys.exit("a calculation was made for somebody without a key")
    request.add_header("Authorization", f"Bearer {key}")
    with urllib.request.urlopen(request, timeout=60) as response:
        (total,) = json.load(response)["data"]["totals"]
    expect(total["co2e_kg"] == _CO2E_KG, f"the calculation comes to {_CO2E_KG} kg, not {total['co2e_kg']}")
    return f"1500 MMBtu of natural gas come to {total['co2e_kg']} kg CO2e, as published; without a key, 401"


if __name__ == "__main__":
    main(sys.argv[1])
