"""Manifests as a cluster would get them, and the schemas that they are held to."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from manifests import KUBERNETES, ROOT

#: Where npm installs what has the schemas.
MODULES = ROOT / "build" / "schemas"
MODELS = [
    "@kubernetes-models/gateway-api@0.5",
    "@kubernetes-models/istio@2",
    "@kubernetes-models/prometheus-operator@6",
]


@pytest.fixture(scope="session")
def built():
    """Builds an overlay, by its path, with the kustomize of kubectl."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("needs kubectl 1.27 or later, whose kustomize is not to be had from Debian")
    made = {}

    def build(overlay):
        if overlay not in made:
            folder = str(KUBERNETES / "overlays" / overlay)
            done = subprocess.run([kubectl, "kustomize", folder], text=True, capture_output=True)
            assert done.returncode == 0, done.stderr
            made[overlay] = list(yaml.safe_load_all(done.stdout))
        return made[overlay]

    return build


@pytest.fixture(scope="session")
def complaints():
    """What the schemas of Istio, the Gateway API and the Prometheus operator say of objects."""
    if shutil.which("npm") is None:
        pytest.skip("needs npm, which `make test-system` installs")
    MODULES.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", *MODELS]
    if subprocess.run(command, cwd=MODULES, check=False).returncode != 0:
        pytest.skip("npm cannot install @kubernetes-models here")
    # Modules are looked for beside the script that imports them.
    script = shutil.copy(Path(__file__).with_name("validate.mjs"), MODULES)

    def validated(objects):
        done = subprocess.run(["node", script], input=json.dumps(objects), text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return validated
