"""ServiceAccount: every pod runs as a service account that exists, and gets its token mounted.

Upstream's plugin of that name: default account, projected volume `kube-api-access-xxxxx`, image pull secrets, mirror
pods that may refer to nothing, and the annotation that limits which secrets a pod may mount.
"""

from collections.abc import Iterator
from typing import Any

from pynetes.apimachinery import errors, names
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.core.pod_references import referenced_names
from pynetes.apis.names import SERVICE_ACCOUNTS
from pynetes.apiserver.admission.attributes import Attributes, Plugin
from pynetes.apiserver.objects import ObjectReader, find
from pynetes.apiserver.tokens.claims import WARN_ONLY_SECONDS
from pynetes.component import clock

DEFAULT_NAME = "default"
VOLUME_PREFIX = "kube-api-access-"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
ENFORCE_SECRETS = "kubernetes.io/enforce-mountable-secrets"
MIRROR = "kubernetes.io/config.mirror"
#: A new namespace gets its default account from a controller: wait for it this often, this long (seconds).
_DEFAULT_ATTEMPTS = 10
_RETRY = 0.15

Object = dict[str, Any]


class ServiceAccount(Plugin):
    name = "ServiceAccount"

    def __init__(self, objects: ObjectReader) -> None:
        self._objects = objects

    def handles(self, attrs: Attributes) -> bool:
        if attrs.gvr.group or attrs.gvr.resource != "pods" or attrs.obj is None:
            return False
        creates = attrs.operation == "CREATE" and not attrs.subresource
        return creates or (attrs.operation == "UPDATE" and attrs.subresource == "ephemeralcontainers")

    async def admit(self, attrs: Attributes) -> None:
        pod = attrs.obj
        if attrs.operation != "CREATE" or pod is None:
            return
        if _is_mirror(pod):
            # Not changed, and looked at before others have their say.
            await self.validate(attrs)
            return
        spec = pod.setdefault("spec", {})
        if not spec.get("serviceAccountName"):
            spec["serviceAccountName"] = DEFAULT_NAME
        # The field's old name follows the new one, as the original's conversion does it.
        spec["serviceAccount"] = spec["serviceAccountName"]
        account = await self._account(attrs, spec["serviceAccountName"])
        if automounts(account, spec):
            mount_token(spec)
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            spec["imagePullSecrets"] = [{"name": s["name"]} for s in account["imagePullSecrets"]]

    async def validate(self, attrs: Attributes) -> None:
        pod = attrs.obj
        if pod is None:
            return
        if attrs.operation == "CREATE" and _is_mirror(pod):
            problem = mirror_problem(pod)
            if problem:
                raise attrs.forbid(problem)
            return
        spec = pod.get("spec") or {}
        if not spec.get("serviceAccountName"):
            raise attrs.forbid(f"no service account specified for pod {attrs.namespace}/{attrs.name}")
        account = await self._account(attrs, spec["serviceAccountName"])
        if _enforces_secrets(account):
            problem = secrets_problem(account, spec, ephemeral_only=attrs.operation == "UPDATE")
            if problem:
                raise attrs.forbid(problem)

    async def _account(self, attrs: Attributes, name: str) -> Object:
        for attempt in range(_DEFAULT_ATTEMPTS if name == DEFAULT_NAME else 1):
            if attempt:
                await clock.sleep(_RETRY)
            try:
                return await find(self._objects, SERVICE_ACCOUNTS, name, attrs.namespace)
            except StatusError as error:
                if error.code != 404:
                    raise
        missing = errors.not_found("serviceaccount", name).message
        raise attrs.forbid(f"error looking up service account {attrs.namespace}/{name}: {missing}")


def automounts(account: Object, spec: Object) -> bool:
    """The pod's word counts first, then the account's; the default is yes."""
    for owner in (spec, account):
        if owner.get("automountServiceAccountToken") is not None:
            return bool(owner["automountServiceAccountToken"])
    return True


def mount_token(spec: Object) -> None:
    """Mounts the token into every container that has nothing there, and adds the volume if one needs it."""
    existing = next(
        (volume["name"] for volume in spec.get("volumes") or () if volume["name"].startswith(VOLUME_PREFIX)), None
    )
    name = existing or names.generate_name(VOLUME_PREFIX)
    needed = False
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        mounts = container.get("volumeMounts") or []
        if not any(mount.get("mountPath") == MOUNT_PATH for mount in mounts):
            container["volumeMounts"] = [*mounts, {"name": name, "readOnly": True, "mountPath": MOUNT_PATH}]
            needed = True
    if needed and existing is None:
        spec["volumes"] = [*(spec.get("volumes") or ()), {"name": name, "projected": token_volume()}]


def token_volume() -> Object:
    """The projected volume: token, certificate authority, namespace."""
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    authority = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    return {
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": WARN_ONLY_SECONDS, "path": "token"}},
            {"configMap": authority},
            {"downwardAPI": {"items": [namespace]}},
        ],
        "defaultMode": 0o644,
    }


def mirror_problem(pod: Object) -> str:
    """Why a mirror pod, which only shows what a kubelet runs, may not be; "" if it may."""
    spec = pod.get("spec") or {}
    if spec.get("serviceAccountName"):
        return "a mirror pod may not reference service accounts"
    if any(kind == "Secret" and name for kind, name in referenced_names("", spec, {})):
        return "a mirror pod may not reference secrets"
    for volume in spec.get("volumes") or ():
        for source in (volume.get("projected") or {}).get("sources") or ():
            if source.get("serviceAccountToken"):
                return "a mirror pod may not use ServiceAccountToken volume projections"
    return ""


def secrets_problem(account: Object, spec: Object, *, ephemeral_only: bool = False) -> str:
    """Which secret a pod refers to that its account does not list; "" if there is none."""
    allowed = {secret.get("name") for secret in account.get("secrets") or ()}
    tail = f"is not allowed because service account {account['metadata']['name']} does not reference that"
    for what, name in _secret_uses(spec, ephemeral_only=ephemeral_only):
        if name not in allowed:
            return f'{what} secret.secretName="{name}" {tail} secret'
    if ephemeral_only:
        return ""
    pullable = {secret.get("name") for secret in account.get("imagePullSecrets") or ()}
    for index, secret in enumerate(spec.get("imagePullSecrets") or ()):
        if secret.get("name") not in pullable:
            return f'imagePullSecrets[{index}].name="{secret.get("name")}" {tail} imagePullSecret'
    return ""


def _secret_uses(spec: Object, *, ephemeral_only: bool) -> Iterator[tuple[str, str]]:
    fields: tuple[tuple[str, str], ...] = (("ephemeralContainers", "ephemeral container"),)
    if not ephemeral_only:
        for volume in spec.get("volumes") or ():
            if volume.get("secret"):
                yield "volume with", volume["secret"].get("secretName") or ""
        fields = (("initContainers", "init container"), ("containers", "container"))
    for field, title in fields:
        for container in spec.get(field) or ():
            yield from _container_uses(container, f"{title} {container['name']}")


def _container_uses(container: Object, title: str) -> Iterator[tuple[str, str]]:
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
        if reference:
            yield f"{title} with envVar {variable['name']} referencing", reference.get("name") or ""
    for source in container.get("envFrom") or ():
        if source.get("secretRef"):
            yield f"{title} with envFrom referencing", source["secretRef"].get("name") or ""


def _enforces_secrets(account: Object) -> bool:
    value = (account["metadata"].get("annotations") or {}).get(ENFORCE_SECRETS, "")
    return value in ("1", "t", "T", "true", "TRUE", "True")


def _is_mirror(pod: Object) -> bool:
    return MIRROR in (pod["metadata"].get("annotations") or {})
