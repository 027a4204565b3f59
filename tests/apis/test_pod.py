from typing import Any

import pytest

from pynetes.apis.core.image_reference import default_pull_policy
from pynetes.apis.core.pod import PodStrategy
from pynetes.apis.core.pod_validation import identity
from pynetes.apis.core.qos import compute_qos_class
from tests.apis.objects import Object, container, create_errors, created, pod, texts, update_errors

STRATEGY = PodStrategy()


def _resources(**amounts: str) -> Object:
    return container(resources={"requests": amounts})


def test_a_bare_pod_gets_the_defaults() -> None:
    spec = created(STRATEGY, pod())["spec"]
    expected = {
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "terminationGracePeriodSeconds": 30,
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "enableServiceLinks": True,
    }
    assert {key: spec[key] for key in expected} == expected
    only = spec["containers"][0]
    expected = {
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "resources": {},
    }
    assert {key: only[key] for key in expected} == expected


def test_a_pod_never_ends_before_it_is_told_and_its_init_containers_are_those_of_its_spec() -> None:
    old, kept = "pod.alpha.kubernetes.io/init-containers", {"example.com/a": "b"}
    given = {**pod(terminationGracePeriodSeconds=-5), "metadata": {"annotations": {old: "[]"}}}
    found = created(STRATEGY, given)
    assert (found["spec"]["terminationGracePeriodSeconds"], "annotations" in found["metadata"]) == (1, False)
    given = {**pod(), "metadata": {"annotations": {"pod.beta.kubernetes.io/init-container-statuses": "[]", **kept}}}
    assert created(STRATEGY, given)["metadata"]["annotations"] == kept


PULL_POLICIES = {
    "app": "Always",
    "app:latest": "Always",
    "app:1": "IfNotPresent",
    "host:5000/app": "Always",
    "host:5000/app:1": "IfNotPresent",
    "app@sha256:" + "0" * 64: "IfNotPresent",
    "ko://example.com/app": "IfNotPresent",
}


@pytest.mark.parametrize(("image", "policy"), PULL_POLICIES.items())
def test_only_the_latest_image_is_always_pulled(image: str, policy: str) -> None:
    obj = created(STRATEGY, pod(containers=[{"name": "app", "image": image}]))
    assert obj["spec"]["containers"][0]["imagePullPolicy"] == policy


def test_limits_become_the_missing_requests() -> None:
    obj = created(STRATEGY, pod(containers=[container(resources={"limits": {"cpu": "1", "memory": "1Gi"}})]))
    assert obj["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "1", "memory": "1Gi"}


def test_probes_get_their_times() -> None:
    probe: Object = {"httpGet": {"port": 80}}
    got = created(STRATEGY, pod(containers=[container(livenessProbe=probe)]))["spec"]["containers"][0]["livenessProbe"]
    assert got == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def test_a_new_pod_is_pending_with_its_class_and_generation() -> None:
    obj = created(STRATEGY, {**pod(), "status": {"phase": "Running", "podIP": "10.0.0.1"}})
    assert obj["status"]["phase"] == "Pending"
    assert obj["status"]["qosClass"] == "BestEffort"
    assert "podIP" not in obj["status"]
    assert obj["metadata"]["generation"] == 1


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "no containers": ({"containers": []}, "spec.containers: Required value"),
    "no name": ({"containers": [{"image": "a"}]}, "spec.containers[0].name: Required value"),
    "no image": ({"containers": [{"name": "a"}]}, "spec.containers[0].image: Required value"),
    "the same name twice": (
        {"containers": [container(), container()]},
        'spec.containers[1].name: Duplicate value: "app"',
    ),
    "a name that is no label": (
        {"containers": [container("App")]},
        'spec.containers[0].name: Invalid value: "App": a lowercase RFC 1123 label must consist of lower case '
        "alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or "
        "'123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ),
    "a port too high": (
        {"containers": [container(ports=[{"containerPort": 65536}])]},
        "spec.containers[0].ports[0].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive",
    ),
    "an unknown restart policy": (
        {"restartPolicy": "Sometimes"},
        'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
    ),
    "a mount of no volume": (
        {"containers": [container(volumeMounts=[{"name": "data", "mountPath": "/data"}])]},
        'spec.containers[0].volumeMounts[0].name: Not found: "data"',
    ),
    "the same path twice": (
        {
            "volumes": [{"name": "a", "emptyDir": {}}],
            "containers": [
                container(volumeMounts=[{"name": "a", "mountPath": "/a"}, {"name": "a", "mountPath": "/a"}])
            ],
        },
        'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
    ),
    "two sources in a volume": (
        {"volumes": [{"name": "a", "emptyDir": {}, "hostPath": {"path": "/x"}}]},
        "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
    ),
    "a volume without source is an emptyDir": ({"volumes": [{"name": "a"}]}, ""),
    "requests above limits": (
        {"containers": [container(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}})]},
        'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ),
    "a negative deadline": (
        {"activeDeadlineSeconds": 0},
        "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
    ),
    "a liveness success threshold": (
        {"containers": [container(livenessProbe={"tcpSocket": {"port": 1}, "successThreshold": 2})]},
        "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
    ),
    "a toleration with operator Exists and a value": (
        {"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]},
        "spec.tolerations[0].operator: Invalid value: \"b\": value must be empty when `operator` is 'Exists'",
    ),
    "a host port without the host's network": ({"hostNetwork": False}, ""),
    "restart rules of an init container without a policy": (
        {"initContainers": [container("first", restartPolicyRules=[{"action": "Sometimes"}])]},
        "spec.initContainers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used",
    ),
}


@pytest.mark.parametrize("case", INVALID)
def test_validation(case: str) -> None:
    spec, message = INVALID[case]
    errors = create_errors(STRATEGY, pod(**spec))
    assert errors == [message] if message else not errors


def _stored(**spec: Any) -> Object:
    return created(STRATEGY, pod(**spec))


def test_the_first_source_or_handler_is_judged_before_the_others_are_refused() -> None:
    volumes = [{"name": "a", "hostPath": {}, "secret": {"secretName": "s"}}]
    assert create_errors(STRATEGY, pod(volumes=volumes)) == [
        "spec.volumes[0].hostPath.path: Required value",
        "spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type",
    ]
    probed = container(livenessProbe={"exec": {}, "tcpSocket": {"port": 1}})
    assert create_errors(STRATEGY, pod(containers=[probed])) == [
        "spec.containers[0].livenessProbe.exec.command: Required value",
        "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
    ]


def test_the_claim_of_an_ephemeral_volume_must_have_a_name_that_fits() -> None:
    made = pod(volumes=[{"name": "a", "ephemeral": {"volumeClaimTemplate": {"metadata": {"uid": "1", "name": "b"}}}}])
    made["metadata"]["name"] = "x" * 253
    errors = create_errors(STRATEGY, made)
    path = "spec.volumes[0].ephemeral.volumeClaimTemplate.metadata"
    assert errors[:2] == [f"{path}.{field}: Forbidden: cannot be set" for field in ("name", "uID")]
    assert errors[-1].endswith('-a": must be no more than 253 characters')


def test_the_size_of_an_ephemeral_volume_is_whole_bytes() -> None:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1.5"}}}
    volume = {"name": "a", "ephemeral": {"volumeClaimTemplate": {"spec": claim}}}
    (warning,) = STRATEGY.warnings(created(STRATEGY, pod(volumes=[volume])))
    where = "spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources.requests[storage]"
    assert warning == f'{where}: fractional byte value "1500m" is invalid, must be an integer'


def test_an_address_without_a_port_of_the_node_is_warned_of() -> None:
    made = created(STRATEGY, pod(containers=[container(ports=[{"containerPort": 80, "hostIP": "1.2.3.4"}])]))
    (warning,) = STRATEGY.warnings(made)
    shown = "{Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:1.2.3.4}"
    assert warning == f"spec.containers[0].ports[0]: hostIP set without hostPort: {shown}"


def test_the_image_may_change_and_counts_a_generation() -> None:
    old = _stored()
    new = pod(containers=[container(image="other:2")])
    assert update_errors(STRATEGY, old, new) == []


def test_other_changes_of_the_spec_are_refused() -> None:
    errors = update_errors(STRATEGY, _stored(), pod(hostname="h"))
    assert len(errors) == 1
    assert errors[0].startswith(
        "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
        "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
    )


def test_containers_cannot_be_added() -> None:
    errors = update_errors(STRATEGY, _stored(), pod(containers=[container(), container("b")]))
    assert errors == ["spec.containers: Forbidden: pod updates may not add or remove containers"]


def test_spread_constraints_are_told_apart_by_key_and_action() -> None:
    constraint = {"maxSkew": 1, "topologyKey": "k", "whenUnsatisfiable": "DoNotSchedule"}
    other = {**constraint, "whenUnsatisfiable": "ScheduleAnyway"}
    assert create_errors(STRATEGY, pod(topologySpreadConstraints=[constraint, other])) == []
    (found,) = create_errors(STRATEGY, pod(topologySpreadConstraints=[constraint, other, constraint]))
    assert "[0].{topologyKey, whenUnsatisfiable}: Duplicate value" in str(found)


def test_tolerations_may_only_be_added() -> None:
    one, two = {"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}
    assert update_errors(STRATEGY, _stored(tolerations=[one]), pod(tolerations=[one, two])) == []
    errors = update_errors(STRATEGY, _stored(tolerations=[one]), pod(tolerations=[two]))
    assert any("existing toleration can not be modified except its tolerationSeconds" in e for e in errors)


def test_scheduling_gates_may_only_be_removed() -> None:
    gate = [{"name": "example.com/quota"}]
    assert update_errors(STRATEGY, _stored(schedulingGates=gate), pod()) == []
    errors = update_errors(STRATEGY, _stored(), pod(schedulingGates=gate))
    assert any("only deletion is allowed, but found new scheduling gate 'example.com/quota'" in e for e in errors)


def test_a_status_update_leaves_the_spec_alone() -> None:
    old = _stored()
    new = {**pod(nodeName="elsewhere"), "status": {"phase": "Running"}}
    STRATEGY.prepare_for_status_update(new, old)
    assert "nodeName" not in new["spec"]
    assert new["status"]["phase"] == "Running"
    assert texts(STRATEGY.validate_status_update(new, old)) == []


def test_selectable_fields() -> None:
    obj = _stored(nodeName="n1", hostNetwork=True)
    obj["status"] = {"phase": "Running", "podIP": "10.0.0.1", "nominatedNodeName": "n2"}
    fields = STRATEGY.selectable_fields(obj)
    assert fields["spec.nodeName"] == "n1"
    assert fields["spec.restartPolicy"] == "Always"
    assert fields["spec.hostNetwork"] == "true"
    assert fields["status.phase"] == "Running"
    assert fields["status.podIP"] == "10.0.0.1"
    assert fields["status.nominatedNodeName"] == "n2"
    assert set(fields) <= STRATEGY.selectable


QOS = {
    "nothing asked for": ([container()], "BestEffort"),
    "limits for all": ([container(resources={"limits": {"cpu": "1", "memory": "1Gi"}})], "Guaranteed"),
    "requests only": ([_resources(cpu="1")], "Burstable"),
    "requests below limits": (
        [container(resources={"requests": {"cpu": "1", "memory": "1"}, "limits": {"cpu": "2", "memory": "1"}})],
        "Burstable",
    ),
    "the same amount written differently": (
        [
            container(
                resources={"requests": {"cpu": "1000m", "memory": "1024Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
            )
        ],
        "Guaranteed",
    ),
    "one container without limits": (
        [container(resources={"limits": {"cpu": "1", "memory": "1Gi"}}), container("b")],
        "Burstable",
    ),
    "an amount of zero": ([_resources(cpu="0")], "BestEffort"),
    "other resources": ([_resources(**{"ephemeral-storage": "1Gi"})], "BestEffort"),
}


@pytest.mark.parametrize("case", QOS)
def test_quality_of_service(case: str) -> None:
    containers, wanted = QOS[case]
    obj = pod(containers=containers)
    STRATEGY.default(obj)
    assert compute_qos_class(obj) == wanted


def test_a_spec_that_was_valid_once_is_checked_again_where_it_differs() -> None:
    assert create_errors(STRATEGY, pod()) == create_errors(STRATEGY, pod()) == []
    bad = pod(containers=[container(name="Bad")])
    assert create_errors(STRATEGY, bad)
    assert create_errors(STRATEGY, bad)


def test_only_the_name_of_the_token_volume_makes_no_difference_to_a_spec() -> None:
    def spec(volume: str, mount: str) -> bytes:
        return identity({"volumes": [{"name": volume}], "containers": [{"volumeMounts": [{"name": mount}]}]})

    one, other = "kube-api-access-abc12", "kube-api-access-xyz89"
    assert spec(one, one) == spec(other, other)
    different = [(one, one), (one, other), (other, one), (one, "data"), ("data", one), ("kube-api-access-", one)]
    assert len({spec(*names) for names in different}) == len(different)


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("a", "Always"),
        ("a:1", "IfNotPresent"),
        ("a" * 247, "Always"),
        ("a" * 248, "IfNotPresent"),
        ("r.example.com/" + "a" * 255, "Always"),
        ("r.example.com/" + "a" * 256, "IfNotPresent"),
    ],
)
def test_what_is_too_long_for_a_name_has_no_tag(image: str, policy: str) -> None:
    assert default_pull_policy(image) == policy
