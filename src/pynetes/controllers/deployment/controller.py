"""deployment-controller: reads a Deployment's ReplicaSets, asks `rollout` and `status`, writes."""

import logging
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import DEPLOYMENTS, PODS, REPLICA_SETS
from pynetes.client.events import NORMAL, WARNING
from pynetes.component import clock
from pynetes.controllers.base import NAMESPACE_TERMINATING, BaseController, has_cause
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.deployment import annotations, rollout, sizes, status
from pynetes.controllers.deployment.rollout import Revisions, Scale
from pynetes.controllers.deployment.template import HASH_LABEL, replica_set_name, same_template, template_hash
from pynetes.controllers.podcontrol.claims import Claimer
from pynetes.controllers.podcontrol.dependents import Dependents, selector_of
from pynetes.controllers.podcontrol.podindex import PodIndex

log = logging.getLogger(__name__)

Object = dict[str, Any]


class DeploymentController(BaseController):
    """Rolls Deployments out through ReplicaSets."""

    name = "deployment-controller"
    queue_name = "deployment"
    account = "deployment-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=context.config.concurrent_deployment_syncs)
        self.recorder = context.recorder(self.account, self.name)
        self.deployments = self.informer(DEPLOYMENTS)
        self.deployments.add_handler(self.enqueue, self.enqueue_update, self.enqueue)
        self.replica_sets = self.informer(REPLICA_SETS)
        self.dependents = Dependents(self.deployments, "Deployment", self.enqueue)
        self.dependents.follow(self.replica_sets)
        self.pods = PodIndex(self.informer(PODS))
        self.pods.informer.add_handler(on_delete=self._pod_deleted)

    # -- what the informers say

    def _pod_deleted(self, pod: Object) -> None:
        """A Recreate rollout goes on when the last old pod is gone."""
        reference = meta.controller_of(pod)
        if reference is None or reference["kind"] != "ReplicaSet":
            return
        rs = self.replica_sets.get(f"{meta.namespace(pod)}/{reference['name']}")
        deployment = self.dependents.owner(rs) if rs is not None else None
        if deployment is not None and not sizes.is_rolling(deployment):
            self.enqueue(deployment)

    # -- sync

    async def sync(self, key: str) -> None:
        cached = self.deployments.get(key)
        if cached is None:
            return
        deployment = meta.copy(cached)
        if deployment["spec"].get("selector") == {}:
            await self._refuse_to_select_all(deployment)
            return
        sets = await self._claim(deployment)
        if meta.is_deleting(deployment):
            await self._write_status(
                deployment, status.calculate(deployment, self._split(deployment, sets), clock.now())
            )
            return
        noted = status.pause_condition(deployment, clock.now())
        if noted is not None:
            deployment = await self._note(deployment, noted)
        revisions = self._split(deployment, sets)
        deployment, revisions = await self._sync_new(deployment, revisions)
        if deployment["spec"].get("paused") or rollout.is_scaling_event(deployment, revisions):
            await self._resize(deployment, revisions)
        elif sizes.is_rolling(deployment):
            await self._roll(deployment, revisions)
        else:
            await self._recreate(deployment, revisions)

    def _split(self, deployment: Object, sets: list[Object]) -> Revisions:
        return rollout.classify(deployment, sets)

    async def _refuse_to_select_all(self, deployment: Object) -> None:
        text = "This deployment is selecting all pods. A non-empty selector is required."
        self.recorder.event(deployment, WARNING, "SelectingAll", text)
        current = deployment.get("status") or {}
        if (current.get("observedGeneration") or 0) < meta.generation(deployment):
            observed = {**current, "observedGeneration": meta.generation(deployment)}
            await self.client.update_status(DEPLOYMENTS, {**deployment, "status": observed})

    async def _claim(self, deployment: Object) -> list[Object]:
        name, namespace = meta.name(deployment), meta.namespace(deployment)
        claimer = Claimer(self.client, REPLICA_SETS, deployment, lambda: self.client.get(DEPLOYMENTS, name, namespace))
        return await claimer.claim(selector_of(deployment), self.replica_sets.list(namespace))

    async def _resize(self, deployment: Object, revisions: Revisions) -> None:
        """A change of size, or a paused Deployment: scale, but start nothing new."""
        await self._scale(deployment, revisions, rollout.scale(deployment, revisions))
        if deployment["spec"].get("paused"):
            await self._clean_up(deployment, revisions.old)
        await self._write_status(deployment, status.calculate(deployment, revisions, clock.now()))

    async def _roll(self, deployment: Object, revisions: Revisions) -> None:
        if revisions.new is None:
            deployment, revisions = await self._create_new(deployment, revisions)
        steps = rollout.roll(deployment, revisions)
        await self._scale(deployment, revisions, steps)
        if not steps and status.is_complete(deployment, deployment.get("status") or {}):
            await self._clean_up(deployment, revisions.old)
        await self._write_rollout_status(deployment, revisions)

    async def _recreate(self, deployment: Object, revisions: Revisions) -> None:
        stopping = rollout.stop_old(revisions)
        await self._scale(deployment, revisions, stopping)
        pods = {meta.uid(rs): self.pods.owned(rs) for rs in revisions.all}
        if not stopping and not rollout.old_pods_running(revisions, pods):
            if revisions.new is None:
                deployment, revisions = await self._create_new(deployment, revisions)
            assert revisions.new is not None
            wanted = sizes.replicas(deployment)
            if sizes.replicas(revisions.new) != wanted:
                await self._scale(deployment, revisions, [Scale(meta.name(revisions.new), wanted)])
            if status.is_complete(deployment, deployment.get("status") or {}):
                await self._clean_up(deployment, revisions.old)
        await self._write_rollout_status(deployment, revisions)

    # -- the ReplicaSet of the current template

    async def _sync_new(self, deployment: Object, revisions: Revisions) -> tuple[Object, Revisions]:
        """Brings annotations, minReadySeconds and the revision of an existing new ReplicaSet up to date."""
        new = revisions.new
        if new is None:
            return deployment, revisions
        number = annotations.next_revision(revisions.old)
        wanted = annotations.for_new_replica_set(deployment, meta.annotations(new), number)
        min_ready = deployment["spec"].get("minReadySeconds") or 0
        if wanted != meta.annotations(new) or (new["spec"].get("minReadySeconds") or 0) != min_ready:
            changed = meta.copy(new)
            changed["metadata"]["annotations"] = wanted
            changed["spec"]["minReadySeconds"] = min_ready
            new = await self.client.update(REPLICA_SETS, changed)
            revisions = Revisions(new, revisions.old)
        found = None
        conditions = (deployment.get("status") or {}).get("conditions")
        if status.has_deadline(deployment) and meta.get_condition(conditions, status.PROGRESSING) is None:
            text = f'Found new replica set "{meta.name(new)}"'
            found = status.condition(status.PROGRESSING, "True", "FoundNewReplicaSet", text, clock.now())
        deployment = await self._note(deployment, found, meta.annotations(new).get(annotations.REVISION))
        return deployment, revisions

    async def _create_new(self, deployment: Object, revisions: Revisions) -> tuple[Object, Revisions]:
        number = annotations.next_revision(revisions.old)
        wanted = self._new_replica_set(deployment, revisions, number)
        name = meta.name(wanted)
        condition: Object | None = None
        try:
            created = await self.client.create(REPLICA_SETS, wanted)
        except StatusError as error:
            if error.reason == "AlreadyExists":
                created = await self._existing(deployment, wanted, error)
            elif has_cause(error, NAMESPACE_TERMINATING):
                raise
            else:
                await self._tell_failure(deployment, f'Failed to create new replica set "{name}": {error}')
                raise
        else:
            size = sizes.replicas(created)
            if size:
                self._tell_scaled(deployment, name, 0, size)
            if status.has_deadline(deployment):
                text = f'Created new replica set "{name}"'
                condition = status.condition(status.PROGRESSING, "True", "NewReplicaSetCreated", text, clock.now())
        deployment = await self._note(deployment, condition, str(number))
        return deployment, Revisions(created, revisions.old)

    def _new_replica_set(self, deployment: Object, revisions: Revisions, number: int) -> Object:
        spec = deployment["spec"]
        hash_ = template_hash(spec["template"], (deployment.get("status") or {}).get("collisionCount"))
        template = meta.copy(spec["template"])
        labels = {**(template.setdefault("metadata", {}).get("labels") or {}), HASH_LABEL: hash_}
        template["metadata"]["labels"] = labels
        selector = meta.copy(spec["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: hash_}
        wanted = sizes.replicas(deployment)
        notes = annotations.for_new_replica_set(deployment, {}, number)
        notes.update(annotations.sizes(wanted, wanted + sizes.max_surge(deployment)))
        return {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": replica_set_name(meta.name(deployment), hash_),
                "namespace": meta.namespace(deployment),
                "ownerReferences": [meta.owner_reference(deployment)],
                "labels": dict(labels),
                "annotations": notes,
            },
            "spec": {
                "replicas": sizes.new_replica_set_size(deployment, revisions.all, 0),
                "minReadySeconds": spec.get("minReadySeconds") or 0,
                "selector": selector,
                "template": template,
            },
        }

    async def _existing(self, deployment: Object, wanted: Object, error: StatusError) -> Object:
        """The ReplicaSet that has the name already: ours that the cache did not show yet, or a hash collision."""
        found = await self.client.get(REPLICA_SETS, meta.name(wanted), meta.namespace(wanted))
        same = same_template(found["spec"]["template"], deployment["spec"]["template"])
        if meta.is_controlled_by(found, deployment) and same:
            return found
        current = deployment.get("status") or {}
        bumped = {**current, "collisionCount": (current.get("collisionCount") or 0) + 1}
        await self.client.update_status(DEPLOYMENTS, {**deployment, "status": bumped})
        raise error

    async def _tell_failure(self, deployment: Object, text: str) -> None:
        self.recorder.event(deployment, WARNING, "ReplicaSetCreateError", text)
        if status.has_deadline(deployment):
            failed = status.condition(status.PROGRESSING, "False", "ReplicaSetCreateError", text, clock.now())
            try:
                await self._note(deployment, failed)
            except StatusError as error:
                log.debug("could not note %s: %s", text, error)

    # -- writes

    async def _note(self, deployment: Object, condition: Object | None, revision: str | None = None) -> Object:
        """Writes a condition and the revision, if they are news; the Deployment as it is then."""
        changed = meta.copy(deployment)
        if condition is not None:
            status.put_condition(changed.setdefault("status", {}).setdefault("conditions", []), condition)
        if revision is not None:
            meta.set_annotation(changed, annotations.REVISION, revision)
        if changed == deployment or (condition is None and meta.annotations(changed) == meta.annotations(deployment)):
            return deployment
        return await self.client.update_status(DEPLOYMENTS, changed)

    async def _scale(self, deployment: Object, revisions: Revisions, steps: list[Scale]) -> None:
        """Takes the steps in order; each follows on the object that the one before left."""
        latest = {meta.name(rs): rs for rs in revisions.all}
        wanted = sizes.replicas(deployment)
        noted = annotations.sizes(wanted, wanted + sizes.max_surge(deployment))
        for step in steps:
            rs = latest[step.name]
            before = sizes.replicas(rs)
            if before == step.to and (not step.force or noted.items() <= meta.annotations(rs).items()):
                continue
            changed = meta.copy(rs)
            changed["spec"]["replicas"] = step.to
            changed["metadata"]["annotations"] = {**meta.annotations(rs), **noted}
            latest[step.name] = await self.client.update(REPLICA_SETS, changed)
            if before != step.to:
                self._tell_scaled(deployment, step.name, before, step.to)

    def _tell_scaled(self, deployment: Object, name: str, before: int, after: int) -> None:
        direction = "up" if before < after else "down"
        text = f"Scaled {direction} replica set {name} from {before} to {after}"
        self.recorder.event(deployment, NORMAL, "ScalingReplicaSet", text)

    async def _clean_up(self, deployment: Object, old: list[Object]) -> None:
        for rs in rollout.surplus_history(deployment, old):
            try:
                await self.client.delete(REPLICA_SETS, meta.name(rs), meta.namespace(rs))
            except StatusError as error:
                if error.code != 404:
                    raise

    async def _write_rollout_status(self, deployment: Object, revisions: Revisions) -> None:
        now = clock.now()
        new = status.rollout_status(deployment, revisions, now)
        if not await self._write_status(deployment, new):
            wait = status.seconds_to_deadline(deployment, new, now)
            if wait is not None:
                self.queue.add_after(meta.key(deployment), wait)

    async def _write_status(self, deployment: Object, new: Object) -> bool:
        """Whether there was anything to write."""
        if status.same(deployment.get("status") or {}, new):
            return False
        await self.client.update_status(DEPLOYMENTS, {**deployment, "status": new})
        return True
