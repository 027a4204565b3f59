"""Running the cloud controllers, and the provider that they serve."""

from pynetes.client.manager import run_as_leader, run_together
from pynetes.cloud import customresources
from pynetes.cloud.context import CloudContext
from pynetes.cloud.registry import constructors, enabled
from pynetes.component.health import HealthGroup


async def run(context: CloudContext, *, identity: str = "", health: HealthGroup | None = None) -> None:
    """Runs all enabled controllers until cancelled; LeadershipLost if the lease is lost.

    `health` is given a check for the election and, once they run, one for every controller.
    """
    names = enabled(context.config, context.provider)
    health = health or HealthGroup("healthz", ())

    async def work() -> None:
        await run_controllers(context, names, health)

    try:
        await run_as_leader(context, context.config, work, identity=identity, health=health)
    finally:
        await context.provider.close()


async def run_controllers(context: CloudContext, names: list[str], health: HealthGroup | None = None) -> None:
    """Applies the provider's definitions, starts it, makes the controllers, and runs them with what they share."""
    provider = context.provider
    await customresources.install(context.client, provider.custom_resource_definitions)
    await provider.start(context)
    make = constructors(provider)
    await run_together(context, [make[name](context) for name in names], health)
