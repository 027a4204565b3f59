"""Follows FlowSchemas and levels, hands out seats, and tells in statuses what is wrong."""

import asyncio
import logging
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.flowcontrol import mandatory
from pynetes.apis.names import FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.flowcontrol.allocation import allocate, bounds
from pynetes.apiserver.flowcontrol.matching import Classifier, CompiledSchema
from pynetes.apiserver.flowcontrol.queueset import QueueSet, Queuing
from pynetes.apiserver.registry.registry import Registry
from pynetes.apiserver.requestinfo import RequestInfo
from pynetes.client.rest import Client
from pynetes.component import clock, metrics
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)

Object = dict[str, Any]

#: Who tells the conditions of FlowSchemas, among the owners of their fields.
FIELD_MANAGER = "api-priority-and-fairness-config-consumer-v1"
#: Seconds between two allocations of seats.
PERIOD = 10.0
_SETTLE = 0.1

_nominal = metrics.gauge(
    "apiserver_flowcontrol_nominal_limit_seats",
    "Nominal number of execution seats configured for each priority level",
    ("priority_level",),
)
_current = metrics.gauge(
    "apiserver_flowcontrol_current_limit_seats",
    "current derived number of execution seats available to each priority level",
    ("priority_level",),
)
_least = metrics.gauge(
    "apiserver_flowcontrol_lower_limit_seats",
    "Configured lower bound on number of execution seats available to each priority level",
    ("priority_level",),
)
_most = metrics.gauge(
    "apiserver_flowcontrol_upper_limit_seats",
    "Configured upper bound on number of execution seats available to each priority level",
    ("priority_level",),
)


class Level:
    """A priority level that takes requests."""

    __slots__ = ("name", "queues", "spec", "uid")

    def __init__(self, name: str, uid: str, spec: Object) -> None:
        self.name = name
        self.uid = uid
        self.spec = spec
        self.queues = QueueSet(Queuing.of(spec), 1, exempt=spec.get("type") == "Exempt")


class FlowController:
    """Ready from the start, with the mandatory objects; `run` follows what the cluster says."""

    def __init__(self, registry: Registry, client: Client, total: int) -> None:
        """`total` seats are shared by all levels."""
        self._registry = registry
        self._client = client
        self._total = total
        self._schemas: dict[str, Object] = {}
        self._configurations: dict[str, Object] = {}
        self._changed = asyncio.Event()
        self._levels: dict[str, Level] = {}
        self._catch_all_schema = mandatory.MANDATORY_SCHEMAS[1]
        self._classifier = Classifier((), self._catch_all_schema)
        self._rebuild()

    def find(self, user: UserInfo, info: RequestInfo) -> tuple[CompiledSchema, Level]:
        schema = self._classifier.schema_of(user, info)
        return schema, self._levels[schema.level]

    @property
    def levels(self) -> dict[str, Level]:
        return self._levels

    async def run(self) -> None:
        """Until cancelled."""
        async with Tasks("flow control") as tasks:
            for gvr, known in ((FLOW_SCHEMAS, self._schemas), (PRIORITY_LEVEL_CONFIGURATIONS, self._configurations)):
                tasks.start(self._registry.observe(gvr, self._observer(known)), name=str(gvr))
            tasks.start(self._follow(), name="changes")
            while True:
                await clock.sleep(PERIOD)
                self._allocate()

    def _observer(self, known: dict[str, Object]) -> Any:
        def seen(change: str, obj: Object) -> None:
            if change == "DELETED":
                known.pop(meta.name(obj), None)
            else:
                before = known.get(meta.name(obj))
                known[meta.name(obj)] = obj
                if before is not None and before["spec"] == obj["spec"]:
                    return
            self._changed.set()

        return seen

    async def _follow(self) -> None:
        while True:
            await self._changed.wait()
            await clock.sleep(_SETTLE)
            self._changed.clear()
            self._rebuild()
            await self._tell_dangling()

    def _rebuild(self) -> None:
        """Levels that stay keep their queues; those that go keep theirs until the last request has left."""
        specs = {meta.name(obj): (meta.uid(obj), obj["spec"]) for obj in mandatory.MANDATORY_LEVELS}
        specs |= {name: (meta.uid(obj), obj["spec"]) for name, obj in self._configurations.items()}
        levels = {}
        for name, (uid, spec) in specs.items():
            present = self._levels.get(name)
            keeps = present is not None and Queuing.of(present.spec) == Queuing.of(spec)
            if present is not None and keeps and present.queues.exempt == (spec.get("type") == "Exempt"):
                present.uid, present.spec = uid, spec
                levels[name] = present
            else:
                levels[name] = Level(name, uid, spec)
        self._levels = levels
        found = {meta.name(obj): obj for obj in mandatory.MANDATORY_SCHEMAS} | self._schemas
        usable = [obj for obj in found.values() if obj["spec"]["priorityLevelConfiguration"]["name"] in levels]
        self._classifier = Classifier(usable, found[mandatory.CATCH_ALL])
        self._allocate()

    def _allocate(self) -> None:
        limits = bounds({name: level.spec for name, level in self._levels.items()}, self._total)
        demand = {name: level.queues.demand.period(level.queues.seats_in_use) for name, level in self._levels.items()}
        for name, seats in allocate(limits, demand).items():
            self._levels[name].queues.set_limit(seats)
            _nominal.labels(name).set(limits[name].nominal)
            _current.labels(name).set(seats)
            _least.labels(name).set(limits[name].least)
            _most.labels(name).set(limits[name].most)

    async def _tell_dangling(self) -> None:
        """A FlowSchema whose level is not there takes no requests."""
        for schema in list(self._schemas.values()):
            level = schema["spec"]["priorityLevelConfiguration"]["name"]
            condition = dangling(level, level in self._configurations)
            conditions = meta.copy((schema.get("status") or {}).get("conditions") or [])
            present = meta.get_condition(conditions, "Dangling")
            if present is not None and all(present.get(key) == value for key, value in condition.items()):
                continue
            meta.set_condition(conditions, condition)
            told = {
                "apiVersion": schema["apiVersion"],
                "kind": schema["kind"],
                "metadata": {"name": meta.name(schema)},
                "status": {"conditions": [meta.get_condition(conditions, "Dangling")]},
            }
            try:
                await self._client.patch(
                    *(FLOW_SCHEMAS, meta.name(schema), told),
                    type="apply",
                    subresource="status",
                    field_manager=FIELD_MANAGER,
                    force=True,
                )
            except StatusError as error:
                if error.code in (404, 409):
                    continue  # another server tells, or the next change does
                log.warning("statuses of FlowSchemas are not told: %s", error)
                return


def dangling(level: str, exists: bool) -> Object:
    named = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}"'
    if exists:
        return {"type": "Dangling", "status": "False", "reason": "Found", "message": f"{named} and it exists"}
    message = f"{named} but there is no such object"
    return {"type": "Dangling", "status": "True", "reason": "NotFound", "message": message}
