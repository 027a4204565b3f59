"""Who leads: the leases of the control plane's components."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from pynetes.apimachinery import meta, times
from pynetes.cli.status.remarks import BAD, Remark

Object = dict[str, Any]

SECTION = "leaders"
#: Without one of these nothing is scheduled, nothing is controlled.
NEEDED = ("kube-controller-manager", "kube-scheduler")


class Leader(Struct, frozen=True):
    """`age`: seconds since the lease was last renewed; after `duration` without renewal another may take it.

    The age rests on two machines' clocks, so that a little more is no alarm.
    """

    lease: str
    holder: str
    age: float | None
    duration: float

    @property
    def host(self) -> str:
        """The machine: an identity is its name and a random part."""
        return self.holder.rpartition("_")[0] or self.holder

    @property
    def leads(self) -> bool:
        return bool(self.holder) and self.age is not None and self.age <= 2 * self.duration

    def document(self) -> Object:
        return {**asdict(self), "host": self.host, "leads": self.leads}


def leaders(leases: Iterable[Object], now: datetime) -> list[Leader]:
    """Of kube-system's leases, those of leader elections."""
    found = []
    for lease in leases:
        spec = lease.get("spec") or {}
        if "leaseTransitions" not in spec and meta.name(lease) not in NEEDED:
            continue  # an API server's identity, and whatever else uses a lease
        renewed = spec.get("renewTime")
        age = max(0.0, (now - times.parse_time(renewed)).total_seconds()) if renewed else None
        duration = float(spec.get("leaseDurationSeconds") or 0)
        found.append(Leader(meta.name(lease), spec.get("holderIdentity") or "", age, duration))
    return sorted(found, key=lambda leader: leader.lease)


def remarks(found: list[Leader]) -> list[Remark]:
    said = [_remark(leader) for leader in found if not leader.leads]
    missing = [name for name in NEEDED if name not in {leader.lease for leader in found}]
    return said + [
        Remark(BAD, SECTION, f"{name} has never led", f"see the log {_log(name)} on a control plane's machine")
        for name in missing
    ]


def _remark(leader: Leader) -> Remark:
    if not leader.holder:
        what = f"nobody leads as {leader.lease}"
    else:
        ago = "never" if leader.age is None else f"last {times.human_duration(leader.age)} ago"
        what = f"{leader.lease} on {leader.host} does not renew its lease ({ago})"
    remedy = f"another takes over within seconds if it runs, see {_log(leader.lease)}; or the machines' clocks differ"
    return Remark(BAD, SECTION, what, remedy)


def _log(lease: str) -> str:
    return f"<data-dir>/log/{lease.removeprefix('kube-')}.log"
