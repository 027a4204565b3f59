"""Objects that every cluster has: system namespaces, priority classes, what aggregated API servers trust."""

from datetime import timedelta
from typing import Any

import orjson
from cryptography.hazmat.primitives.serialization import Encoding

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.core import service_account_token
from pynetes.apis.names import CONFIG_MAPS, NAMESPACES, PRIORITY_CLASSES
from pynetes.apiserver.config import APIServerConfig
from pynetes.client.rest import Client
from pynetes.component import certificates, clock

Object = dict[str, Any]

SYSTEM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "default")
_EXPIRED_FOR = timedelta(minutes=5)
_CRITICAL = {
    "system-node-critical": (
        2000001000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    "system-cluster-critical": (
        2000000000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
}


async def create_missing(client: Client, gvr: GroupVersionResource, obj: Object) -> None:
    """Creates the object unless it is there."""
    metadata = obj["metadata"]
    try:
        await client.get(gvr, metadata["name"], metadata.get("namespace"))
    except StatusError as error:
        if error.code != 404:
            raise
        try:
            await client.create(gvr, obj, metadata.get("namespace"))
        except StatusError as failure:
            if failure.reason != "AlreadyExists":
                raise


async def namespaces(client: Client) -> None:
    for name in SYSTEM_NAMESPACES:
        await create_missing(client, NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


async def priority_classes(client: Client) -> None:
    for name, (value, description) in _CRITICAL.items():
        obj: Object = {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name},
            "value": value,
            "description": description,
        }
        await create_missing(client, PRIORITY_CLASSES, obj)


async def authentication_config(client: Client, config: APIServerConfig) -> None:
    """`extension-apiserver-authentication`: how servers behind this one, or beside it, know our clients and us."""
    data = authentication_data(config)
    if not data:
        return
    name, namespace = "extension-apiserver-authentication", "kube-system"
    obj: Object = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }
    await create_missing(client, CONFIG_MAPS, obj)
    present = (await client.get(CONFIG_MAPS, name, namespace)).get("data") or {}
    wanted = {key: combined(key, present.get(key) or "", value) for key, value in data.items()}
    if any(present.get(key) != value for key, value in wanted.items()):
        await client.patch(CONFIG_MAPS, name, {"data": wanted}, namespace)


def combined(key: str, present: str, own: str) -> str:
    """What is published with what this server adds: others may still go by the authority before, or by other names.

    Authorities that have expired go.
    """
    if key.endswith("client-ca-file"):
        known = certificates.parse_certificates(present) if present else []
        found = dict.fromkeys((*known, *certificates.parse_certificates(own)))
        valid = [each for each in found if each.not_valid_after_utc > clock.now() - _EXPIRED_FOR]
        return "".join(each.public_bytes(Encoding.PEM).decode() for each in valid)
    values = dict.fromkeys((*orjson.loads(present or "[]"), *orjson.loads(own)))
    return orjson.dumps(list(values)).decode()


async def legacy_token_tracking(client: Client) -> None:
    """`kube-apiserver-legacy-service-account-token-tracking`: the day since which the use of tokens in secrets is seen.

    Controllers that clean up unused ones wait for it.
    """
    name, namespace = service_account_token.TRACKING, "kube-system"
    data = {"since": clock.now().date().isoformat()}
    obj: Object = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }
    await create_missing(client, CONFIG_MAPS, obj)
    present = await client.get(CONFIG_MAPS, name, namespace)
    if service_account_token.day_of((present.get("data") or {}).get("since")) is None:
        await client.patch(CONFIG_MAPS, name, {"data": data}, namespace)


def authentication_data(config: APIServerConfig) -> dict[str, str]:
    """Authorities in PEM, lists as JSON."""
    data: dict[str, str] = {}
    if config.client_ca_file is not None:
        data["client-ca-file"] = config.client_ca_file.read_text()
    if config.requestheader_client_ca_file is not None:
        lists = {
            "allowed-names": config.requestheader_allowed_names,
            "username-headers": config.requestheader_username_headers,
            "group-headers": config.requestheader_group_headers,
            "extra-headers-prefix": config.requestheader_extra_headers_prefix,
        }
        data["requestheader-client-ca-file"] = config.requestheader_client_ca_file.read_text()
        if config.requestheader_uid_headers:
            lists["uid-headers"] = config.requestheader_uid_headers
        data |= {f"requestheader-{key}": orjson.dumps(list(values)).decode() for key, values in lists.items()}
    return data
