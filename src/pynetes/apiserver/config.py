"""The API server's settings; names and defaults are those of kube-apiserver's flags."""

from pathlib import Path

from msgspec import Struct, field


class ConfigurationError(Exception):
    """The settings do not make a server; the message says which and why."""


FLAGS = {
    "authorization_modes": "authorization-mode",
    "service_account_key_files": "service-account-key-file",
    "tls_sni_certificates": "tls-sni-cert-key",
}
"""Setting → flag, where the flag is not the setting's name with dashes."""


class NamedCertificate(Struct, frozen=True):
    """Shown to clients that ask for one of the names, which may begin with `*.`; those of the certificate if empty."""

    certificate: Path
    key: Path
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        pair = f"{self.certificate},{self.key}"
        return f"{pair}:{','.join(self.names)}" if self.names else pair


class APIServerConfig(Struct, frozen=True, kw_only=True):
    """Files are PEM. Durations are seconds. Empty means: not configured."""

    # Serving
    bind_address: str = "0.0.0.0"
    #: 0 takes any free port (tests); the one taken is `APIServer.port`.
    secure_port: int = 6443
    #: The address clients in the cluster reach this server at; also that of the `kubernetes` Service's endpoint.
    advertise_address: str = ""
    tls_cert_file: Path | None = None
    tls_private_key_file: Path | None = None
    tls_sni_certificates: tuple[NamedCertificate, ...] = ()
    #: VersionTLS12 (older names mean the same) or VersionTLS13.
    tls_min_version: str = ""
    #: Go's names, for TLS 1.2.
    tls_cipher_suites: tuple[str, ...] = ()
    #: Go's number of a curve: 23 (P-256), 24, 25 or 29 (X25519). One, for Python's TLS takes no more.
    tls_curve_preferences: tuple[str, ...] = ()
    #: max-age=seconds, includeSubDomains, preload.
    strict_transport_security_directives: tuple[str, ...] = ()
    client_ca_file: Path | None = None
    #: host:port of a client's view, for discovery's serverAddressByClientCIDRs.
    external_hostname: str = ""
    #: Origins whose pages may read answers: regular expressions that match a whole origin, `^https://ui\.example$`.
    cors_allowed_origins: tuple[str, ...] = ()
    #: Several servers may listen on one port (SO_REUSEPORT).
    permit_port_sharing: bool = False
    request_timeout: float = 60.0
    #: Watches without a time of their own last this long, or up to twice as long.
    min_request_timeout: int = 1800
    #: For so long, /livez does not mind steps of the start that are not done.
    livez_grace_period: float = 0.0
    shutdown_delay_duration: float = 0.0
    shutdown_grace_period: float = 10.0
    max_requests_inflight: int = 400
    max_mutating_requests_inflight: int = 200
    #: Priority and fairness; without it the two limits above are all.
    enable_priority_and_fairness: bool = True
    max_resource_write_bytes: int = 3 * 1024 * 1024

    # Store
    #: `memory:`, `sqlite:///path`, …; see pynetes.storage.open_store.
    storage: str = "memory:"
    event_ttl: float = 3600.0
    #: How long the store may take to be there.
    storage_initialization_timeout: float = 60.0
    #: Between compactions of the store, whichever it is; 0 never compacts.
    etcd_compaction_interval: float = 300.0
    #: How long the store may take to answer /livez, and /readyz.
    etcd_healthcheck_timeout: float = 2.0
    etcd_readycheck_timeout: float = 2.0
    #: An EncryptionConfiguration; the resources it names lie encrypted in the store.
    encryption_provider_config: Path | None = None
    #: Follow changes of that file.
    encryption_provider_config_automatic_reload: bool = False

    # Services
    service_cluster_ip_range: str = "10.96.0.0/12"
    service_node_port_range: tuple[int, int] = (30000, 32767)
    #: Of the Service `kubernetes`, if it is to have one.
    kubernetes_service_node_port: int = 0
    #: `lease` keeps the endpoints of the Service `kubernetes`; `none` leaves them to others.
    endpoint_reconciler_type: str = "lease"

    # Authentication
    anonymous_auth: bool = True
    token_auth_file: Path | None = None
    enable_bootstrap_token_auth: bool = True
    service_account_issuer: str = "https://kubernetes.default.svc.cluster.local"
    #: Keys that verify tokens (public or private); the signing key's is always accepted.
    service_account_key_files: tuple[Path, ...] = ()
    service_account_signing_key_file: Path | None = None
    #: The Unix socket of who signs tokens instead of such a key; a name that begins with @ is an abstract one's.
    service_account_signing_endpoint: str = ""
    #: Whether tokens from Secrets end with their Secret and account.
    service_account_lookup: bool = True
    service_account_jwks_uri: str = ""
    #: Audiences of the API itself; the issuer if empty.
    api_audiences: tuple[str, ...] = ()
    service_account_extend_token_expiration: bool = True
    service_account_max_token_expiration: float = 0.0
    #: Who may state another user in X-Remote-User: clients with a certificate of this authority and one of these names
    #: (any, if there are none).
    requestheader_client_ca_file: Path | None = None
    requestheader_allowed_names: tuple[str, ...] = ()
    #: Where it states it; kubeadm's names, which has none for the UID.
    requestheader_username_headers: tuple[str, ...] = ("X-Remote-User",)
    requestheader_uid_headers: tuple[str, ...] = ()
    requestheader_group_headers: tuple[str, ...] = ("X-Remote-Group",)
    requestheader_extra_headers_prefix: tuple[str, ...] = ("X-Remote-Extra-",)

    # Aggregation
    #: Shown to the API servers behind this one, which trust what we say about users.
    proxy_client_cert_file: Path | None = None
    proxy_client_key_file: Path | None = None

    #: A kubeconfig of the webhook that answers TokenReviews.
    authentication_token_webhook_config_file: Path | None = None
    authentication_token_webhook_version: str = "v1beta1"
    authentication_token_webhook_cache_ttl: float = 120.0

    #: An AuthenticationConfiguration; takes the place of the `oidc` flags.
    authentication_config: Path | None = None
    oidc_issuer_url: str = ""
    oidc_client_id: str = ""
    oidc_ca_file: Path | None = None
    oidc_username_claim: str = "sub"
    #: `-` is none at all; empty is the issuer and `#`, except for the claim `email`.
    oidc_username_prefix: str = ""
    oidc_groups_claim: str = ""
    oidc_groups_prefix: str = ""
    oidc_required_claim: dict[str, str] = field(default_factory=dict)
    oidc_signing_algs: tuple[str, ...] = ("RS256",)

    # Authorization
    #: Of AlwaysAllow, AlwaysDeny, ABAC, Webhook, RBAC and Node, in the order in which they are asked; AlwaysAllow if
    #: there are none, which lets nobody in without credentials.
    authorization_modes: tuple[str, ...] = ()
    #: ABAC's policies, one JSON object a line.
    authorization_policy_file: Path | None = None
    #: A kubeconfig of the webhook that answers SubjectAccessReviews.
    authorization_webhook_config_file: Path | None = None
    authorization_webhook_version: str = "v1beta1"
    authorization_webhook_cache_authorized_ttl: float = 300.0
    authorization_webhook_cache_unauthorized_ttl: float = 30.0
    #: An AuthorizationConfiguration; takes the place of the flags above.
    authorization_config: Path | None = None

    # Audit
    audit_policy_file: Path | None = None
    #: `-` is standard output.
    audit_log_path: str = ""
    #: json or legacy.
    audit_log_format: str = "json"
    #: MiB, days and files; 0 keeps all.
    audit_log_maxsize: int = 100
    audit_log_maxage: int = 0
    audit_log_maxbackup: int = 0
    #: Rotated files, by gzip.
    audit_log_compress: bool = False
    #: blocking, blocking-strict or batch.
    audit_log_mode: str = "blocking"
    audit_log_batch_buffer_size: int = 10000
    audit_log_batch_max_size: int = 1
    audit_log_batch_max_wait: float = 0.0
    #: Events that are larger than so many bytes lose their objects, or are lost.
    audit_log_truncate_enabled: bool = False
    audit_log_truncate_max_batch_size: int = 10 << 20
    audit_log_truncate_max_event_size: int = 100 << 10
    audit_webhook_config_file: Path | None = None
    audit_webhook_mode: str = "batch"
    audit_webhook_batch_buffer_size: int = 10000
    audit_webhook_batch_max_size: int = 400
    audit_webhook_batch_max_wait: float = 30.0
    audit_webhook_initial_backoff: float = 10.0
    audit_webhook_truncate_enabled: bool = False
    audit_webhook_truncate_max_batch_size: int = 10 << 20
    audit_webhook_truncate_max_event_size: int = 100 << 10

    # Admission
    enable_admission_plugins: tuple[str, ...] = ()
    disable_admission_plugins: tuple[str, ...] = ()
    #: An AdmissionConfiguration: what plugins are configured with.
    admission_control_config_file: Path | None = None
    default_not_ready_toleration_seconds: int = 300
    default_unreachable_toleration_seconds: int = 300

    # Kubelets
    kubelet_client_certificate: Path | None = None
    kubelet_client_key: Path | None = None
    kubelet_certificate_authority: Path | None = None
    kubelet_preferred_address_types: tuple[str, ...] = ("InternalIP", "Hostname", "ExternalIP")
    kubelet_timeout: float = 5.0

    #: APIs that are not served (`apps/v1=false`, `apps/v1/deployments=false`, `api/beta=false`), or are after all.
    runtime_config: dict[str, str] = field(default_factory=dict)
    #: Down to which release components may be that work with this server; told by /version.
    min_compatibility_version: str = ""
    #: Metrics that are not shown.
    disabled_metrics: tuple[str, ...] = ()
    feature_gates: dict[str, bool] = field(default_factory=dict)

    @property
    def external_address(self) -> str:
        """Where clients reach this server, by what it was told."""
        return f"{self.external_hostname or self.advertise_address}:{self.secure_port}"
