from typing import Any

import pytest

from pynetes.apis.batch import indexes, schedule
from pynetes.apis.batch.cron_job import CronJobStrategy
from pynetes.apis.batch.job import JobStrategy
from pynetes.apis.core.pod import PodStrategy
from tests.apis.objects import Object, create_errors, created, pod, template, update_errors

JOBS = JobStrategy()


def _job(**spec: Any) -> Object:
    metadata = {"name": "once", "namespace": "ns", "uid": "u-1"}
    return {"metadata": metadata, "spec": {"template": template(restartPolicy="Never"), **spec}}


def _cron_job(**spec: Any) -> Object:
    metadata = {"name": "nightly", "namespace": "ns"}
    return {"metadata": metadata, "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": _job()["spec"]}, **spec}}


def test_a_job_gets_the_defaults() -> None:
    spec = created(JOBS, _job())["spec"]
    assert (spec["parallelism"], spec["completions"], spec["backoffLimit"]) == (1, 1, 6)
    assert spec["completionMode"] == "NonIndexed"
    assert spec["suspend"] is False
    assert spec["podReplacementPolicy"] == "TerminatingOrFailed"


def test_a_work_queue_keeps_its_completions_open() -> None:
    assert "completions" not in created(JOBS, _job(parallelism=3))["spec"]


def test_a_job_selects_its_pods_by_its_own_uid() -> None:
    spec = created(JOBS, _job())["spec"]
    assert spec["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": "u-1"}}
    assert spec["template"]["metadata"]["labels"] == {
        "app": "web",
        "controller-uid": "u-1",
        "batch.kubernetes.io/controller-uid": "u-1",
        "job-name": "once",
        "batch.kubernetes.io/job-name": "once",
    }


def test_a_job_without_labels_has_those_of_its_template_and_its_selector() -> None:
    job = created(JOBS, _job())
    assert job["metadata"]["labels"] == job["spec"]["template"]["metadata"]["labels"]
    assert job["metadata"]["labels"]["job-name"] == "once"
    own = _job()
    own["metadata"]["labels"] = {"app": "web"}
    assert created(JOBS, own)["metadata"]["labels"] == {"app": "web"}


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "a restart policy that never ends": (
        {"template": template(restartPolicy="Always")},
        'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ),
    "a negative parallelism": (
        {"parallelism": -1, "completions": 1},
        "spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
    ),
    "indexes without a number of them": (
        {"completionMode": "Indexed", "parallelism": 2},
        "spec.completions: Required value: when completion mode is Indexed",
    ),
}


@pytest.mark.parametrize("case", INVALID)
def test_validation_of_a_job(case: str) -> None:
    spec, message = INVALID[case]
    assert create_errors(JOBS, _job(**spec)) == [message]


def test_only_pods_must_say_which_image_a_volume_has() -> None:
    volumes = [{"name": "a", "image": {}}]
    assert create_errors(JOBS, _job(template=template(restartPolicy="Never", volumes=volumes))) == []
    assert create_errors(PodStrategy(), pod(volumes=volumes)) == ["spec.volumes[0].image.reference: Required value"]


def test_parallelism_may_change_and_completions_may_not() -> None:
    old = created(JOBS, _job(completions=3, parallelism=1))
    changed = {**old, "spec": {**old["spec"], "parallelism": 2}}
    assert update_errors(JOBS, old, changed) == []
    changed = {**old, "spec": {**old["spec"], "completions": 4}}
    assert update_errors(JOBS, old, changed) == ["spec.completions: Invalid value: 4: field is immutable"]


def test_a_bare_delete_of_a_job_orphans_its_pods() -> None:
    assert JOBS.default_deletion_propagation == "Orphan"


def test_a_cron_job_gets_the_defaults() -> None:
    spec = created(CronJobStrategy(), _cron_job())["spec"]
    assert spec["concurrencyPolicy"] == "Allow"
    assert spec["suspend"] is False
    assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (3, 1)


def test_a_schedule_that_cannot_be_read_is_refused() -> None:
    errors = create_errors(CronJobStrategy(), _cron_job(schedule="every day"))
    assert len(errors) == 1
    assert errors[0].startswith('spec.schedule: Invalid value: "every day": ')


def test_a_time_zone_is_no_part_of_the_schedule() -> None:
    errors = create_errors(CronJobStrategy(), _cron_job(schedule="TZ=UTC 0 3 * * *"))
    assert any(e.startswith("spec.schedule: Invalid value: ") for e in errors)
    assert create_errors(CronJobStrategy(), _cron_job(timeZone="Europe/Vienna")) == []


READABLE = ["* * * * *", "*/5 0-6,12 1 JAN-mar mon", "@daily", "@hourly", "0 0 ? * SUN", "@every 1h30m"]
UNREADABLE = ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "*/0 * * * *", "5-1 * * * *"]


@pytest.mark.parametrize("text", READABLE)
def test_readable_schedules(text: str) -> None:
    schedule.parse(text)


@pytest.mark.parametrize("text", UNREADABLE)
def test_unreadable_schedules(text: str) -> None:
    with pytest.raises(ValueError):
        schedule.parse(text)


def test_a_step_starts_at_the_low_end() -> None:
    assert schedule.parse("*/20 * * * *").minutes == frozenset((0, 20, 40))
    assert schedule.parse("7/20 * * * *").minutes == frozenset((7, 27, 47))


def test_indexes() -> None:
    assert indexes.count(indexes.parse_indexes("0-2,5", 10)) == 4
    assert indexes.first_overlap("0-2,5", "5-7", 10) == 5
    for text in ("2-1", "3,2", "10", "a"):
        with pytest.raises(ValueError):
            indexes.parse_indexes(text, 10)
