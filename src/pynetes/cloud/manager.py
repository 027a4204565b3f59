"""Running the cloud controllers: behind leader election or at once, all in one task group."""

import logging
import os

from pynetes.client.events import EventRecorder
from pynetes.client.leaderelection import LeaderElector, default_identity
from pynetes.cloud import customresources
from pynetes.cloud.context import MANAGER, CloudContext
from pynetes.cloud.registry import constructors, enabled
from pynetes.component.health import PING, Check, HealthGroup
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)


async def run(context: CloudContext, *, identity: str = "", health: HealthGroup | None = None) -> None:
    """Runs all enabled controllers until cancelled; LeadershipLost if the lease is lost.

    `health` is given a check for the election and, once they run, one for every controller.
    """
    config = context.config
    names = enabled(config, context.provider)
    health = health or HealthGroup("healthz", ())
    try:
        if not config.leader_elect:
            await run_controllers(context, names, health)
            return
        async with Tasks("leader election") as tasks:
            recorder = EventRecorder(context.client, MANAGER)
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
    finally:
        await context.provider.close()


async def run_controllers(context: CloudContext, names: list[str], health: HealthGroup | None = None) -> None:
    """Applies the provider's definitions, starts it, makes the controllers, and runs them with what they share."""
    provider = context.provider
    await customresources.install(context.client, provider.custom_resource_definitions)
    await provider.start(context)
    make = constructors(provider)
    controllers = [make[name](context) for name in names]
    async with Tasks("cloud controllers") as tasks:
        context.start(tasks)
        running = [tasks.start(controller.run(), name=controller.name) for controller in controllers]
        if health is not None:
            health.checks += [Check(controller.name, PING.run) for controller in controllers]
        log.info("%d cloud controllers of provider %s in process %d", len(running), provider.name, os.getpid())
        for task in running:
            await task
