"""Plugins that users switch on, and those that look at pods, claims and Services alone."""

from typing import Any

import pytest
from admission_write import outcome, pod, write

from pynetes.apis.names import EVENTS, PERSISTENT_VOLUME_CLAIMS, SERVICES
from pynetes.apiserver.admission.alwayspullimages import AlwaysPullImages
from pynetes.apiserver.admission.configuration import Configurations
from pynetes.apiserver.admission.denyserviceexternalips import DenyServiceExternalIPs
from pynetes.apiserver.admission.eventratelimit import EventRateLimit
from pynetes.apiserver.admission.extendedresourcetoleration import ExtendedResourceToleration
from pynetes.apiserver.admission.limitpodhardantiaffinitytopology import LimitPodHardAntiAffinityTopology
from pynetes.apiserver.admission.namespaceexists import NamespaceExists
from pynetes.apiserver.admission.nodedeclaredfeaturevalidator import NodeDeclaredFeatureValidator
from pynetes.apiserver.admission.ownerreferencespermissionenforcement import newly_blocking
from pynetes.apiserver.admission.persistentvolumeclaimresize import PersistentVolumeClaimResize
from pynetes.apiserver.admission.podnodeselector import ANNOTATION, PodNodeSelector
from pynetes.apiserver.admission.podresizevalidator import PodResizeValidator
from pynetes.apiserver.admission.podtolerationrestriction import DEFAULT, WHITELIST, PodTolerationRestriction, merged
from pynetes.apiserver.admission.storageobjectinuseprotection import StorageObjectInUseProtection
from pynetes.apiserver.config import ConfigurationError

Object = dict[str, Any]


def namespace(objects: Any, **annotations: str) -> None:
    objects.add("namespaces", {"metadata": {"name": "a", "annotations": annotations}})


async def test_images_are_pulled_always() -> None:
    volume = {"name": "v", "image": {"reference": "r", "pullPolicy": "Never"}}
    attrs = write(pod(volumes=[volume], initContainers=[{"name": "i", "image": "j", "imagePullPolicy": "Never"}]))
    assert await outcome(AlwaysPullImages(), attrs) == ""
    assert attrs.obj is not None
    assert attrs.obj["spec"]["initContainers"][0]["imagePullPolicy"] == "Always"
    assert attrs.obj["spec"]["volumes"][0]["image"]["pullPolicy"] == "Always"
    assert not AlwaysPullImages().handles(write(pod(), pod()))
    told = (
        'pods "x" is forbidden: spec.containers[0].imagePullPolicy: Unsupported value: "": supported values: "Always"'
    )
    with pytest.raises(Exception, match="Unsupported value") as refused:
        await AlwaysPullImages().validate(write(pod()))
    assert str(refused.value) == told


@pytest.mark.parametrize(("key", "refused"), [("kubernetes.io/hostname", False), ("topology.kubernetes.io/zone", True)])
async def test_required_anti_affinity_is_about_nodes(key: str, refused: bool) -> None:
    terms = {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": key}]}
    told = await outcome(LimitPodHardAntiAffinityTopology(), write(pod(affinity={"podAntiAffinity": terms})))
    assert bool(told) == refused


async def test_who_asks_for_a_device_tolerates_its_taint() -> None:
    resources = {"requests": {"example.com/gpu": "1", "cpu": "1"}}
    before = {"key": "example.com/gpu", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 3}
    attrs = write(pod(containers=[{"name": "c", "resources": resources}], tolerations=[before]))
    assert await outcome(ExtendedResourceToleration(), attrs) == ""
    assert attrs.obj is not None
    assert attrs.obj["spec"]["tolerations"] == [
        {"key": "example.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    ]


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [(None, ["1.2.3.4"], True), (None, [], False), (["1.2.3.4"], ["1.2.3.4"], False), (["1.2.3.4"], ["2.3.4.5"], True)],
)
async def test_a_service_takes_no_further_addresses(before: Any, after: list[str], refused: bool) -> None:
    old = None if before is None else {"spec": {"externalIPs": before}}
    told = await outcome(DenyServiceExternalIPs(), write({"spec": {"externalIPs": after}}, old, gvr=SERVICES))
    assert bool(told) == refused


@pytest.mark.parametrize(
    ("annotation", "own", "merged_with", "told"),
    [
        (None, {}, {"env": "dev"}, ""),
        ("zone=a", {"other": "b"}, {"zone": "a", "other": "b"}, ""),
        ("", {"other": "b"}, {"other": "b"}, ""),
        ("zone=a", {"zone": "b"}, None, "conflicts with its namespace node label selector"),
    ],
)
async def test_pods_run_where_their_namespace_does(
    objects: Any, annotation: Any, own: Any, merged_with: Any, told: str
) -> None:
    namespace(objects, **({} if annotation is None else {ANNOTATION: annotation}))
    attrs = write(pod(nodeSelector=own))
    found = await outcome(PodNodeSelector(objects, {"clusterDefaultNodeSelector": "env=dev"}), attrs)
    assert told in found
    assert bool(told) == bool(found)
    if merged_with is not None:
        assert attrs.obj is not None
        assert attrs.obj["spec"]["nodeSelector"] == merged_with


async def test_a_namespace_has_a_list_of_what_its_pods_may_select(objects: Any) -> None:
    namespace(objects)
    plugin = PodNodeSelector(objects, {"a": "env=prod,disk=ssd"})
    assert await outcome(plugin, write(pod(nodeSelector={"env": "prod"}))) == ""
    assert "conflict with its namespace whitelist" in await outcome(plugin, write(pod(nodeSelector={"env": "dev"})))


async def test_namespaces_say_what_pods_tolerate(objects: Any) -> None:
    namespace(objects, **{DEFAULT: '[{"key":"a","operator":"Exists"}]', WHITELIST: '[{"key":"a","operator":"Exists"}]'})
    plugin = PodTolerationRestriction(objects)
    attrs = write(pod())
    assert await outcome(plugin, attrs) == ""
    assert attrs.obj is not None
    assert attrs.obj["spec"]["tolerations"] == [{"key": "a", "operator": "Exists"}]
    told = await outcome(plugin, write(pod(tolerations=[{"key": "b", "operator": "Exists"}])))
    assert told.startswith("500 pod tolerations")
    assert "conflict with its namespace whitelist" in told


def test_of_two_tolerations_the_wider_one_stays() -> None:
    narrow = {"key": "a", "operator": "Equal", "value": "b", "effect": "NoSchedule"}
    wide = {"key": "a", "operator": "Exists"}
    assert merged([narrow, wide, narrow]) == [wide]
    assert merged([narrow, dict(narrow)]) == [narrow]
    assert merged([narrow, {**narrow, "value": "c"}]) == [narrow, {**narrow, "value": "c"}]


async def test_events_beyond_a_rate_are_turned_away() -> None:
    plugin = EventRateLimit([{"type": "User", "qps": 1, "burst": 2}])

    async def event(user: str) -> str:
        return await outcome(plugin, write({}, gvr=EVENTS, kind="Event", user=user))

    assert [await event("jane") for _ in range(3)] == [
        "",
        "",
        "429 Too many requests: limit reached on type User for key jane",
    ]
    assert await event("joe") == ""


def test_limits_of_events_are_checked() -> None:
    head = {"apiVersion": "eventratelimit.admission.k8s.io/v1alpha1", "kind": "Configuration"}
    wrong = {"type": "Planet", "qps": 0, "burst": 1}
    with pytest.raises(ConfigurationError) as refused:
        EventRateLimit.of(Configurations({"EventRateLimit": {**head, "limits": [wrong]}}))
    assert 'limits[0].type: Unsupported value: "Planet"' in str(refused.value)
    assert "limits[0].qps: Invalid value: 0: must be positive" in str(refused.value)


async def test_a_namespace_must_be_there(objects: Any) -> None:
    assert await outcome(NamespaceExists(objects), write(pod())) == '404 namespaces "a" not found'
    namespace(objects)
    assert await outcome(NamespaceExists(objects), write(pod())) == ""


def claim(size: str, storage_class: str = "gold", phase: str = "Bound") -> Object:
    spec = {"storageClassName": storage_class, "resources": {"requests": {"storage": size}}}
    return {"metadata": {"name": "x"}, "spec": spec, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("new", "old", "told"),
    [
        (claim("2Gi"), claim("1Gi"), ""),
        (claim("1Gi"), claim("1Gi", phase="Pending"), ""),
        (claim("2Gi"), claim("1Gi", phase="Pending"), "Only bound persistent volume claims can be expanded"),
        (
            claim("2Gi", "silver"),
            claim("1Gi", "silver"),
            "that provisions the pvc must support resize",
        ),
        (claim("2Gi", ""), claim("1Gi", ""), "only dynamically provisioned pvc can be resized"),
    ],
)
async def test_claims_grow_where_their_class_lets_them(objects: Any, new: Object, old: Object, told: str) -> None:
    objects.add("storageclasses", {"metadata": {"name": "gold"}, "allowVolumeExpansion": True})
    objects.add("storageclasses", {"metadata": {"name": "silver"}})
    attrs = write(new, old, gvr=PERSISTENT_VOLUME_CLAIMS, kind="PersistentVolumeClaim")
    found = await outcome(PersistentVolumeClaimResize(objects), attrs)
    assert told in found
    assert bool(told) == bool(found)


async def test_what_may_be_in_use_gets_a_finalizer() -> None:
    attrs = write(claim("1Gi"), gvr=PERSISTENT_VOLUME_CLAIMS, kind="PersistentVolumeClaim")
    assert await outcome(StorageObjectInUseProtection(), attrs) == ""
    assert attrs.obj is not None
    assert attrs.obj["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]


@pytest.mark.parametrize(
    ("cpu", "system", "told", "cause"),
    [
        ("2", "linux", "", ""),
        ("3", "linux", "enough allocatable resources: cpu, requested: 3000, allocatable: 2000", "NodeCapacity"),
        ("1", "windows", 'node "n" is "windows"', "UnsupportedPlatform"),
    ],
)
async def test_a_pod_does_not_outgrow_its_node(objects: Any, cpu: str, system: str, told: str, cause: str) -> None:
    node = {"metadata": {"name": "n", "labels": {"kubernetes.io/os": system}}, "status": {"allocatable": {"cpu": "2"}}}
    objects.add("nodes", node)
    bigger = pod(nodeName="n", containers=[{"name": "c", "resources": {"requests": {"cpu": cpu}}}])
    attrs = write(bigger, pod(nodeName="n"), subresource="resize")
    plugin = PodResizeValidator(objects)
    found = await outcome(plugin, attrs)
    assert told in found
    assert bool(told) == bool(found)
    if cause:
        with pytest.raises(Exception, match="forbidden") as refused:
            await plugin.validate(attrs)
        assert refused.value.details["causes"] == [{"reason": cause}]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "features", "told"),
    [
        ({"resources": {"requests": {"cpu": "2"}}}, ["InPlacePodLevelResourcesVerticalScaling"], ""),
        (
            {"resources": {"requests": {"cpu": "2"}}},
            [],
            '403 pods "x" is forbidden: pod update requires features InPlacePodLevelResourcesVerticalScaling '
            'which are not available on node "n"',
        ),
        (
            {"resources": None, "initContainers": [{"name": "i", "resources": {"limits": {"cpu": "1"}}}]},
            ["Other"],
            '403 pods "x" is forbidden: pod update requires features InPlacePodLevelResourcesVerticalScaling, '
            'InPlacePodVerticalScalingInitContainers which are not available on node "n"',
        ),
        ({"initContainers": [{"name": "i"}], "tolerations": [{"key": "k"}]}, [], ""),
        ({"nodeName": "", "resources": None}, [], ""),
        ({"resources": None}, None, '403 pods "x" is forbidden: node "n" not found'),
    ],
)
async def test_a_bound_pod_changes_only_as_its_node_can_follow(
    objects: Any, change: Object, features: list[str] | None, told: str
) -> None:
    if features is not None:
        objects.add("nodes", {"metadata": {"name": "n"}, "status": {"declaredFeatures": features}})
    before = {"nodeName": "n", "resources": {"requests": {"cpu": "1"}}, "initContainers": [{"name": "i"}]}
    plugin = NodeDeclaredFeatureValidator(objects)
    for subresource in ("", "resize"):
        assert (
            await outcome(plugin, write({"spec": {**before, **change}}, {"spec": before}, subresource=subresource))
            == told
        )
    assert not plugin.handles(write(pod(), pod(), subresource="status"))


def test_only_references_that_begin_to_block_count() -> None:
    blocking, free = {"uid": "1", "blockOwnerDeletion": True}, {"uid": "1"}

    def owned(*references: Object) -> Object:
        return {"metadata": {"ownerReferences": list(references)}}

    assert newly_blocking(owned(blocking), None) == [blocking]
    assert newly_blocking(owned(blocking), owned(free)) == [blocking]
    assert newly_blocking(owned(blocking), owned(blocking)) == []
    assert newly_blocking(owned(free), owned()) == []
