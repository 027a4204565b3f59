"""No more than ten managers of updates: the oldest become one, by version."""

from pynetes.apimachinery.managedfields import fieldset
from pynetes.apimachinery.managedfields.entries import UPDATE, ManagerId, Managers, Owned

MAX_UPDATE_MANAGERS = 10
ANCIENT = "ancient-changes"


def cap(managers: Managers) -> Managers:
    """The same dict if there are few enough; else a new one."""
    updaters = [manager for manager, owned in managers.items() if not owned.applied]
    excess = len(updaters) - MAX_UPDATE_MANAGERS
    if excess <= 0:
        return managers
    updaters.sort(key=lambda manager: (managers[manager].time, manager.text))
    out = dict(managers)
    firsts: dict[str, ManagerId] = {}
    for manager in updaters:
        if excess <= 0:
            break
        owned = managers[manager]
        version = owned.api_version
        if version not in firsts:  # one alone is not worth losing its name
            firsts[version] = manager
            continue
        bucket = ManagerId(ANCIENT, UPDATE, version)
        if bucket not in out:
            out[bucket] = out.pop(firsts[version])
        fields = fieldset.union(owned.fields, out[bucket].fields)
        del out[manager]
        out[bucket] = Owned(fields, version, False, owned.time)
        excess -= 1
    return out
