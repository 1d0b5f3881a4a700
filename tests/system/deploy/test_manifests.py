"""Every manifest, built by kustomize, held to the schema of its kind."""

import copy

import kubernetes_validate
import pytest
import yaml
from manifests import KUBERNETES, OVERLAYS

#: A version of Kubernetes that clouds have on their regular channels.
RELEASE = "1.32.0"

#: What no core schema is for.
CUSTOM = {"gateway.networking.k8s.io", "monitoring.coreos.com", "networking.istio.io", "security.istio.io"}

#: Files of these kinds are for kustomize itself.
KUSTOMIZE = {"Component", "Kustomization"}

NAMES = [path.relative_to(KUBERNETES / "overlays").as_posix() for path in OVERLAYS]
COMPLETE = [name for name in NAMES if name != "canary/version"]


def is_custom(found):
    return found["apiVersion"].split("/")[0] in CUSTOM


def of_kind(objects, kind, name=None):
    return [each for each in objects if each["kind"] == kind and name in {None, each["metadata"]["name"]}]


def written():
    """The objects of all files, as they are written."""
    for path in sorted(KUBERNETES.rglob("*.yaml")):
        for each in yaml.safe_load_all(path.read_text()):
            if isinstance(each, dict) and each["kind"] not in KUSTOMIZE:
                yield each


@pytest.mark.parametrize("name", NAMES)
def test_what_kustomize_builds_has_the_core_schemas(built, name):
    checked = [
        kubernetes_validate.validate(each, RELEASE, strict=True)
        for each in built(name)
        if not is_custom(each)
    ]
    assert len(checked) >= 3


def test_what_is_written_has_the_core_schemas_without_kustomize():
    core = [each for each in written() if not is_custom(each)]
    for each in core:
        kubernetes_validate.validate(each, RELEASE, strict=True)
    assert len({each["kind"] for each in core}) >= 10


def test_custom_objects_have_the_schemas_of_their_makers(built, complaints):
    objects = [each for name in COMPLETE for each in built(name) if is_custom(each)]
    objects += [each for each in written() if is_custom(each)]
    istio = {"AuthorizationPolicy", "DestinationRule", "PeerAuthentication", "VirtualService"}
    assert {each["kind"] for each in objects} == {*istio, "HTTPRoute", "PrometheusRule", "ServiceMonitor"}
    assert complaints(objects) == [None] * len(objects)


def test_the_schemas_see_what_is_wrong(built, complaints):
    production = built("production")
    (deployment,) = of_kind(production, "Deployment")
    misspelt = copy.deepcopy(deployment)
    misspelt["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(misspelt, RELEASE, strict=True)
    (service,) = of_kind(production, "VirtualService")
    wrong = copy.deepcopy(service)
    wrong["spec"]["http"][0]["route"][0]["weight"] = "most"
    assert complaints([wrong]) != [None]


@pytest.mark.parametrize("name", COMPLETE)
def test_everything_that_is_mounted_or_named_is_there(built, name):
    objects = built(name)
    maps = {each["metadata"]["name"] for each in of_kind(objects, "ConfigMap")}
    claims = {each["metadata"]["name"] for each in of_kind(objects, "PersistentVolumeClaim")}
    for deployment in of_kind(objects, "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for container in pod["containers"] + pod.get("initContainers", []):
            assert {mount["name"] for mount in container["volumeMounts"]} <= set(volumes)
            assert container["image"].startswith("greenlang-runtime:")
        for volume in volumes.values():
            assert volume.get("configMap", {}).get("name") in {None, *maps}
            assert volume.get("persistentVolumeClaim", {}).get("claimName") in {None, *claims}
        assert of_kind(objects, "ServiceAccount", pod["serviceAccountName"])
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
        for other in of_kind(objects, "Service") + of_kind(objects, "PodDisruptionBudget"):
            selector = other["spec"]["selector"]
            assert selector.get("matchLabels", selector).items() <= labels.items()
    for autoscaler in of_kind(objects, "HorizontalPodAutoscaler"):
        assert of_kind(objects, "Deployment", autoscaler["spec"]["scaleTargetRef"]["name"])


@pytest.mark.parametrize("name", COMPLETE)
def test_nothing_stands_twice_and_all_in_one_namespace(built, name):
    objects = built(name)
    names = [(each["kind"], each["metadata"]["name"]) for each in objects]
    assert len(names) == len(set(names))
    (namespace,) = of_kind(objects, "Namespace")
    inside = {
        each["metadata"].get("namespace")
        for each in objects
        if each["kind"] not in {"Namespace", "RuntimeClass"}
    }
    assert inside == {namespace["metadata"]["name"]}
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("percent", [5, 25, 50, 100])
def test_a_canary_gets_its_part_of_the_requests(built, percent):
    objects = built(f"canary/{percent}")
    (service,) = of_kind(objects, "VirtualService")
    (route,) = service["spec"]["http"]
    weights = {each["destination"]["subset"]: each["weight"] for each in route["route"]}
    assert weights == {"stable": 100 - percent, "canary": percent}
    (rule,) = of_kind(objects, "DestinationRule")
    for subset in rule["spec"]["subsets"]:
        served = [
            each
            for each in of_kind(objects, "Deployment")
            if subset["labels"].items() <= each["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert len(served) == 1, subset


def test_without_a_canary_all_goes_to_the_stable_version(built):
    (service,) = of_kind(built("production"), "VirtualService")
    assert [each["weight"] for each in service["spec"]["http"][0]["route"]] == [100, 0]


def test_production_is_sandboxed_spread_and_closed_to_who_has_no_certificate(built):
    objects = built("production")
    (deployment,) = of_kind(objects, "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    (sandbox,) = of_kind(objects, "RuntimeClass")
    assert (pod["runtimeClassName"], sandbox["handler"]) == (sandbox["metadata"]["name"], "runsc")
    assert pod["nodeSelector"] == {"workload-type": "runtime"}
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "batches"}} in pod["volumes"]
    spread = {each["topologyKey"]: each["whenUnsatisfiable"] for each in pod["topologySpreadConstraints"]}
    assert spread["topology.kubernetes.io/zone"] == "DoNotSchedule"
    (peers,) = of_kind(objects, "PeerAuthentication")
    assert peers["spec"] == {"mtls": {"mode": "STRICT"}}
    (autoscaler,) = of_kind(objects, "HorizontalPodAutoscaler")
    assert (autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"]) == (10, 200)


def test_development_asks_for_no_secret(built):
    (deployment,) = of_kind(built("development"), "Deployment")
    assert "secret" not in str(deployment["spec"]["template"]["spec"]).lower()


def test_a_tenant_has_a_namespace_of_its_own_with_its_tier(built):
    objects = built("tenant")
    (namespace,) = of_kind(objects, "Namespace")
    assert namespace["metadata"]["name"] == "tenant-example"
    labels = namespace["metadata"]["labels"]
    assert labels["greenlang.ai/tenant-id"] == "example"
    assert (labels["greenlang.ai/tier"], labels["greenlang.ai/isolation"]) == ("pro", "full")
    assert of_kind(objects, "ResourceQuota")
    assert of_kind(objects, "LimitRange")
    assert of_kind(objects, "NetworkPolicy", "default-deny")
