"""Running a manager's controllers: behind leader election or at once, all in one task group.

A controller that dies takes its manager with it: whoever supervises the process starts it again with a fresh view of
the cluster.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from pynetes.client.basecontroller import SharedController
from pynetes.client.controllercontext import SharedContext
from pynetes.client.events import EventRecorder
from pynetes.client.leaderelection import LeaderElector, default_identity
from pynetes.client.managerconfig import ManagerConfig
from pynetes.component import metrics
from pynetes.component.health import PING, Check, HealthGroup
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)

_RUNNING = metrics.gauge(
    "running_managed_controllers",
    "Indicates where instances of a controller are currently running",
    ["name", "manager"],
)

C = TypeVar("C", bound=SharedContext)


async def run_as_leader(
    context: SharedContext,
    config: ManagerConfig,
    work: Callable[[], Coroutine[Any, Any, None]],
    *,
    identity: str,
    health: HealthGroup,
) -> None:
    """Runs `work` while leading, or at once if there is no election; LeadershipLost if the lease is lost.

    `health` is given a check for the election.
    """
    if not config.leader_elect:
        await work()
        return
    async with Tasks("leader election") as tasks:
        recorder = EventRecorder(context.client, context.manager)
        tasks.start(recorder.run(), name="events")
        elector = LeaderElector(
            context.client,
            config.leader_elect_resource_namespace,
            config.leader_elect_resource_name,
            identity or default_identity(),
            config.leader_elect_lease_duration,
            config.leader_elect_renew_deadline,
            config.leader_elect_retry_period,
            recorder=recorder,
        )
        health.checks.append(elector.check())
        await elector.run(work)


async def run_together(context: C, controllers: Sequence[SharedController[C]], health: HealthGroup | None) -> None:
    """Starts what controllers share, and runs them; `health` is given a check for every one."""
    async with Tasks("controllers") as tasks:
        context.start(tasks)
        running = [tasks.start(_counted(each, context.manager), name=each.name) for each in controllers]
        if health is not None:
            health.checks += [Check(controller.name, PING.run) for controller in controllers]
        log.info("%d controllers of %s started in process %d", len(controllers), context.manager, os.getpid())
        await asyncio.gather(*running)


async def _counted(controller: SharedController[C], manager: str) -> None:
    running = _RUNNING.labels(controller.name, manager)
    running.set(1)
    try:
        await controller.run()
    finally:
        running.set(0)
