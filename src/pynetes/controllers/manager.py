"""Running the controllers. Informers start when this process leads."""

from pynetes.client.manager import run_as_leader, run_together
from pynetes.component.health import HealthGroup
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.registry import CONTROLLERS, enabled


async def run(context: ControllerContext, *, identity: str = "", health: HealthGroup | None = None) -> None:
    """Runs all enabled controllers until cancelled; LeadershipLost if the lease is lost.

    `health` is given a check for the election and, once they run, one for every controller.
    """
    names = enabled(context.config)
    health = health or HealthGroup("healthz", ())

    async def work() -> None:
        await run_controllers(context, names, health)

    await run_as_leader(context, context.config, work, identity=identity, health=health)


async def run_controllers(context: ControllerContext, names: list[str], health: HealthGroup | None = None) -> None:
    """Makes the controllers, starts what they share, and runs them."""
    await run_together(context, [CONTROLLERS[name](context) for name in names], health)
