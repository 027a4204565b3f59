"""What a pod refers to by name: Secrets, ConfigMaps, claims."""

from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]

#: Where volume sources keep a Secret's name: (source, field of the reference, or "" for the name itself).
_VOLUME_SECRETS = (
    ("secret", "secretName"),
    ("azureFile", "secretName"),
    ("cephfs", "secretRef"),
    ("cinder", "secretRef"),
    ("flexVolume", "secretRef"),
    ("iscsi", "secretRef"),
    ("rbd", "secretRef"),
    ("scaleIO", "secretRef"),
    ("storageos", "secretRef"),
    ("csi", "nodePublishSecretRef"),
)


def referenced_names(pod_name: str, spec: Object, status: Object) -> Iterator[tuple[str, str | None]]:
    """(kind, name) of every object that a pod refers to, its service account and volumes' volumes apart."""
    for secret in spec.get("imagePullSecrets") or ():
        yield "Secret", secret.get("name")
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(field) or ():
            yield from _container_names(container)
    for volume in spec.get("volumes") or ():
        yield from volume_names(volume, pod_name)
    for claim in spec.get("resourceClaims") or ():
        yield "ResourceClaim", claim.get("resourceClaimName")
    for claim in status.get("resourceClaimStatuses") or ():
        yield "ResourceClaim", claim.get("resourceClaimName")
    yield "ResourceClaim", (status.get("extendedResourceClaimStatus") or {}).get("resourceClaimName")


def _container_names(container: Object) -> Iterator[tuple[str, str | None]]:
    for source in container.get("envFrom") or ():
        yield "Secret", (source.get("secretRef") or {}).get("name")
        yield "ConfigMap", (source.get("configMapRef") or {}).get("name")
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        yield "Secret", (source.get("secretKeyRef") or {}).get("name")
        yield "ConfigMap", (source.get("configMapKeyRef") or {}).get("name")


def volume_names(volume: Object, pod_name: str = "") -> Iterator[tuple[str, str | None]]:
    """(kind, name) of what a volume refers to."""
    for source, field in _VOLUME_SECRETS:
        value = (volume.get(source) or {}).get(field)
        yield "Secret", value.get("name") if isinstance(value, dict) else value
    yield "ConfigMap", (volume.get("configMap") or {}).get("name")
    for source in (volume.get("projected") or {}).get("sources") or ():
        yield "Secret", (source.get("secret") or {}).get("name")
        yield "ConfigMap", (source.get("configMap") or {}).get("name")
    yield "PersistentVolumeClaim", (volume.get("persistentVolumeClaim") or {}).get("claimName")
    if volume.get("ephemeral"):
        yield "PersistentVolumeClaim", f"{pod_name}-{volume['name']}"
