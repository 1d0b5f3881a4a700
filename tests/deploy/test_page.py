"""docs/deployment.md says what the Dockerfile and the manifests say."""

import re
from pathlib import Path

import yaml
from manifests import KUBERNETES, ROOT

from greenlang.engine import Machine
from greenlang.service.sizing import fitting_workers

PAGE = (ROOT / "docs" / "deployment.md").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def table(title):
    """The rows of the table with this title in its first cell."""
    rows = re.search(rf"^\| {re.escape(title)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)[1]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows.splitlines()]


def test_the_arguments_of_the_build_are_those_of_the_dockerfile():
    arguments = set(re.findall(r"^ARG (\w+)", DOCKERFILE, re.MULTILINE))
    assert set(re.findall(r"--build-arg (\w+)=", PAGE)) <= arguments
    assert {"EXTRAS", "PYTHON_IMAGE"} <= arguments


def test_the_folders_of_the_table_are_there():
    folders = [row[0] for row in table("folder of `deploy/kubernetes/`")]
    there = {path.relative_to(KUBERNETES).as_posix() for path in KUBERNETES.glob("*/*/")} | {"base"}
    assert set(folders) == there - {"components/production"}


def test_every_folder_that_a_command_applies_is_an_overlay():
    for folder in re.findall(r"--kustomize (\S+)", PAGE):
        assert (ROOT / folder / "kustomization.yaml").exists(), folder


def test_the_keys_of_the_secret_are_those_that_the_pod_takes():
    (deployment,) = yaml.safe_load_all((KUBERNETES / "base/deployment.yaml").read_text())
    pod = deployment["spec"]["template"]["spec"]
    (secret,) = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
    taken = {item["key"] for item in secret["items"]}
    for each in pod["containers"][0]["env"]:
        taken |= {each["valueFrom"]["secretKeyRef"]["key"]} if "valueFrom" in each else set()
    assert {row[0] for row in table("key")} == taken


def test_the_tiers_of_the_page_have_the_quotas_of_the_manifests():
    for tier, pods, *figures in table("tier"):
        quota = yaml.safe_load(Path(KUBERNETES, f"components/tenant/tiers/{tier}/quota.yaml").read_text())
        hard = quota["spec"]["hard"]
        names = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
        assert [hard["pods"], *[hard[name] for name in names]] == [pods, *figures]


def test_as_many_processes_fit_as_the_page_says():
    assert "four on a node of 4 vCPU and 8 GB, two in a pod of 2 vCPU and 2 GiB" in " ".join(PAGE.split())
    assert fitting_workers(Machine(4.0, 8_000_000_000)) == 4
    assert fitting_workers(Machine(2.0, 2 * 1024**3)) == 2
