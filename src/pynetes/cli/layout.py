"""Where a cluster's files lie: durable state, runtime state and logs."""

from pathlib import Path

from msgspec import Struct

DEFAULT_DATA = Path("/var/lib/pynetes")
DEFAULT_RUN = Path("/run/pynetes")


class Layout(Struct, frozen=True):
    """Two roots: `data` outlives `pynetes down` (until `pynetes purge`), `run` does not."""

    data: Path = DEFAULT_DATA
    run: Path = DEFAULT_RUN

    @property
    def pki(self) -> Path:
        return self.data / "pki"

    @property
    def kubeconfigs(self) -> Path:
        return self.data / "kubeconfig"

    @property
    def database(self) -> Path:
        return self.data / "state.db"

    @property
    def store_url(self) -> Path:
        """The store's URL, which may hold a password."""
        return self.data / "store.url"

    @property
    def etcd(self) -> Path:
        """The data of this machine's etcd member."""
        return self.data / "etcd"

    @property
    def etcd_members(self) -> Path:
        """JSON: the members that etcd had when it was last asked."""
        return self.data / "etcd-members.json"

    @property
    def kubelet(self) -> Path:
        return self.data / "kubelet"

    @property
    def kubelet_pki(self) -> Path:
        """Certificates that the kubelet has asked for, on nodes that joined."""
        return self.kubelet / "pki"

    @property
    def manifests(self) -> Path:
        """Static pods."""
        return self.data / "manifests"

    @property
    def pod_logs(self) -> Path:
        return self.data / "log" / "pods"

    @property
    def logs(self) -> Path:
        """One file a component."""
        return self.data / "log"

    @property
    def containerd_root(self) -> Path:
        return self.data / "containerd"

    @property
    def containerd_state(self) -> Path:
        return self.run / "containerd"

    @property
    def containerd_socket(self) -> Path:
        return self.run / "containerd.sock"

    @property
    def registry(self) -> Path:
        """What the loopback image registry holds."""
        return self.data / "registry"

    @property
    def cni_conf(self) -> Path:
        return self.data / "cni" / "net.d"

    @property
    def cni_state(self) -> Path:
        """Addresses handed out by host-local."""
        return self.run / "cni"

    @property
    def supervisor_pid(self) -> Path:
        return self.run / "supervisor.pid"

    @property
    def supervisor_state(self) -> Path:
        """JSON: settings of the running cluster and one entry a process (pid, state, restarts)."""
        return self.run / "supervisor.json"

    @property
    def settings(self) -> Path:
        """JSON: the settings the cluster was made with; a later `up` starts the same cluster."""
        return self.data / "settings.json"

    def kubeconfig(self, user: str) -> Path:
        return self.kubeconfigs / f"{user}.conf"

    def make(self) -> None:
        for directory in (self.data, self.run, self.pki, self.kubeconfigs, self.logs, self.pod_logs, self.manifests):
            directory.mkdir(parents=True, exist_ok=True)
        for private in (self.data, self.pki, self.kubeconfigs):
            private.chmod(0o700 if private != self.data else 0o711)
