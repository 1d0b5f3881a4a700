"""The checklist of a release, run as its command."""

import subprocess
import sys

from manifests import ROOT

CHECK = ROOT / "deploy" / "release" / "check.py"


def check(*arguments):
    """What the named checks ended with and said."""
    return subprocess.run([sys.executable, CHECK, *arguments], text=True, capture_output=True)
