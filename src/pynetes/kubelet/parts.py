"""A kubelet's parts, put together: what each is made of, and what they tell each other. Nothing runs yet."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pynetes.apis.names import PODS
from pynetes.client.events import EventRecorder
from pynetes.client.informer import Informer
from pynetes.client.rest import Client
from pynetes.component.health import HealthGroup
from pynetes.component.tasks import Tasks
from pynetes.kubelet import machine, node_status, standalone
from pynetes.kubelet import pod as pods
from pynetes.kubelet.admit import NodeFacts, Rejection, admit
from pynetes.kubelet.allocation import Allocations
from pynetes.kubelet.cgroups import PodCgroups
from pynetes.kubelet.collection import Collectors
from pynetes.kubelet.config import KubeletConfig
from pynetes.kubelet.containerd import detect_machine
from pynetes.kubelet.cri.events import subscribe
from pynetes.kubelet.events import PodEvents, Recorder
from pynetes.kubelet.housekeeping import Housekeeping
from pynetes.kubelet.images import ImageManager
from pynetes.kubelet.node_status import NodeStatus, node_reference
from pynetes.kubelet.objects import NodeObjects
from pynetes.kubelet.pleg import PLEG
from pynetes.kubelet.pod_handlers import PodHandlers
from pynetes.kubelet.pod_manager import PodManager
from pynetes.kubelet.pod_support import NodePodSupport
from pynetes.kubelet.pod_syncer import NodePodSyncer
from pynetes.kubelet.pod_workers import PodWorkers
from pynetes.kubelet.probes.http import HTTPProber
from pynetes.kubelet.probes.manager import ProbeManager
from pynetes.kubelet.probes.prober import Prober
from pynetes.kubelet.probes.results import Result
from pynetes.kubelet.probes.worker import Surroundings
from pynetes.kubelet.runtime.backoff import Backoff
from pynetes.kubelet.runtime.hooks import HookRunner
from pynetes.kubelet.runtime.inspect import RuntimeInspector
from pynetes.kubelet.runtime.killer import Killer
from pynetes.kubelet.runtime.manager import RuntimeManager
from pynetes.kubelet.runtime.resources import detect as detect_resources
from pynetes.kubelet.runtime.starter import Directories, Starter
from pynetes.kubelet.runtime_connection import Runtime
from pynetes.kubelet.server.server import KubeletServer
from pynetes.kubelet.serving import NodeServer
from pynetes.kubelet.static_pods import MirrorClient
from pynetes.kubelet.stats import StatsProvider
from pynetes.kubelet.status.manager import StatusManager
from pynetes.kubelet.tokens import TokenManager
from pynetes.kubelet.user_namespaces import UserNamespaces
from pynetes.kubelet.volumes import VolumeManager
from pynetes.kubelet.volumes.plugin import Sources
from pynetes.kubelet.volumes.sources import from_cluster

Pod = dict[str, Any]


class Parts:
    """`client` is None on a standalone node; `started_at` is in seconds since the epoch."""

    def __init__(
        self,
        client: Client | None,
        config: KubeletConfig,
        tasks: Tasks,
        runtime: Runtime,
        http: HTTPProber,
        *,
        started_at: float,
    ) -> None:
        self.client, self.config, self.started_at = client, config, started_at
        self._tasks, self._http = tasks, http
        self.runtime_service, self.image_service = runtime.service, runtime.images
        self.runtime_state = runtime.state
        self.manager = PodManager()
        self.health = HealthGroup("healthz")
        self._static_pods_read = not config.static_pod_path
        self._make_api_side()
        self.cgroups = (
            PodCgroups(
                config.cgroup_root,
                config.cgroup_driver,
                pids_limit=config.pod_pids_limit,
                cpu_cfs_quota=config.cpu_cfs_quota,
            )
            if config.cgroups_per_qos
            else None
        )
        self.user_namespaces = UserNamespaces(config.root_dir, config.max_pods)
        self.allocations = Allocations(config.root_dir, self.events)
        self.inspector = RuntimeInspector(self.runtime_service, runtime_name=runtime.name)
        self.pleg = PLEG(
            self.inspector,
            (lambda: subscribe(runtime.channel)) if runtime.name == "containerd" else None,
            self._pod_happened,
            relist_period=config.pleg_relist_period,
            relist_period_with_events=config.pleg_relist_with_events,
        )
        self.runtime_state.add_check(
            "PLEG", lambda: "" if self.pleg.healthy() else "pleg was last seen active long ago"
        )
        self._make_probes()
        self._make_volumes()
        self.images = self._make_images()
        self._make_pod_syncer()
        self._make_pod_workers()
        self._make_statistics()
        self.server = NodeServer(config, self._make_server, self.host_ips, self._tasks)
        if self.client is not None:
            self._make_node(self.client)

    def _make_api_side(self) -> None:
        self.objects = NodeObjects(self.client) if self.client else None
        self.tokens = TokenManager(self.client) if self.client else None
        self.recorder: Recorder = (
            EventRecorder(self.client, "kubelet", self.config.node_name)
            if self.client
            else standalone.LoggingRecorder()
        )
        self.events = PodEvents(self.recorder)
        # Workers are made below: until then nothing can be known of what runs.
        self.statuses = StatusManager(
            self.client, self.manager, lambda uid: self.workers.could_have_running_containers(uid)
        )
        self.node_status: NodeStatus | None = None
        self.mirrors = MirrorClient(self.client, self.manager, self.node) if self.client else None

    def _make_probes(self) -> None:
        prober = Prober(self.runtime_service, self._http, self.events, max_exec=self.config.max_concurrent_exec_probes)
        around = Surroundings(self.manager.get, self.statuses.get, self.started_at)
        self.probes = ProbeManager(self._tasks, prober, around)
        self.probes.results["liveness"].on_change = self._liveness_changed
        self.probes.results["readiness"].on_change = self._readiness_changed
        self.probes.results["startup"].on_change = self._startup_changed

    def _make_volumes(self) -> None:
        if self.objects is not None and self.tokens is not None:
            sources = from_cluster(self.objects, self.tokens, self.node)
        else:
            sources = Sources(standalone.no_object, standalone.no_object, standalone.no_token, self.node)
        self.volumes = VolumeManager(
            Path(self.config.root_dir),
            sources,
            recursive_read_only=self.runtime_state.recursive_read_only,
            on_refresh_error=lambda pod, message: self.events.pod(pod, "Warning", "FailedMount", message),
        )
        if self.objects is not None:
            self.objects.add_listener(self.volumes.object_changed)

    def _make_images(self) -> ImageManager:
        config = self.config
        return ImageManager(
            self.image_service,
            event=self._image_event,
            secret=self.objects.secret if self.objects else standalone.no_object,
            serialize=config.serialize_image_pulls,
            max_parallel_pulls=config.max_parallel_image_pulls,
            qps=config.registry_pull_qps,
            burst=config.registry_burst,
            node_credentials=Path(config.registry_config),
            records=Path(config.root_dir) / "image_manager",
        )

    def _make_support(self) -> NodePodSupport:
        return NodePodSupport(
            config=self.config,
            images=self.images,
            volumes=self.volumes,
            cgroups=self.cgroups,
            user_namespaces=self.user_namespaces,
            runtime_state=self.runtime_state,
            objects=self.objects,
            client=self.client,
            host_ips=self.host_ips,
            node=self.node,
            on_sandbox_ready=lambda pod: self.syncer.sandbox_ready(pod),
            allocations=self.allocations,
        )

    def _make_runtime_manager(self) -> RuntimeManager:
        config, support = self.config, self._make_support()
        hooks = HookRunner(self.runtime_service, self._http, self.events, self._pod_ips)
        killer = Killer(self.runtime_service, hooks, self.events)
        directories = Directories(config.root_dir, config.pod_logs_dir, config.container_logs_dir)
        node = detect_resources(
            machine.meminfo()["MemTotal"],
            cpu_cfs_quota=config.cpu_cfs_quota,
            cpu_cfs_quota_period=config.cpu_cfs_quota_period,
        )
        starter = Starter(
            self.runtime_service,
            self.image_service,
            hooks,
            killer,
            self.events,
            support,
            directories=directories,
            node=node,
            seccomp_default=config.seccomp_default,
        )
        return RuntimeManager(
            self.runtime_service,
            self.inspector,
            starter,
            killer,
            self.events,
            support,
            directories=directories,
            cluster_domain=config.cluster_domain,
            backoff=Backoff(min(10.0, config.max_container_restart_period), config.max_container_restart_period),
        )

    def _make_pod_syncer(self) -> None:
        self.syncer = NodePodSyncer(
            config=self.config,
            events=self.events,
            pleg=self.pleg,
            runtime=self._make_runtime_manager(),
            runtime_state=self.runtime_state,
            statuses=self.statuses,
            probes=self.probes,
            volumes=self.volumes,
            cgroups=self.cgroups,
            user_namespaces=self.user_namespaces,
            objects=self.objects,
            mirrors=self.mirrors,
            host_ips=self.host_ips,
            allocations=self.allocations,
            admit=self._admit,
            other_pods=lambda pod: self.handlers.active_pods(but=pods.uid(pod)),
        )

    def _make_pod_workers(self) -> None:
        self.workers = PodWorkers(self._tasks, self.syncer, sync_period=self.config.sync_frequency)
        self.handlers = PodHandlers(
            self.manager, self.workers, self.statuses, self.events, self._admit, self.allocations
        )
        self.housekeeping = Housekeeping(
            manager=self.manager,
            workers=self.workers,
            syncer=self.syncer,
            statuses=self.statuses,
            probes=self.probes,
            pleg=self.pleg,
            images=self.images,
            tokens=self.tokens,
            volumes=self.volumes,
            cgroups=self.cgroups,
            mirrors=self.mirrors,
            root_dir=self.config.root_dir,
            sources_ready=self.sources_ready,
        )

    def _make_statistics(self) -> None:
        """And what is decided by them: collection and eviction."""
        config = self.config
        facts = detect_machine()
        self._facts = NodeFacts(apparmor=facts.apparmor, allowed_unsafe_sysctls=config.allowed_unsafe_sysctls)
        self.stats = StatsProvider(
            node_name=config.node_name,
            pods=self.pods,
            cgroups=self.cgroups or PodCgroups(config.cgroup_root, config.cgroup_driver),
            runtime=self.runtime_service,
            images=self.image_service,
            root_dir=Path(config.root_dir),
            logs_dir=config.pod_logs_dir,
        )
        self.collectors = Collectors(
            config,
            runtime=self.runtime_service,
            images=self.image_service,
            stats=self.stats,
            workers=self.workers,
            manager=self.manager,
            events=self.events,
            node_event=self.node_event,
            active_pods=self.handlers.active_pods,
            sources_ready=self.sources_ready,
            conditions_changed=self.node_changed,
            removed_images=self._images_removed,
        )

    def _make_server(self, config: KubeletConfig) -> KubeletServer:
        return KubeletServer(
            config,
            host=self,
            runtime=self.runtime_service,
            stats=self.stats,
            client=self.client,
            health=self.health,
        )

    def _make_node(self, client: Client) -> None:
        config = self.config
        self.node_status = NodeStatus(
            client,
            config,
            runtime=self.runtime_service,
            images=self.image_service,
            state=self.runtime_state,
            pressures=self.collectors.eviction.pressures,
            event=self.node_event,
            port=lambda: self.server.port,
        )
        self.pod_informer = Informer(client, PODS, field_selector=f"spec.nodeName={config.node_name}")
        self.pod_informer.add_handler(self.handlers.api_added, self.handlers.api_changed, self.handlers.api_deleted)

    # -- what they tell each other

    def _pod_happened(self, uid: str) -> None:
        self.workers.sync(uid)

    def _liveness_changed(self, uid: str, container_id: str, result: Result) -> None:
        if result == "failure":
            self.workers.sync(uid)

    def _readiness_changed(self, uid: str, container_id: str, result: Result) -> None:
        self.statuses.set_container_readiness(uid, container_id, result == "success")
        self.workers.sync(uid)

    def _startup_changed(self, uid: str, container_id: str, result: Result) -> None:
        self.statuses.set_container_startup(uid, container_id, result == "success")
        self.workers.sync(uid)

    def static_pods_changed(self, found: list[Pod]) -> None:
        self._static_pods_read = True
        self.handlers.static_pods(found)

    def node_changed(self) -> None:
        if self.node_status is not None:
            self.node_status.refresh()

    def _images_removed(self, names: list[str]) -> None:
        if self.images.records is not None:
            self.images.records.keep_only(names)

    def _image_event(self, pod: Pod, container: dict[str, Any] | None, type: str, reason: str, message: str) -> None:
        if container is None:
            self.events.pod(pod, type, reason, message)
        else:
            self.events.container(pod, container, type, reason, message)

    def node_event(self, type: str, reason: str, message: str) -> None:
        self.recorder.event(node_reference(self.config.node_name), type, reason, message)

    def _admit(self, pod: Pod, others: list[Pod]) -> Rejection | None:
        if self.client is None:
            return None
        if why := self.collectors.eviction.admission_failure(pod):
            return Rejection("Evicted", why)
        features = self.runtime_state.features
        facts = NodeFacts(
            apparmor=self._facts.apparmor,
            allowed_unsafe_sysctls=self._facts.allowed_unsafe_sysctls,
            supplemental_groups_policy=bool(features and features.supplemental_groups_policy),
        )
        node = self.node()
        if node is None and pods.is_static(pod):
            # The node is not registered yet: what it needs to get there must run.
            return None
        return admit(pod, node, others, facts)

    async def _pod_ips(self, uid: str) -> list[str]:
        found = (await self.pleg.status(uid)).ips
        pod = self.manager.get(uid)
        if not found and pod is not None and pods.uses_host_network(pod):
            return list(self.host_ips())
        return found

    # -- what others ask (`server.host.Host` among them)

    def sources_ready(self) -> bool:
        return self._static_pods_read and (self.client is None or self.pod_informer.has_synced)

    def node(self) -> dict[str, Any] | None:
        return self.node_status.node() if self.node_status else None

    def host_ips(self) -> Sequence[str]:
        if self.node_status is not None:
            return self.node_status.host_ips()
        return [entry["address"] for entry in node_status.addresses(self.config) if entry["type"] == "InternalIP"]

    def pods(self) -> list[Pod]:
        return [self._with_status(pod) for pod in self.manager.all()]

    def pod(self, namespace: str, name: str) -> Pod | None:
        found = self.manager.by_name(namespace, name)
        return self._with_status(found) if found else None

    def _with_status(self, pod: Pod) -> Pod:
        return {**pod, "status": self.statuses.latest(pod)}
