"""What a Job comes to: its counts and conditions, and which pods to create, delete or let go.

Counting is in two steps, so that it survives a crash between them: first a finished pod's uid goes into
`uncountedTerminatedPods`, then its finalizer is removed, and when that is seen the uid becomes a number.
"""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery import meta, times
from pynetes.controllers.job import failurepolicy, indexes, pods
from pynetes.controllers.podcontrol import ranking, state

Object = dict[str, Any]

MAX_CREATED = 500
MAX_UNCOUNTED = 500
BACKOFF_FIRST, BACKOFF_LIMIT = 10.0, 600.0


class Plan(Struct):
    status: Object
    create: list[int | None] = field(default_factory=list)
    """Completion indexes, or None each for a pod without."""
    drop: list[Object] = field(default_factory=list)
    """Pods to delete without counting them (fewer are wanted)."""
    kill: list[Object] = field(default_factory=list)
    """Pods to delete and count (the Job is over)."""
    release: list[Object] = field(default_factory=list)
    """Pods whose finalizer may go once the status is written."""
    wait: float | None = None
    events: list[tuple[str, str, str]] = field(default_factory=list)
    new_failures: int = 0
    new_successes: int = 0


def condition(conditions: list[Object], type: str) -> Object | None:
    found = meta.get_condition(conditions, type)
    return found if found is not None and found.get("status") == "True" else None


def outcome(status: Object) -> Object | None:
    """The condition of a Job that has ended."""
    conditions = status.get("conditions") or []
    return condition(conditions, "Complete") or condition(conditions, "Failed")


def is_finished(job: Object) -> bool:
    return outcome(job.get("status") or {}) is not None


def backoff(failures: int) -> float:
    """Seconds between the last failure and the next pod."""
    return min(BACKOFF_FIRST * 2.0 ** (failures - 1), BACKOFF_LIMIT) if failures else 0.0


class _Run:
    """One look at a Job."""

    def __init__(self, job: Object, found: list[Object], now: datetime) -> None:
        self.job, self.spec, self.pods, self.now = job, job["spec"], found, now
        self.old: Object = job.get("status") or {}
        self.stamp = times.format_time(now)
        self.active = [pod for pod in found if state.is_active(pod)]
        self.conditions: list[Object] = meta.copy(self.old.get("conditions") or [])
        uncounted = self.old.get("uncountedTerminatedPods") or {}
        self.uncounted_succeeded: list[str] = list(uncounted.get("succeeded") or ())
        self.uncounted_failed: list[str] = list(uncounted.get("failed") or ())
        self.succeeded: int = self.old.get("succeeded") or 0
        self.failed: int = self.old.get("failed") or 0
        self.start_time: str | None = self.old.get("startTime")
        self.indexed = pods.is_indexed(job)
        self.completions: int | None = self.spec.get("completions")
        self.done = indexes.parse(self.old.get("completedIndexes"), self.completions or 0) if self.indexed else set()
        self.bad: set[int] = set()
        self.plan = Plan({})

    # -- counting

    def count(self) -> None:
        """Numbers for what has lost its finalizer, uids for what has ended since."""
        tracked = {meta.uid(pod) for pod in self.pods if pods.is_tracked(pod)}
        settled = [uid for uid in self.uncounted_succeeded if uid not in tracked]
        self.succeeded += len(settled)
        self.uncounted_succeeded = [uid for uid in self.uncounted_succeeded if uid in tracked]
        settled = [uid for uid in self.uncounted_failed if uid not in tracked]
        self.failed += len(settled)
        self.uncounted_failed = [uid for uid in self.uncounted_failed if uid in tracked]
        for pod in self.pods:
            if len(self.uncounted_failed) + len(self.uncounted_succeeded) >= MAX_UNCOUNTED:
                break
            if pods.is_tracked(pod):
                self._count_pod(pod)
        if self.indexed:
            self.succeeded = len(self.done)
            self._find_failed_indexes()

    def _count_pod(self, pod: Object) -> None:
        uid = meta.uid(pod)
        if state.phase(pod) == "Succeeded" and uid not in self.uncounted_failed:
            self.plan.release.append(pod)
            index = pods.index_of(pod)
            if self.indexed:
                if 0 <= index < (self.completions or 0) and index not in self.done:
                    self.done.add(index)
                    self.plan.new_successes += 1
            elif uid not in self.uncounted_succeeded:
                self.uncounted_succeeded.append(uid)
                self.plan.new_successes += 1
        elif pods.is_failed(self.job, pod):
            self.plan.release.append(pod)
            verdict = failurepolicy.judge(self.spec.get("podFailurePolicy"), pod)
            if uid not in self.uncounted_failed and verdict.counts:
                self.uncounted_failed.append(uid)
                self.plan.new_failures += 1
        elif meta.is_deleting(self.job):
            self.plan.release.append(pod)

    def _find_failed_indexes(self) -> None:
        limit = self.spec.get("backoffLimitPerIndex")
        if limit is None:
            return
        self.bad = indexes.parse(self.old.get("failedIndexes"), self.completions or 0)
        for pod in self.pods:
            index = pods.index_of(pod)
            if index < 0 or index in self.done or not pods.is_failed(self.job, pod):
                continue
            verdict = failurepolicy.judge(self.spec.get("podFailurePolicy"), pod)
            if verdict.action == "FailIndex" or (verdict.counts and pods.index_failures(pod) >= limit):
                self.bad.add(index)

    def index_failures(self, index: int) -> int:
        """How often an index has failed so far, as its pods remember it."""
        failures = 0
        for pod in self.pods:
            if pods.index_of(pod) == index and pods.is_failed(self.job, pod):
                counted = failurepolicy.judge(self.spec.get("podFailurePolicy"), pod).counts
                failures = max(failures, pods.index_failures(pod) + counted)
        return failures

    @property
    def all_failed(self) -> int:
        return self.failed + len(self.uncounted_failed)

    @property
    def all_succeeded(self) -> int:
        return self.succeeded + len(self.uncounted_succeeded)

    # -- the end

    def failure(self) -> tuple[str, str] | None:
        """(reason, message) if the Job has failed."""
        for pod in self.pods:
            if state.phase(pod) == "Failed" or pods.is_failed(self.job, pod):
                verdict = failurepolicy.judge(self.spec.get("podFailurePolicy"), pod)
                if verdict.action == "FailJob":
                    return "PodFailurePolicy", verdict.message
        if self.all_failed > self.spec["backoffLimit"] or self._restarted_too_often():
            return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
        deadline = self.spec.get("activeDeadlineSeconds")
        if deadline is not None and self.start_time and not self.spec.get("suspend"):
            left = (times.parse_time(self.start_time) + timedelta(seconds=deadline) - self.now).total_seconds()
            if left <= 0:
                return "DeadlineExceeded", "Job was active longer than specified deadline"
            self.plan.wait = left + 0.01
        limit = self.spec.get("maxFailedIndexes")
        if limit is not None and len(self.bad) > limit:
            return "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes"
        if self.bad and len(self.bad) + len(self.done) >= (self.completions or 0):
            return "FailedIndexes", "Job has failed indexes"
        return None

    def _restarted_too_often(self) -> bool:
        """With restartPolicy OnFailure the kubelet's restarts count in place of pods."""
        if (self.spec["template"].get("spec") or {}).get("restartPolicy") != "OnFailure":
            return False
        restarts = 0
        for pod in self.pods:
            if state.phase(pod) in ("Running", "Pending"):
                status = pod.get("status") or {}
                for name in ("initContainerStatuses", "containerStatuses"):
                    restarts += sum(c.get("restartCount") or 0 for c in status.get(name) or ())
        limit: int = self.spec["backoffLimit"]
        return restarts > 0 if limit == 0 else restarts >= limit

    def success(self) -> tuple[str, str] | None:
        for index, rule in enumerate((self.spec.get("successPolicy") or {}).get("rules") or ()):
            if self._rule_holds(rule):
                return "SuccessPolicy", f"Matched rules at index {index}"
        reached = self.all_succeeded > 0 if self.completions is None else self.all_succeeded >= self.completions
        if reached and not self.active:
            return "CompletionsReached", "Reached expected number of succeeded pods"
        return None

    def _rule_holds(self, rule: Object) -> bool:
        listed, count = rule.get("succeededIndexes"), rule.get("succeededCount")
        total = self.completions or 0
        done = indexes.covers(listed, total, self.done) if listed else len(self.done)
        needed = count if count is not None else len(indexes.parse(listed, total))
        return done >= needed

    def conclude(self) -> str | None:
        """SuccessCriteriaMet or FailureTarget, put down if it is news: what the Job will end as."""
        for type in ("SuccessCriteriaMet", "FailureTarget"):
            if condition(self.conditions, type) is not None:
                return type
        failed = self.failure()
        if failed is not None:
            self._put("FailureTarget", "True", *failed)
            return "FailureTarget"
        met = self.success()
        if met is not None:
            self._put("SuccessCriteriaMet", "True", *met)
            return "SuccessCriteriaMet"
        return None

    def _put(self, type: str, status: str, reason: str, message: str) -> None:
        meta.remove_condition(self.conditions, type)
        self.conditions.append(
            {
                "type": type,
                "status": status,
                "lastProbeTime": self.stamp,
                "lastTransitionTime": self.stamp,
                "reason": reason,
                "message": message,
            }
        )

    def finish(self, outcome: str) -> None:
        """The last condition, when all pods have ended and are counted."""
        self.plan.kill = list(self.active)
        self.plan.wait = None
        if self.active or self.terminating or self.uncounted_failed or self.uncounted_succeeded:
            return
        if any(pods.is_tracked(pod) for pod in self.pods):
            return  # their finalizers go first: whoever sees the Job finished may delete its pods
        interim = condition(self.conditions, outcome)
        assert interim is not None
        reason, message = interim.get("reason") or "", interim.get("message") or ""
        if outcome == "FailureTarget":
            self._put("Failed", "True", reason, message)
            self.plan.events.append(("Warning", reason, message))
        else:
            self._put("Complete", "True", reason, message)
            if self.completions is not None and self.succeeded > self.completions:
                note = "Too many succeeded pods running after completion count reached"
                self.plan.events.append(("Warning", "TooManySucceededPods", note))
            self.plan.events.append(("Normal", "Completed", "Job completed"))

    @property
    def terminating(self) -> int:
        return sum(state.is_terminating(pod) for pod in self.pods)

    # -- more or fewer pods

    def manage(self, delay: float) -> None:
        """`delay`: seconds until new pods may be created, because of failures."""
        parallelism = self.spec.get("parallelism")
        parallelism = 1 if parallelism is None else parallelism
        if self.spec.get("suspend"):
            self.plan.drop = list(self.active)
            self._suspension("True", "JobSuspended", "Job suspended", "Suspended")
            return
        self._suspension("False", "JobResumed", "Job resumed", "Resumed")
        if self.completions is None:
            wanted = len(self.active) if self.all_succeeded else parallelism
        else:
            wanted = min(parallelism, max(0, self.completions - self.all_succeeded))
        surplus = len(self.active) - wanted
        if surplus > 0:
            self.plan.drop = self._least_wanted(surplus)
            return
        missing = -surplus - (self.terminating if pods.replaces_failed_only(self.job) else 0)
        if self.indexed:
            self._replace_duplicates()
        if missing <= 0:
            return
        if delay > 0:
            self.plan.wait = delay if self.plan.wait is None else min(self.plan.wait, delay)
            return
        self.plan.create = list(self._missing_indexes(missing)) if self.indexed else [None] * missing
        self.plan.create = self.plan.create[:MAX_CREATED]

    def _least_wanted(self, count: int) -> list[Object]:
        return ranking.choose(self.active, [], count, self.now)

    def _replace_duplicates(self) -> None:
        """Two pods of one index, or one of an index that is done: the younger goes."""
        seen: set[int] = set()
        for pod in sorted(self.active, key=lambda p: (meta.creation_time(p), meta.name(p))):
            index = pods.index_of(pod)
            if index < 0 or index >= (self.completions or 0) or index in seen or index in self.done:
                self.plan.drop.append(pod)
            seen.add(index)

    def _missing_indexes(self, count: int) -> list[int]:
        taken = {pods.index_of(pod) for pod in self.active} | self.done | self.bad
        if pods.replaces_failed_only(self.job):
            taken |= {pods.index_of(pod) for pod in self.pods if state.is_terminating(pod)}
        out = []
        for index in range(self.completions or 0):
            if index not in taken:
                out.append(index)
                if len(out) == count:
                    break
        return out

    def _suspension(self, status: str, reason: str, message: str, event: str) -> None:
        known = meta.get_condition(self.conditions, "Suspended")
        if (known is None and status == "False") or (known is not None and known.get("status") == status):
            return
        self._put("Suspended", status, reason, message)
        self.plan.events.append(("Normal", event, message))
        self.start_time = None if status == "True" else self.stamp

    # -- the status

    def status(self) -> Object:
        ready = sum(state.is_ready(pod) for pod in self.active)
        out: Object = {"conditions": self.conditions} if self.conditions else {}
        if self.start_time:
            out["startTime"] = self.start_time
        if condition(self.conditions, "Complete") is not None:
            out["completionTime"] = self.old.get("completionTime") or self.stamp
        counts = {"active": len(self.active), "succeeded": self.succeeded, "failed": self.failed}
        out.update({field: count for field, count in counts.items() if count})
        out.update(ready=ready, terminating=self.terminating)
        if self.done:
            out["completedIndexes"] = indexes.format(self.done)
        if self.indexed and self.spec.get("backoffLimitPerIndex") is not None:
            out["failedIndexes"] = indexes.format(self.bad)
        uncounted: Object = {}
        if self.uncounted_succeeded:
            uncounted["succeeded"] = self.uncounted_succeeded
        if self.uncounted_failed:
            uncounted["failed"] = self.uncounted_failed
        out["uncountedTerminatedPods"] = uncounted
        return out


def decide(
    job: Object, found: list[Object], now: datetime, *, may_write: bool = True, failures: int = 0, delay: float = 0.0
) -> Plan:
    """`may_write`: whether the cache shows all earlier creations and deletions. `failures` in a row so far have left
    `delay` seconds of back-off; what failed since adds to them."""
    run = _Run(job, found, now)
    if run.start_time is None and not job["spec"].get("suspend"):
        run.start_time = run.stamp
    run.count()
    if run.plan.new_failures:
        delay = backoff(run.plan.new_failures + (0 if run.plan.new_successes else failures))
    outcome = run.conclude()
    if outcome is not None:
        run.finish(outcome)
    elif may_write and not meta.is_deleting(job):
        run.manage(delay)
    run.plan.status = run.status()
    return run.plan


def index_failures(job: Object, found: list[Object], index: int, now: datetime) -> int:
    """How often an index failed, for the next pod to remember."""
    return _Run(job, found, now).index_failures(index)
