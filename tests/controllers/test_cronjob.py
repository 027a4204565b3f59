"""CronJobs: times and decisions by table, and one against the real API server."""

from datetime import UTC, datetime, timedelta

import pytest
from controller_objects import NOW, stamp

from pynetes.apimachinery import meta
from pynetes.apis.batch import schedule as cron
from pynetes.apis.names import CRON_JOBS, JOBS
from pynetes.component import metrics
from pynetes.controllers.cronjob import plan, times


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "zone", "after", "expected"),
    [
        ("* * * * *", None, "2024-01-01T12:00:00", "2024-01-01T12:01:00"),
        ("*/15 * * * *", None, "2024-01-01T12:01:00", "2024-01-01T12:15:00"),
        ("0 0 1 1 *", None, "2024-01-01T00:00:00", "2025-01-01T00:00:00"),
        ("0 0 29 2 *", None, "2024-03-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 0 30 2 *", None, "2024-03-01T00:00:00", None),
        ("0 9 * * 1", None, "2024-01-02T00:00:00", "2024-01-08T09:00:00"),
        ("0 0 13 * 5", None, "2024-01-01T00:00:00", "2024-01-05T00:00:00"),
        ("30 2 * * *", "Europe/Berlin", "2024-03-30T12:00:00", "2024-04-01T00:30:00"),
        ("30 2 * * *", "Europe/Berlin", "2024-10-26T12:00:00", "2024-10-27T00:30:00"),
        ("0 12 * * *", "Asia/Tokyo", "2024-01-01T00:00:00", "2024-01-01T03:00:00"),
        ("@every 90s", None, "2024-01-01T00:00:00", "2024-01-01T00:01:30"),
    ],
)
def test_when_a_schedule_fires(schedule, zone, after, expected):
    found = times.following(cron.parse(schedule), at(after), times.zone(zone))
    assert found == (None if expected is None else at(expected))


@pytest.mark.parametrize(
    ("since", "expected", "count"),
    [
        (timedelta(seconds=30), NOW, 1),
        (timedelta(minutes=3), NOW, 3),
        (timedelta(minutes=100), NOW, 100),
        (timedelta(days=400), NOW, 101),
        (timedelta(), None, 0),
    ],
)
def test_missed_times(since, expected, count):
    assert times.latest(cron.parse("* * * * *"), NOW - since, NOW) == (expected, count)


def cron_job(status=None, **spec):
    template = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}}}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "cj", "namespace": "ns", "uid": "uid-cj", "creationTimestamp": stamp(90)},
        "spec": {
            "schedule": "* * * * *",
            "jobTemplate": template,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
            **spec,
        },
        "status": status or {},
    }


def job(name, ended=None, age=100.0):
    status = {"startTime": stamp(age)}
    if ended:
        status["conditions"] = [{"type": ended, "status": "True"}]
    if ended == "Complete":
        status["completionTime"] = stamp(age - 1)
    return {"metadata": {"name": name, "namespace": "ns", "uid": f"uid-{name}"}, "status": status}


def reasons(step):
    return [reason for _, reason, _ in step.events]


RUNNING = {"active": [plan.reference(job("old"))], "lastScheduleTime": stamp(60)}


@pytest.mark.parametrize(
    ("given", "jobs", "create", "stop", "told"),
    [
        (cron_job(), [], True, 0, []),
        (cron_job({"lastScheduleTime": stamp(0)}), [], False, 0, []),
        (cron_job(suspend=True), [], False, 0, []),
        (cron_job(RUNNING), [job("old")], True, 0, []),
        (cron_job(RUNNING, concurrencyPolicy="Forbid"), [job("old")], False, 0, ["JobAlreadyActive"]),
        (cron_job(RUNNING, concurrencyPolicy="Forbid"), [job("old", "Complete")], True, 0, ["SawCompletedJob"]),
        (cron_job(RUNNING, concurrencyPolicy="Replace"), [job("old")], True, 1, []),
        (cron_job(RUNNING), [], True, 0, ["MissingJob"]),
        (cron_job({"lastScheduleTime": stamp(90_000)}), [], True, 0, ["TooManyMissedTimes"]),
        (cron_job(schedule="nonsense"), [], False, 0, ["UnparseableSchedule"]),
        (cron_job(timeZone="Mars/Olympus"), [], False, 0, ["UnknownTimeZone"]),
        (cron_job(schedule="59 11 * * *", startingDeadlineSeconds=30), [], False, 0, []),
        (cron_job(schedule="59 11 * * *", startingDeadlineSeconds=70), [], True, 0, []),
    ],
)
def test_what_to_do_now(given, jobs, create, stop, told):
    step = plan.decide(given, jobs, NOW)
    assert (step.create is not None, len(step.stop), reasons(step)) == (create, stop, told)


def test_a_job_made_by_hand_is_told_of_and_does_not_count():
    """`kubectl create job --from=cronjob/…` must not hold up the schedule."""
    step = plan.decide(cron_job(concurrencyPolicy="Forbid"), [job("by-hand")], NOW)
    assert (step.create is not None, reasons(step)) == (True, ["UnexpectedJob"])
    assert "active" not in step.status


def test_a_scheduled_job_that_the_status_does_not_know_is_taken_up():
    made = job("forgotten")
    made["metadata"]["annotations"] = {plan.SCHEDULED_AT: stamp(60)}
    step = plan.decide(cron_job({"lastScheduleTime": stamp(0)}), [made], NOW)
    assert [ref["name"] for ref in step.status["active"]] == ["forgotten"]
    assert reasons(step) == []


def test_it_looks_again_at_the_next_time():
    assert plan.decide(cron_job({"lastScheduleTime": stamp(0)}), [], NOW).wait == pytest.approx(60.1)


def test_history_keeps_the_youngest():
    jobs = [job(f"ok{i}", "Complete", age=i) for i in range(5)] + [job(f"bad{i}", "Failed", age=i) for i in range(3)]
    step = plan.decide(cron_job(suspend=True), jobs, NOW)
    assert sorted(meta.name(j) for j in step.delete) == ["bad1", "bad2", "ok3", "ok4"]
    assert step.status["lastSuccessfulTime"] == stamp(-1)


def test_a_job_is_named_by_its_minute():
    made = plan.new_job(cron_job(), NOW, UTC)
    assert made["metadata"]["name"] == f"cj-{int(NOW.timestamp()) // 60}"
    assert meta.annotations(made)[plan.SCHEDULED_AT] == stamp()
    assert meta.controller_of(made)["uid"] == "uid-cj"


async def test_a_cron_job_in_a_cluster(cluster):
    cluster.node.phase = "Succeeded"
    wanted = cron_job(schedule="@every 1s")
    wanted["metadata"] = {"name": "cj", "namespace": "default"}
    wanted["spec"]["successfulJobsHistoryLimit"] = 1
    await cluster.client.create(CRON_JOBS, wanted)

    async def succeeded():
        found = await cluster.client.get(CRON_JOBS, "cj", "default")
        return (found.get("status") or {}).get("lastSuccessfulTime") and await cluster.names(JOBS)

    await cluster.eventually(succeeded)
    await cluster.client.patch(CRON_JOBS, "cj", {"spec": {"suspend": True}}, "default")

    async def one_left():
        names = await cluster.names(JOBS)
        return names if len(names) == 1 else None

    (name,) = await cluster.eventually(one_left)
    assert name.startswith("cj-")
    assert metrics.REGISTRY.get_sample_value("cronjob_controller_job_creation_skew_duration_seconds_count") >= 1
