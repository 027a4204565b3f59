"""What is known of a store, and what of it is a problem."""

from msgspec import Struct, field

from pynetes.storage.compactor import PERIOD
from pynetes.storage.etcd.membership import MemberHealth

#: Periods without a compaction that succeeded, while an API server runs.
_LATE = 3
#: Entries of the raft log: a member that far behind will need a snapshot of its leader.
_FAR_BEHIND = 5000


class Compaction(Struct, frozen=True):
    """History before `revision` is gone, the newest that can be read; 0: none is.

    `age` is the time since a compactor was last well, seconds; None: none ever was. `versions` are those that are kept,
    the present one of each key included, and `unswept` the revisions that are compacted and still take room; None where
    the engine does not tell.
    """

    revision: int = 0
    age: float | None = None
    versions: int | None = None
    unswept: int | None = None


class Replication(Struct, frozen=True):
    """`role`: primary, standby, alone. `standbys` by name, with the bytes they are behind, None where it is unknown."""

    role: str
    standbys: dict[str, int | None] = field(default_factory=dict)


class StoreStatus(Struct):
    """`where` shows no password. `keys` are counted by resource (`pods`, `deployments.apps`).

    `error` tells why the store cannot be read; then the rest is as far as it is known. `size` is bytes on disk.
    `in_use`: whether an API server has it open; None where nobody knows.
    """

    engine: str
    where: str
    error: str = ""
    revision: int = 0
    size: int = 0
    keys: dict[str, int] = field(default_factory=dict)
    in_use: bool | None = None
    compaction: Compaction = field(default_factory=Compaction)
    replication: Replication | None = None
    members: list[MemberHealth] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Those that the engine itself tells of."""

    @property
    def compaction_is_behind(self) -> bool:
        age = self.compaction.age
        return bool(self.in_use and age is not None and age > _LATE * PERIOD)

    def all_problems(self) -> list[str]:
        """Empty: the store is healthy."""
        found = [self.error] if self.error else []
        if self.compaction_is_behind:
            minutes = (self.compaction.age or 0) / 60
            found.append(f"compaction is behind: the last one was {minutes:.0f} minutes ago, the store grows")
        for health in self.members:
            found += [f"member {health.member.name or health.member.id}: {problem}" for problem in _problems(health)]
        return found + self.problems


def _problems(health: MemberHealth) -> list[str]:
    found = [health.problem] if health.problem else []
    found += [f"alarm {alarm}" for alarm in health.alarms]
    if health.lag > _FAR_BEHIND:
        found.append(f"it is {health.lag} entries behind")
    return found
