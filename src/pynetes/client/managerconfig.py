"""The settings that every manager of controllers has."""

from msgspec import Struct


class ManagerConfig(Struct, frozen=True):
    """Names and defaults are the originals' flags'. Durations are seconds."""

    controllers: tuple[str, ...] = ("*",)
    """`*` for all that are on by default, `name` to switch one on, `-name` to switch one off."""
    leader_elect: bool = True
    leader_elect_lease_duration: float = 15
    leader_elect_renew_deadline: float = 10
    leader_elect_retry_period: float = 2
    leader_elect_resource_namespace: str = "kube-system"
    leader_elect_resource_name: str = ""
