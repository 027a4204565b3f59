"""Constants for the built-in resources that components name: `client.get(PODS, …)`. Nothing heavy is imported here."""

from pynetes.apimachinery.gvk import GroupVersionResource as _R

COMPONENT_STATUSES = _R("", "v1", "componentstatuses")
CONFIG_MAPS = _R("", "v1", "configmaps")
ENDPOINTS = _R("", "v1", "endpoints")
EVENTS = _R("", "v1", "events")
LIMIT_RANGES = _R("", "v1", "limitranges")
NAMESPACES = _R("", "v1", "namespaces")
NODES = _R("", "v1", "nodes")
PERSISTENT_VOLUME_CLAIMS = _R("", "v1", "persistentvolumeclaims")
PERSISTENT_VOLUMES = _R("", "v1", "persistentvolumes")
PODS = _R("", "v1", "pods")
REPLICATION_CONTROLLERS = _R("", "v1", "replicationcontrollers")
RESOURCE_QUOTAS = _R("", "v1", "resourcequotas")
SECRETS = _R("", "v1", "secrets")
SERVICE_ACCOUNTS = _R("", "v1", "serviceaccounts")
SERVICES = _R("", "v1", "services")

API_SERVICES = _R("apiregistration.k8s.io", "v1", "apiservices")
CUSTOM_RESOURCE_DEFINITIONS = _R("apiextensions.k8s.io", "v1", "customresourcedefinitions")

CONTROLLER_REVISIONS = _R("apps", "v1", "controllerrevisions")
DAEMON_SETS = _R("apps", "v1", "daemonsets")
DEPLOYMENTS = _R("apps", "v1", "deployments")
REPLICA_SETS = _R("apps", "v1", "replicasets")
STATEFUL_SETS = _R("apps", "v1", "statefulsets")

EVENTS_V1 = _R("events.k8s.io", "v1", "events")

TOKEN_REVIEWS = _R("authentication.k8s.io", "v1", "tokenreviews")
SUBJECT_ACCESS_REVIEWS = _R("authorization.k8s.io", "v1", "subjectaccessreviews")

CRON_JOBS = _R("batch", "v1", "cronjobs")
JOBS = _R("batch", "v1", "jobs")
CERTIFICATE_SIGNING_REQUESTS = _R("certificates.k8s.io", "v1", "certificatesigningrequests")

INGRESS_CLASSES = _R("networking.k8s.io", "v1", "ingressclasses")
IP_ADDRESSES = _R("networking.k8s.io", "v1", "ipaddresses")
SERVICE_CIDRS = _R("networking.k8s.io", "v1", "servicecidrs")

POD_DISRUPTION_BUDGETS = _R("policy", "v1", "poddisruptionbudgets")

CLUSTER_ROLES = _R("rbac.authorization.k8s.io", "v1", "clusterroles")
CLUSTER_ROLE_BINDINGS = _R("rbac.authorization.k8s.io", "v1", "clusterrolebindings")
ROLES = _R("rbac.authorization.k8s.io", "v1", "roles")
ROLE_BINDINGS = _R("rbac.authorization.k8s.io", "v1", "rolebindings")

CSI_DRIVERS = _R("storage.k8s.io", "v1", "csidrivers")
CSI_NODES = _R("storage.k8s.io", "v1", "csinodes")
STORAGE_CLASSES = _R("storage.k8s.io", "v1", "storageclasses")
VOLUME_ATTACHMENTS = _R("storage.k8s.io", "v1", "volumeattachments")
VOLUME_ATTRIBUTES_CLASSES = _R("storage.k8s.io", "v1", "volumeattributesclasses")

MUTATING_ADMISSION_POLICIES = _R("admissionregistration.k8s.io", "v1", "mutatingadmissionpolicies")
MUTATING_ADMISSION_POLICY_BINDINGS = _R("admissionregistration.k8s.io", "v1", "mutatingadmissionpolicybindings")
MUTATING_WEBHOOK_CONFIGURATIONS = _R("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations")
VALIDATING_ADMISSION_POLICIES = _R("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies")
VALIDATING_ADMISSION_POLICY_BINDINGS = _R("admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings")
VALIDATING_WEBHOOK_CONFIGURATIONS = _R("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations")

PRIORITY_CLASSES = _R("scheduling.k8s.io", "v1", "priorityclasses")
LEASES = _R("coordination.k8s.io", "v1", "leases")
RUNTIME_CLASSES = _R("node.k8s.io", "v1", "runtimeclasses")
ENDPOINT_SLICES = _R("discovery.k8s.io", "v1", "endpointslices")

RESOURCE_SLICES = _R("resource.k8s.io", "v1", "resourceslices")

FLOW_SCHEMAS = _R("flowcontrol.apiserver.k8s.io", "v1", "flowschemas")
PRIORITY_LEVEL_CONFIGURATIONS = _R("flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations")
