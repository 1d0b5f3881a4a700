"""What the manifests of deploy/kubernetes promise, as they are written; tests/system builds them."""

import base64
import math
import re
from pathlib import Path

import msgspec
import pytest
import yaml

from greenlang import __version__
from greenlang.service import ServerSettings, read_settings

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"

#: What an agent's execution may use, and how many run at once by tier.
AGENT = {"requests.cpu": 0.1, "requests.memory": 128, "limits.cpu": 1, "limits.memory": 512}
AT_ONCE = {"free": 10, "pro": 100, "enterprise": 1000}

#: Seconds in which what was answered last is written, after the grace.
WRITING = 5


def objects(path):
    return [each for each in yaml.safe_load_all((KUBERNETES / path).read_text()) if each]


@pytest.fixture(scope="module")
def pod():
    (deployment,) = objects("base/deployment.yaml")
    return deployment["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def settings():
    return msgspec.convert(read_settings(KUBERNETES / "base/serve.toml"), ServerSettings)


@pytest.mark.parametrize("container", ["containers", "initContainers"])
def test_containers_are_restricted(pod, container):
    (found,) = pod[container]
    assert found["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert set(found["resources"]) == {"requests", "limits"}


def test_the_user_of_pods_is_that_of_the_image(pod):
    user = re.search(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert [pod["securityContext"][name] for name in ("runAsUser", "runAsGroup")] == list(
        map(int, user.groups())
    )


def test_a_pod_may_take_as_long_to_end_as_its_pause_its_grace_and_its_last_writing(pod, settings):
    (container,) = pod["containers"]
    command, pause = container["lifecycle"]["preStop"]["exec"]["command"]
    assert command == "sleep"
    assert pod["terminationGracePeriodSeconds"] >= int(pause) + settings.grace_seconds + WRITING


def test_a_proxy_that_asks_as_seldom_as_probes_do_has_heard_of_the_end_when_the_pause_is_over(pod):
    (container,) = pod["containers"]
    probe = container["readinessProbe"]
    assert (
        int(container["lifecycle"]["preStop"]["exec"]["command"][1])
        >= probe["periodSeconds"] * probe["failureThreshold"]
    )


def test_pods_listen_where_they_are_asked(pod, settings):
    (container,) = pod["containers"]
    assert settings.host == "0.0.0.0"  # noqa: S104  a pod's address is its own
    assert settings.authentication is not None
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert ports == {"http": settings.port, "metrics": settings.metrics_port}
    assert (
        container["livenessProbe"]["httpGet"]["path"]
        == container["startupProbe"]["httpGet"]["path"]
        == "/health/live"
    )
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"


def test_a_pod_has_memory_for_a_worker_a_processor(pod):
    (container,) = pod["containers"]
    limits = container["resources"]["limits"]
    assert (limits["cpu"], limits["memory"]) == ("2", "2Gi")  # two of them: a node of 4 vCPU and 8 GB


def test_pods_run_as_many_as_wait_and_work_asks_for():
    (autoscaler,) = objects("base/autoscaler.yaml")
    spec = autoscaler["spec"]
    wanted = {}
    for metric in spec["metrics"]:
        kind = metric["type"].lower()
        named = metric[kind].get("name") or metric[kind]["metric"]["name"]
        target = metric[kind]["target"]
        wanted[named] = target.get("averageUtilization") or target["averageValue"]
    assert wanted == {"cpu": 70, "memory": 80, "agent_queue_depth": "100"}
    assert spec["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 60
    assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 300
    (deployment,) = objects("base/deployment.yaml")
    assert "replicas" not in deployment["spec"]


def test_nothing_is_allowed_that_is_not_named():
    denied, *_ = objects("base/network-policies.yaml")
    assert denied["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_who_watches_reaches_metrics_alone_and_who_asks_everything_else():
    reached = {}
    for policy in objects("base/network-policies.yaml"):
        for rule in policy["spec"].get("ingress", []):
            (source,) = rule["from"]
            (port,) = rule["ports"]
            reached[source["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]] = port["port"]
    assert reached == {"gateway": "http", "monitoring": "metrics"}
    (monitor,) = objects("components/monitoring/service-monitor.yaml")
    assert [each["port"] for each in monitor["spec"]["endpoints"]] == ["metrics"]
    (authorization,) = objects("components/mesh/authorization.yaml")
    allowed = {
        rule["from"][0]["source"]["namespaces"][0]: rule["to"][0]["operation"]["ports"]
        for rule in authorization["spec"]["rules"]
    }
    (service,) = objects("base/service.yaml")
    named = {each["targetPort"]: each["name"] for each in service["spec"]["ports"]}
    assert named == {"http": "http", "metrics": "metrics"}
    assert allowed == {"gateway": ["8080"], "monitoring": ["9090"]}


def test_secrets_are_named_and_never_written():
    secret_kinds, suspicious = [], []
    for path in sorted(KUBERNETES.rglob("*.yaml")):
        text = path.read_text()
        secret_kinds += [path] if re.search(r"^kind: Secret$", text, re.MULTILINE) else []
        suspicious += re.findall(r"\w+://[^\s/]*:[^\s/]*@", text)
        suspicious += [word for word in re.findall(r"[A-Za-z0-9+/]{40,}={0,2}", text) if decodes(word)]
    assert (secret_kinds, suspicious) == ([], [])


def decodes(word):
    return len(word) % 4 == 0 and "/" not in word[:1] and len(base64.b64decode(word)) >= 30


def test_environment_variables_with_urls_come_from_the_secret(pod):
    (container,) = pod["containers"]
    sources = {each["name"]: each.get("valueFrom", {}) for each in container["env"]}
    for name in ("GREENLANG_STORE", "GREENLANG_REDIS"):
        assert sources[name]["secretKeyRef"]["name"] == "runtime-secrets"


@pytest.mark.parametrize("path", ["base", "overlays/canary/version"])
def test_images_are_of_this_version(path):
    (kustomization,) = objects(f"{path}/kustomization.yaml")
    assert kustomization["images"] == [{"name": "greenlang-runtime", "newTag": __version__}]


@pytest.mark.parametrize("tier", AT_ONCE)
def test_a_tier_may_use_what_its_executions_may(tier):
    (quota,) = objects(f"components/tenant/tiers/{tier}/quota.yaml")
    hard = quota["spec"]["hard"]
    assert {name: amount(hard[name]) for name in AGENT} == {
        name: pytest.approx(each * AT_ONCE[tier]) for name, each in AGENT.items()
    }
    assert int(hard["pods"]) == AT_ONCE[tier]


@pytest.mark.parametrize("tier", AT_ONCE)
def test_a_tier_has_room_for_its_pods_and_for_those_that_replace_them(tier, pod):
    (quota,) = objects(f"components/tenant/tiers/{tier}/quota.yaml")
    (kustomization,) = objects(f"components/tenant/tiers/{tier}/kustomization.yaml")
    (scaling,) = [
        each["patch"] for each in kustomization["patches"] if "Autoscaler" in each["target"]["kind"]
    ]
    most = next(step["value"] for step in yaml.safe_load(scaling) if step["path"] == "/spec/maxReplicas")
    pods = most + math.ceil(most / 4)  # maxSurge: 25%
    (container,) = pod["containers"]
    for kind in ("requests", "limits"):
        for resource in ("cpu", "memory"):
            needed = pods * amount(container["resources"][kind][resource])
            assert needed <= amount(quota["spec"]["hard"][f"{kind}.{resource}"]), (kind, resource)
    (limits,) = objects(f"components/tenant/tiers/{tier}/limits.yaml")
    for resource, most_of_it in limits["spec"]["limits"][0]["max"].items():
        assert amount(container["resources"]["limits"][resource]) <= amount(most_of_it)


def amount(text):
    """Processors, or mebibytes."""
    number, unit = re.fullmatch(r"(\d+)(m|Mi|Gi|)", str(text)).groups()
    return int(number) * {"m": 0.001, "Gi": 1024}.get(unit, 1)


def test_what_is_routed_from_outside_is_neither_health_nor_metrics():
    paths = [
        match["path"]
        for route in objects("components/gateway/routes.yaml")
        for rule in route["spec"]["rules"]
        for match in rule.get("matches", [])
    ]
    assert {"type": "PathPrefix", "value": "/v1"} in paths
    for hidden in ("/health/live", "/health/ready", "/metrics"):
        for path in paths:
            value = path["value"]
            assert hidden != value
            assert path["type"] == "Exact" or not f"{hidden}/".startswith(f"{value.rstrip('/')}/")


def test_what_may_have_been_carried_out_is_not_sent_again():
    (service,) = objects("components/mesh/virtual-service.yaml")
    for route in service["spec"]["http"]:
        assert set(route["retries"]["retryOn"].split(",")) <= {"connect-failure", "refused-stream"}


def test_every_dashboard_comes_with_the_monitoring():
    folder = ROOT / "deploy" / "monitoring"
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    (generated,) = kustomization["configMapGenerator"]
    dashboards = {path.relative_to(folder).as_posix() for path in folder.glob("dashboards/*.json")}
    assert set(generated["files"]) == dashboards
    assert "../../../monitoring" in objects("components/monitoring/kustomization.yaml")[0]["resources"]
