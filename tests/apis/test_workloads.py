from typing import Any

import pytest

from pynetes.apis.apps.daemon_set import DaemonSetStrategy
from pynetes.apis.apps.deployment import DeploymentStrategy
from pynetes.apis.apps.replica_set import ReplicaSetStrategy
from pynetes.apis.apps.stateful_set import StatefulSetStrategy
from pynetes.apis.strategy import Strategy
from tests.apis.objects import (
    container,
    create_errors,
    created,
    template,
    update_errors,
    updated,
    workload,
)

STRATEGIES: tuple[Strategy, ...] = (
    DeploymentStrategy(),
    ReplicaSetStrategy(),
    DaemonSetStrategy(),
    StatefulSetStrategy(),
)
IDS = [type(strategy).__name__ for strategy in STRATEGIES]
each = pytest.mark.parametrize("strategy", STRATEGIES, ids=IDS)


def test_a_deployment_gets_the_defaults() -> None:
    spec = created(DeploymentStrategy(), workload())["spec"]
    assert spec["replicas"] == 1
    assert spec["revisionHistoryLimit"] == 10
    assert spec["progressDeadlineSeconds"] == 600
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
    }
    assert spec["template"]["spec"]["restartPolicy"] == "Always"


def test_a_daemon_set_gets_the_defaults() -> None:
    spec = created(DaemonSetStrategy(), workload())["spec"]
    assert spec["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}


def test_a_stateful_set_gets_the_defaults() -> None:
    spec = created(StatefulSetStrategy(), workload())["spec"]
    assert spec["podManagementPolicy"] == "OrderedReady"
    assert spec["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


@each
def test_the_selector_has_to_match_the_template(strategy: Strategy) -> None:
    errors = create_errors(strategy, workload(selector={"matchLabels": {"app": "other"}}))
    assert [e for e in errors if "`selector` does not match template `labels`" in e]


@each
def test_without_a_selector_nothing_matches_the_template(strategy: Strategy) -> None:
    errors = create_errors(strategy, workload(selector=None))
    told = "spec.selector: Required value" in errors
    assert told is not isinstance(strategy, DaemonSetStrategy)
    assert [e for e in errors if "`selector` does not match template `labels`" in e]


@each
def test_the_selector_stays(strategy: Strategy) -> None:
    old = created(strategy, workload())
    labels = {"app": "web", "tier": "front"}
    changed = {"metadata": {"labels": labels}, "spec": {"containers": [container()]}}
    errors = update_errors(strategy, old, workload(selector={"matchLabels": labels}, template=changed))
    assert errors
    assert all("immutable" in e or "Forbidden: updates to statefulset spec" in e for e in errors)


@each
def test_pods_of_a_workload_always_restart(strategy: Strategy) -> None:
    errors = create_errors(strategy, workload(template=template(restartPolicy="Never")))
    assert errors == [
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ]


@each
def test_the_generation_counts_changes_of_the_spec_only(strategy: Strategy) -> None:
    old = created(strategy, workload())
    assert old["metadata"]["generation"] == 1
    labelled = workload()
    labelled["metadata"]["labels"] = {"a": "b"}
    assert updated(strategy, old, labelled)["metadata"]["generation"] == 1
    slower = workload(minReadySeconds=5)
    assert updated(strategy, old, slower)["metadata"]["generation"] == 2


@each
def test_an_update_leaves_the_status_alone(strategy: Strategy) -> None:
    old = {**created(strategy, workload()), "status": {"observedGeneration": 4}}
    new = {**workload(), "status": {"observedGeneration": 9}}
    assert updated(strategy, old, new)["status"] == {"observedGeneration": 4}


DEPLOYMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "a rolling update that can do nothing": (
        {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
        "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
    ),
    "settings of the other strategy": (
        {"strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}},
        "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ),
    "an unknown strategy": (
        {"strategy": {"type": "Other"}},
        'spec.strategy: Unsupported value: {"Type":"Other","RollingUpdate":null}: supported values: "Recreate", '
        '"RollingUpdate"',
    ),
    "more than everything unavailable": (
        {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "101%"}}},
        'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ),
    "a negative number of replicas": (
        {"replicas": -1},
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
    ),
    "a deadline before a pod counts": (
        {"minReadySeconds": 60, "progressDeadlineSeconds": 60},
        "spec.progressDeadlineSeconds: Invalid value: 60: must be greater than minReadySeconds",
    ),
}


@pytest.mark.parametrize("case", DEPLOYMENTS)
def test_validation_of_a_deployment(case: str) -> None:
    spec, message = DEPLOYMENTS[case]
    assert create_errors(DeploymentStrategy(), workload(**spec)) == [message]


def test_little_of_a_stateful_set_may_change() -> None:
    strategy = StatefulSetStrategy()
    old = created(strategy, workload())
    assert update_errors(strategy, old, workload(replicas=3)) == []
    assert update_errors(strategy, old, workload(serviceName="other")) == [
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
        "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are "
        "forbidden"
    ]
