"""Running the controllers: behind leader election or at once, all in one task group.

Informers start when this process leads. A controller that dies takes the manager with it: whoever supervises the
process starts it again with a fresh view of the cluster.
"""

import logging
import os
from typing import Any

from pynetes.client.events import EventRecorder
from pynetes.client.leaderelection import LeaderElector, default_identity
from pynetes.component.health import PING, Check, HealthGroup
from pynetes.component.tasks import Tasks
from pynetes.controllers.base import BaseController
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.registry import CONTROLLERS, enabled

log = logging.getLogger(__name__)

Object = dict[str, Any]


async def run(context: ControllerContext, *, identity: str = "", health: HealthGroup | None = None) -> None:
    """Runs all enabled controllers until cancelled; LeadershipLost if the lease is lost.

    `health` is given a check for the election and, once they run, one for every controller.
    """
    config = context.config
    names = enabled(config)
    health = health or HealthGroup("healthz", ())
    if not config.leader_elect:
        await run_controllers(context, names, health)
        return
    async with Tasks("leader election") as tasks:
        recorder = EventRecorder(context.client, "kube-controller-manager")
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
        await elector.run(lambda: run_controllers(context, names, health))


async def run_controllers(context: ControllerContext, names: list[str], health: HealthGroup | None = None) -> None:
    """Makes the controllers, starts what they share, and runs them."""
    controllers: list[BaseController] = [CONTROLLERS[name](context) for name in names]
    async with Tasks("controllers") as tasks:
        context.start(tasks)
        running = [tasks.start(controller.run(), name=controller.name) for controller in controllers]
        if health is not None:
            health.checks += [Check(controller.name, PING.run) for controller in controllers]
        log.info("%d controllers started in process %d", len(running), os.getpid())
        for task in running:
            await task
