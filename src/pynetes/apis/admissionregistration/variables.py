"""What expressions see of a request, and of which types it is."""

from functools import cache

from pynetes.apimachinery.cel.library.authz import AUTHORIZER_TYPE, RESOURCE_CHECK_TYPE
from pynetes.apimachinery.cel.types import (
    BOOL_DECL,
    DYN,
    DYN_DECL,
    INT_DECL,
    STRING_DECL,
    TIMESTAMP_DECL,
    DeclType,
    Type,
    fields_of,
    list_decl,
    map_decl,
    object_decl,
)

_STRINGS = list_decl(STRING_DECL)


def _request_type() -> DeclType:
    text = STRING_DECL
    kind = object_decl("kubernetes.GroupVersionKind", fields_of(group=text, version=text, kind=text))
    resource = object_decl("kubernetes.GroupVersionResource", fields_of(group=text, version=text, resource=text))
    user = object_decl(
        "kubernetes.UserInfo",
        fields_of(username=text, uid=text, groups=_STRINGS, extra=map_decl(text, _STRINGS)),
    )
    return object_decl(
        "kubernetes.AdmissionRequest",
        fields_of(
            kind=kind,
            resource=resource,
            subResource=text,
            requestKind=kind,
            requestResource=resource,
            requestSubResource=text,
            name=text,
            namespace=text,
            operation=text,
            userInfo=user,
            dryRun=BOOL_DECL,
            options=DYN_DECL,
        ),
    )


def _namespace_type() -> DeclType:
    text, texts = STRING_DECL, map_decl(STRING_DECL, STRING_DECL)
    condition = object_decl(
        "kubernetes.NamespaceCondition",
        fields_of(status=text, type=text, lastTransitionTime=TIMESTAMP_DECL, message=text, reason=text),
    )
    metadata = object_decl(
        "kubernetes.NamespaceMetadata",
        fields_of(
            name=text,
            generateName=text,
            namespace=text,
            labels=texts,
            annotations=texts,
            UID=text,
            creationTimestamp=TIMESTAMP_DECL,
            deletionGracePeriodSeconds=INT_DECL,
            deletionTimestamp=TIMESTAMP_DECL,
            generation=INT_DECL,
            resourceVersion=text,
            finalizers=_STRINGS,
        ),
    )
    return object_decl(
        "kubernetes.Namespace",
        fields_of(
            metadata=metadata,
            spec=object_decl("kubernetes.NamespaceSpec", fields_of(finalizers=_STRINGS)),
            status=object_decl("kubernetes.NamespaceStatus", fields_of(conditions=list_decl(condition), phase=text)),
        ),
    )


@cache
def request_type() -> DeclType:
    return _request_type()


@cache
def namespace_type() -> DeclType:
    return _namespace_type()


def variables(*, params: bool, authorizer: bool = True) -> dict[str, Type | DeclType]:
    """Names and types; `params` if a policy has a kind of parameters."""
    found: dict[str, Type | DeclType] = {
        "object": DYN,
        "oldObject": DYN,
        "namespaceObject": namespace_type(),
        "request": request_type(),
    }
    if params:
        found["params"] = DYN
    if authorizer:
        found["authorizer"] = AUTHORIZER_TYPE
        found["authorizer.requestResource"] = RESOURCE_CHECK_TYPE
    return found
