"""Providers: found by entry point, so that one is added by installing a package. `local` comes along.

A provider's entry point, in the group `pynetes.cloud_providers`, names a callable that makes a `CloudProvider` from
the text of `--cloud-config`. Providers import `pynetes.cloud.interface` and `context`, and nothing imports them.
"""

from importlib.metadata import entry_points

from pynetes.cloud.interface import CloudProvider

GROUP = "pynetes.cloud_providers"


class ProviderError(Exception):
    """There is no such provider, or it cannot be made from this configuration; the message says what to do."""


def names() -> list[str]:
    return sorted({point.name for point in entry_points(group=GROUP)})


def load(name: str, cloud_config: str = "") -> CloudProvider:
    """The provider `name`, made from the text of its configuration."""
    points = entry_points(group=GROUP, name=name)
    if not points:
        known = ", ".join(names()) or "none"
        raise ProviderError(f"unknown cloud provider {name!r}; installed are: {known}")
    make = next(iter(points)).load()
    try:
        made = make(cloud_config)
    except ValueError as error:
        raise ProviderError(f"cloud provider {name}: {error}") from error
    if not isinstance(made, CloudProvider):
        raise ProviderError(f"the entry point of cloud provider {name} made a {type(made).__name__}")
    return made
