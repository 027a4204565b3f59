"""TokenRequest: `POST …/serviceaccounts/NAME/token`."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import errors
from pynetes.apimachinery.errors import FieldError, StatusError
from pynetes.apimachinery.gvk import GroupVersionResource, split_api_version
from pynetes.apimachinery.times import format_time
from pynetes.apis.names import NODES, PODS, SECRETS, SERVICE_ACCOUNTS
from pynetes.apiserver.objects import ObjectReader
from pynetes.apiserver.tokens.claims import EXTENDED_SECONDS, WARN_ONLY_SECONDS, Claims, Reference, credential_id
from pynetes.apiserver.tokens.issuer import IssueError, Issuer
from pynetes.component import clock

GROUP = "authentication.k8s.io"
KIND = "TokenRequest"
DEFAULT_SECONDS = 3600
MINIMUM_SECONDS = 600
_ISSUED = "authentication.kubernetes.io/issued-credential-id"
_BINDABLE = {"Pod": PODS, "Node": NODES, "Secret": SECRETS}

Validate = Callable[[dict[str, Any]], Awaitable[None]]


class _Bound(Struct, frozen=True):
    pod: Reference | None = None
    secret: Reference | None = None
    node: Reference | None = None


class TokenRequests:
    """Issues tokens. `extend` is --service-account-extend-token-expiration: the tokens that kubelets project into pods
    live for a year in truth, so that programs which never read them again go on working."""

    def __init__(
        self,
        issuer: Issuer,
        objects: ObjectReader,
        *,
        api_audiences: tuple[str, ...] = (),
        extend: bool = True,
        maximum_seconds: int = 0,
        extended_seconds: int = EXTENDED_SECONDS,
    ) -> None:
        """`maximum_seconds` of any token; 0: as long as it is asked for. `extended_seconds` of those of kubelets."""
        self._issuer = issuer
        self._objects = objects
        self._audiences = api_audiences or (issuer.issuer,)
        self._extend = extend
        self._maximum = maximum_seconds
        self._extended = extended_seconds

    async def create(
        self,
        namespace: str,
        name: str,
        request: dict[str, Any],
        *,
        validate: Validate | None = None,
        warnings: list[str] | None = None,
        annotations: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Answers a decoded TokenRequest for a service account.

        `validate` is validating admission, called between the checks and the issuing; it gets the completed request.
        `annotations` are those of the audit log: they name the token.
        """
        _check_identity(request, namespace, name)
        account = await self._objects.get(SERVICE_ACCOUNTS, name, namespace)
        now = clock.now()
        completed = self._complete(request, account, now)
        _check_spec(completed["spec"])
        if validate is not None:
            await validate(completed)
        bound = await self._bound(completed["spec"].get("boundObjectRef"), namespace, name)
        self._shorten(completed["spec"], warnings)
        token_id = str(uuid.uuid4())
        if annotations is not None:
            annotations[_ISSUED] = credential_id(token_id)
        completed["status"] = {
            "token": await self._sign(completed["spec"], account, bound, int(now.timestamp()), token_id),
            "expirationTimestamp": _after(now, completed["spec"]["expirationSeconds"]),
        }
        return completed

    def _complete(self, request: dict[str, Any], account: dict[str, Any], now: datetime) -> dict[str, Any]:
        live = account["metadata"]
        given = request.get("metadata") or {}
        if given.get("uid") and given["uid"] != live.get("uid"):
            raise errors.conflict(
                f"{KIND}.{GROUP}",
                live["name"],
                f"the UID in the token request ({given['uid']}) does not match the UID of the service account "
                f"({live.get('uid', '')})",
            )
        identity = {"name": live["name"], "namespace": live["namespace"], "uid": live.get("uid", "")}
        spec = defaulted(request.get("spec"))
        spec["audiences"] = list(spec["audiences"] or self._audiences)
        metadata = {**given, **identity, "creationTimestamp": format_time(now)}
        return {"kind": KIND, "apiVersion": f"{GROUP}/v1", "metadata": metadata, "spec": spec}

    async def _bound(self, reference: dict[str, Any] | None, namespace: str, account: str) -> _Bound:
        if reference is None:
            return _Bound()
        group, version = split_api_version(reference.get("apiVersion") or "")
        kind, name = reference.get("kind") or "", reference.get("name") or ""
        gvr = None if group else _BINDABLE.get(kind)
        if gvr is None:
            raise errors.bad_request(f"cannot bind token to object of type {group}/{version}, Kind={kind}")
        obj = await self._objects.get(gvr, name, None if gvr is NODES else namespace)
        bound = await self._bind(gvr, obj, account)
        wanted = reference.get("uid")
        if wanted and wanted != obj["metadata"].get("uid"):
            raise errors.conflict(
                kind,
                name,
                f"the UID in the bound object reference ({wanted}) does not match the UID in record. "
                "The object might have been deleted and then recreated",
            )
        return bound

    async def _bind(self, gvr: GroupVersionResource, obj: dict[str, Any], account: str) -> _Bound:
        if gvr is SECRETS:
            return _Bound(secret=Reference.of(obj))
        if gvr is NODES:
            return _Bound(node=Reference.of(obj))
        spec = obj.get("spec") or {}
        if spec.get("serviceAccountName") != account:
            raise errors.bad_request(
                f'cannot bind token for serviceaccount "{account}" to pod running with different serviceaccount name.'
            )
        node_name = spec.get("nodeName")
        node = await self._node_of(node_name) if node_name else None
        return _Bound(pod=Reference.of(obj), node=node)

    async def _node_of(self, name: str) -> Reference:
        """A pod's node; by name alone if the node is gone."""
        try:
            return Reference.of(await self._objects.get(NODES, name))
        except StatusError as error:
            if error.code != 404:
                raise
            return Reference(name)

    def _shorten(self, spec: dict[str, Any], warnings: list[str] | None) -> None:
        asked = spec["expirationSeconds"]
        if 0 < self._maximum < asked:
            spec["expirationSeconds"] = self._maximum
            if warnings is not None:
                warnings.append(f"requested expiration of {asked} seconds shortened to {self._maximum} seconds")

    async def _sign(self, spec: dict[str, Any], account: dict[str, Any], bound: _Bound, now: int, token_id: str) -> str:
        seconds, warn_after = int(spec["expirationSeconds"]), 0
        to_us = set(spec["audiences"]) <= set(self._audiences)
        if self._extend and bound.pod is not None and seconds == WARN_ONLY_SECONDS and to_us:
            seconds, warn_after = self._extended, now + seconds
        claims = Claims(
            namespace=account["metadata"]["namespace"],
            service_account=Reference.of(account),
            audiences=tuple(spec["audiences"]),
            issued_at=now,
            expires_at=now + seconds,
            pod=bound.pod,
            secret=bound.secret,
            node=bound.node,
            warn_after=warn_after,
            id=token_id,
        )
        try:
            return await self._issuer.issue(claims.to_wire())
        except IssueError as error:
            raise errors.internal(f"failed to generate token: {error}") from error


def defaulted(spec: dict[str, Any] | None) -> dict[str, Any]:
    """The spec with what it leaves out. Its audiences are left to the server that issues the token."""
    given = {field: value for field, value in (spec or {}).items() if value is not None}
    return {"audiences": None, "boundObjectRef": None, "expirationSeconds": DEFAULT_SECONDS, **given}


def _check_identity(request: dict[str, Any], namespace: str, name: str) -> None:
    """A name or namespace in the body must be the path's."""
    metadata = request.get("metadata") or {}
    for field, expected in (("name", name), ("namespace", namespace)):
        if metadata.get(field) and metadata[field] != expected:
            problem = errors.invalid_value(
                f"metadata.{field}", metadata[field], f"must match the service account {field} if specified"
            )
            raise errors.invalid(KIND, GROUP, name, [problem])


def _check_spec(spec: dict[str, Any]) -> None:
    seconds = spec["expirationSeconds"]
    found: list[FieldError] = []
    if seconds < MINIMUM_SECONDS:
        text = "may not specify a duration less than 10 minutes"
        found.append(errors.invalid_value("spec.expirationSeconds", seconds, text))
    if seconds > 1 << 32:
        text = "may not specify a duration larger than 2^32 seconds"
        found.append(errors.invalid_value("spec.expirationSeconds", seconds, text))
    if found:
        raise errors.invalid(KIND, GROUP, "", found)


def _after(now: datetime, seconds: int) -> str:
    return format_time(datetime.fromtimestamp(now.timestamp() + seconds, UTC))
