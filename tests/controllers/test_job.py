"""Jobs: decisions by table, and whole lives against the real API server."""

import pytest
from controller_objects import NOW, pod, stamp

from pynetes.apimachinery import meta
from pynetes.apis.names import EVENTS, JOBS, PODS
from pynetes.component import metrics
from pynetes.controllers.job import failurepolicy, indexes, plan, pods
from pynetes.controllers.ttlafterfinished import seconds_left


def job(status=None, **spec):
    spec = {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 6,
        "podReplacementPolicy": "TerminatingOrFailed",
        **spec,
    }
    spec.setdefault("template", {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c"}]}})
    if spec["completions"] is None:
        del spec["completions"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j", "namespace": "ns", "uid": "uid-j"},
        "spec": spec,
        "status": status or {},
    }


def worker(name, phase="Running", *, index=None, tracked=True, failures=None, **kwargs):
    notes = {} if index is None else {pods.INDEX: str(index)}
    if failures is not None:
        notes[pods.INDEX_FAILURES] = str(failures)
    found = pod(name, phase=phase, ready=phase == "Running", annotations=notes, **kwargs)
    found["metadata"]["finalizers"] = [pods.FINALIZER] if tracked else []
    return found


def names(found):
    return sorted(meta.name(p) for p in found)


def conditions(step):
    return {c["type"]: (c["status"], c.get("reason")) for c in step.status.get("conditions") or ()}


@pytest.mark.parametrize(
    ("given", "text"),
    [(set(), ""), ({1}, "1"), ({1, 2}, "1,2"), ({1, 2, 3, 7}, "1-3,7"), ({0, 2, 3, 4, 6, 7}, "0,2-4,6,7")],
)
def test_indexes_are_written_short_and_read_again(given, text):
    assert indexes.format(given) == text
    assert indexes.parse(text, 100) == given
    assert indexes.parse(text, 3) == {i for i in given if i < 3}


STARTS = {
    "the first pod": (job(), [], [None]),
    "as many as fit": (job(parallelism=3, completions=5), [worker("a")], [None, None]),
    "no more than are left": (job(parallelism=5, completions=2), [worker("a", "Succeeded")], [None]),
    "a queue starts its workers": (job(parallelism=2, completions=None), [], [None, None]),
    "a queue that drains gets no more": (
        job(parallelism=2, completions=None),
        [worker("a", "Succeeded"), worker("b")],
        [],
    ),
    "indexes in order": (job(parallelism=2, completions=4, completionMode="Indexed"), [worker("a", index=0)], [1]),
    "an index that failed is tried again": (
        job(parallelism=2, completions=2, completionMode="Indexed"),
        [worker("a", "Failed", index=0, tracked=False), worker("b", index=1)],
        [0],
    ),
    "a pod on its way out is replaced": (job(), [worker("a", deleting=True, tracked=False)], [None]),
    "unless it must have ended": (
        job(podReplacementPolicy="Failed"),
        [worker("a", deleting=True, tracked=False)],
        [],
    ),
    "suspended": (job(suspend=True), [], []),
}


@pytest.mark.parametrize("case", STARTS)
def test_which_pods_are_created(case):
    given, found, expected = STARTS[case]
    assert plan.decide(given, found, NOW).create == expected


def test_nothing_is_created_before_the_cache_caught_up():
    assert plan.decide(job(), [], NOW, may_write=False).create == []


def test_counting_takes_two_steps():
    found = [worker("ok", "Succeeded"), worker("bad", "Failed"), worker("run")]
    step = plan.decide(job(completions=5, parallelism=2), found, NOW)
    assert step.status["uncountedTerminatedPods"] == {"succeeded": ["uid-ok"], "failed": ["uid-bad"]}
    assert names(step.release) == ["bad", "ok"]
    assert "succeeded" not in step.status
    released = [worker("ok", "Succeeded", tracked=False), worker("bad", "Failed", tracked=False), worker("run")]
    step = plan.decide(job(step.status, completions=5, parallelism=2), released, NOW)
    assert step.status["uncountedTerminatedPods"] == {}
    assert (step.status["succeeded"], step.status["failed"], step.status["active"]) == (1, 1, 1)
    gone = plan.decide(job({"uncountedTerminatedPods": {"succeeded": ["uid-x"]}}, completions=5), [], NOW)
    assert gone.status["succeeded"] == 1


def test_a_job_ends_in_two_steps():
    done = worker("a", "Succeeded")
    step = plan.decide(job(), [done], NOW)
    assert conditions(step) == {"SuccessCriteriaMet": ("True", "CompletionsReached")}
    assert "completionTime" not in step.status
    step = plan.decide(job(step.status), [worker("a", "Succeeded", tracked=False)], NOW)
    assert conditions(step)["Complete"] == ("True", "CompletionsReached")
    assert step.status["completionTime"] == stamp()
    assert step.events == [("Normal", "Completed", "Job completed")]
    assert plan.is_finished(job(step.status))


FAILURES = {
    "too many failures": (job({"failed": 2}, backoffLimit=1), [worker("x")], "BackoffLimitExceeded"),
    "not yet too many": (job({"failed": 1}, backoffLimit=1), [worker("x")], None),
    "too late": (
        job({"startTime": stamp(100)}, activeDeadlineSeconds=99),
        [worker("x")],
        "DeadlineExceeded",
    ),
    "in time": (job({"startTime": stamp(100)}, activeDeadlineSeconds=101), [worker("x")], None),
    "restarted too often": (
        job(
            backoffLimit=3,
            template={"spec": {"restartPolicy": "OnFailure", "containers": []}},
        ),
        [worker("x", restarts=3)],
        "BackoffLimitExceeded",
    ),
    "an index gave up, the rest is done": (
        job(
            {"completedIndexes": "1"},
            completions=2,
            completionMode="Indexed",
            backoffLimitPerIndex=0,
            backoffLimit=2**31 - 1,
        ),
        [worker("x", "Failed", index=0, failures=0)],
        "FailedIndexes",
    ),
    "too many indexes gave up": (
        job(
            completions=5,
            completionMode="Indexed",
            backoffLimitPerIndex=0,
            maxFailedIndexes=0,
            backoffLimit=2**31 - 1,
        ),
        [worker("x", "Failed", index=0, failures=0)],
        "MaxFailedIndexesExceeded",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_how_a_job_fails(case):
    given, found, reason = FAILURES[case]
    step = plan.decide(given, found, NOW)
    assert conditions(step).get("FailureTarget", (None, None))[1] == reason
    assert names(step.kill) == (names(p for p in found if p["status"]["phase"] == "Running") if reason else [])


def test_failure_is_final_when_all_pods_have_ended():
    step = plan.decide(job({"failed": 7}), [worker("x")], NOW)
    dying = [worker("x", deleting=True)]
    step = plan.decide(job(step.status), dying, NOW)
    assert "Failed" not in conditions(step)
    step = plan.decide(job(step.status), [], NOW)
    assert conditions(step)["Failed"] == ("True", "BackoffLimitExceeded")
    assert step.status["failed"] == 8


def test_back_off_doubles():
    assert [plan.backoff(n) for n in (0, 1, 2, 3, 7, 50)] == [0, 10, 20, 40, 600, 600]
    step = plan.decide(job(), [worker("a", "Failed")], NOW)
    assert (step.create, step.wait) == ([], 10)
    step = plan.decide(job(), [worker("a", "Failed")], NOW, failures=2)
    assert step.wait == 40
    step = plan.decide(job(), [], NOW, failures=1, delay=3)
    assert (step.create, step.wait) == ([], 3)


def test_suspending_and_resuming():
    step = plan.decide(job({"startTime": stamp(50)}, suspend=True), [worker("a")], NOW)
    assert conditions(step)["Suspended"] == ("True", "JobSuspended")
    assert names(step.drop) == ["a"]
    assert "startTime" not in step.status
    again = plan.decide(job(step.status, suspend=True), [], NOW)
    assert again.events == []
    resumed = plan.decide(job(step.status), [], NOW)
    assert conditions(resumed)["Suspended"] == ("False", "JobResumed")
    assert resumed.status["startTime"] == stamp()


def test_a_success_policy_ends_a_job_early():
    policy = {"rules": [{"succeededIndexes": "0,3", "succeededCount": 1}]}
    given = job({"completedIndexes": "3"}, completions=5, completionMode="Indexed", successPolicy=policy)
    step = plan.decide(given, [worker("x", index=1)], NOW)
    assert conditions(step) == {"SuccessCriteriaMet": ("True", "SuccessPolicy")}
    assert names(step.kill) == ["x"]


def test_two_pods_of_one_index():
    given = job(parallelism=3, completions=3, completionMode="Indexed")
    step = plan.decide(given, [worker("old", index=0, age=9), worker("new", index=0, age=1)], NOW)
    assert names(step.drop) == ["new"]


def exited(code, name="c"):
    found = worker("x", "Failed")
    found["status"]["containerStatuses"] = [{"name": name, "state": {"terminated": {"exitCode": code}}}]
    return found


@pytest.mark.parametrize(
    ("rule", "given", "action"),
    [
        ({"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}, exited(42), "FailJob"),
        ({"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}, exited(1), "Count"),
        ({"action": "Ignore", "onExitCodes": {"operator": "NotIn", "values": [42]}}, exited(1), "Ignore"),
        (
            {"action": "FailJob", "onExitCodes": {"containerName": "d", "operator": "In", "values": [1]}},
            exited(1),
            "Count",
        ),
        ({"action": "Ignore", "onPodConditions": [{"type": "Ready", "status": "False"}]}, exited(1), "Ignore"),
    ],
)
def test_failure_policies(rule, given, action):
    assert failurepolicy.judge({"rules": [rule]}, given).action == action


def test_an_indexed_pod_knows_its_index():
    made = pods.new_pod(job(completionMode="Indexed"), 3)
    assert made["metadata"]["generateName"] == "j-3-"
    assert made["metadata"]["finalizers"] == [pods.FINALIZER]
    assert made["spec"]["hostname"] == "j-3"
    assert made["spec"]["containers"][0]["env"][0]["name"] == "JOB_COMPLETION_INDEX"


@pytest.mark.parametrize(
    ("ttl", "ended", "left"), [(None, "Complete", None), (10, None, None), (10, "Complete", 5), (3, "Failed", -2)]
)
def test_time_to_live(ttl, ended, left):
    conditions = [{"type": ended, "status": "True", "lastTransitionTime": stamp(5)}] if ended else []
    given = job({"conditions": conditions}, **({"ttlSecondsAfterFinished": ttl} if ttl is not None else {}))
    assert seconds_left(given, NOW) == left


def request(name="j", **spec):
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
    return {"metadata": {"name": name, "namespace": "default"}, "spec": {"template": template, **spec}}


async def finished(cluster, type, name="j"):
    async def check():
        found = await cluster.client.get(JOBS, name, "default")
        return meta.is_condition_true((found.get("status") or {}).get("conditions"), type) and found

    return await cluster.eventually(check)


def counted():
    finished = {"completion_mode": "Indexed", "result": "succeeded"}
    synced = {"completion_mode": "Indexed", "result": "success", "action": "pods_created"}
    wanted = (
        ("job_controller_jobs_finished_total", {**finished, "reason": "CompletionsReached"}),
        ("job_controller_job_pods_finished_total", finished),
        ("job_controller_job_syncs_total", synced),
        ("job_controller_job_sync_duration_seconds_count", synced),
    )
    return [metrics.REGISTRY.get_sample_value(name, labels) or 0 for name, labels in wanted]


async def test_a_job_in_a_cluster(cluster):
    before = counted()
    cluster.node.phase = "Succeeded"
    await cluster.client.create(JOBS, request(completions=4, parallelism=2, completionMode="Indexed"))
    found = await finished(cluster, "Complete")
    assert (found["status"]["succeeded"], found["status"]["completedIndexes"]) == (4, "0-3")
    listed = (await cluster.client.list(PODS, "default"))["items"]
    assert sorted(meta.labels(p)[pods.INDEX] for p in listed) == ["0", "1", "2", "3"]
    assert not any(pods.is_tracked(p) for p in listed)

    async def measured():
        jobs_ended, pods_ended, syncs, timed = (now - then for now, then in zip(counted(), before, strict=True))
        return (jobs_ended, pods_ended) == (1, 4) and syncs == timed >= 1

    await cluster.eventually(measured)

    async def told():
        listed = (await cluster.client.list(EVENTS, "default"))["items"]
        return next((event["message"] for event in listed if event["reason"] == "Completed"), None)

    assert await cluster.eventually(told) == "Job completed"
    await cluster.client.delete(JOBS, "j", "default", propagation_policy="Background")

    async def empty():
        return not await cluster.names(PODS)

    await cluster.eventually(empty)


async def test_a_failing_job_in_a_cluster(cluster):
    cluster.node.phase = "Failed"
    await cluster.client.create(JOBS, request(backoffLimit=0))
    found = await finished(cluster, "Failed")
    assert found["status"]["failed"] == 1
    assert found["status"]["conditions"][-1]["reason"] == "BackoffLimitExceeded"


async def test_a_running_job_is_deleted_with_its_pods(cluster):
    await cluster.client.create(JOBS, request(parallelism=2, completions=2))

    async def running():
        return len(await cluster.names(PODS)) == 2

    await cluster.eventually(running)
    await cluster.client.delete(JOBS, "j", "default", propagation_policy="Background")

    async def empty():
        return not await cluster.names(PODS)

    await cluster.eventually(empty)


async def test_a_finished_job_is_deleted_in_time(cluster):
    cluster.node.phase = "Succeeded"
    await cluster.client.create(JOBS, request(ttlSecondsAfterFinished=0))
    await cluster.gone(JOBS, "j")
    assert await cluster.names(PODS) == []
