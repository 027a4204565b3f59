"""Projected volumes, and the items that they share with Secret, ConfigMap and downward API volumes."""

from collections.abc import Callable

from pynetes.apimachinery.validation import validate_label_selector
from pynetes.apis.core.env_validation import VOLUME_FIELDS, validate_field_ref, validate_resource_field_ref
from pynetes.apis.core.path_validation import validate_file_mode, validate_unreserved_path
from pynetes.apis.core.signer_name import validate_signer_name
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_MIN_TOKEN_SECONDS = 10 * 60
_MAX_TOKEN_SECONDS = 2**32
_KEY_TYPES = ("RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519")
_MIN_CERTIFICATE_SECONDS = 3600
_MAX_CERTIFICATE_SECONDS = 91 * 86400
_MAX_KUBERNETES_CERTIFICATE_SECONDS = 86400
PathClaim = Callable[[str, object], None]


def validate_key_to_path(found: FieldErrors, item: Object, path: str) -> None:
    found.present(f"{path}.key", item.get("key"))
    found.present(f"{path}.path", item.get("path"))
    validate_unreserved_path(found, item.get("path") or "", f"{path}.path")
    validate_file_mode(found, item.get("mode"), f"{path}.mode")


def validate_downward_api_file(found: FieldErrors, item: Object, path: str) -> None:
    found.present(f"{path}.path", item.get("path"))
    validate_unreserved_path(found, item.get("path") or "", f"{path}.path")
    field_ref, resource_ref = item.get("fieldRef"), item.get("resourceFieldRef")
    if field_ref is not None:
        validate_field_ref(found, field_ref, VOLUME_FIELDS, f"{path}.fieldRef")
        if resource_ref is not None:
            found.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
    elif resource_ref is not None:
        validate_resource_field_ref(found, resource_ref, f"{path}.resourceFieldRef", volume=True)
    else:
        found.required(path, "one of fieldRef and resourceFieldRef is required")
    validate_file_mode(found, item.get("mode"), f"{path}.mode")


def validate_projected(found: FieldErrors, source: Object, path: str) -> None:
    taken: set[str] = set()

    def claim(file: str, shown: object) -> None:
        if file in taken:
            found.invalid(path, shown, "conflicting duplicate paths")
        taken.add(file)

    for index, projection in enumerate(source.get("sources") or ()):
        own = f"{path}.sources[{index}]"
        given = [kind for kind in _PROJECTIONS if projection.get(kind) is not None]
        for kind in given:
            _PROJECTIONS[kind](found, projection[kind], f"{own}.{kind}", claim)
        if "serviceAccountToken" in given:
            _token_path(found, projection["serviceAccountToken"], path)
        if len(given) > 1:
            found.forbidden(own, "may not specify more than 1 volume type per source")


def _keys(found: FieldErrors, source: Object, path: str, claim: PathClaim) -> None:
    """A Secret or a ConfigMap."""
    found.present(f"{path}.name", source.get("name"))
    for index, item in enumerate(source.get("items") or ()):
        validate_key_to_path(found, item, f"{path}.items[{index}]")
        if item.get("path"):
            claim(item["path"], source.get("name") or "")


def _downward_api(found: FieldErrors, source: Object, path: str, claim: PathClaim) -> None:
    for item in source.get("items") or ():
        validate_downward_api_file(found, item, path)
        if item.get("path"):
            claim(item["path"], item["path"])


def _token(found: FieldErrors, source: Object, path: str, claim: PathClaim) -> None:
    seconds = source.get("expirationSeconds") or 0
    if seconds < _MIN_TOKEN_SECONDS:
        found.invalid(f"{path}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
    if seconds > _MAX_TOKEN_SECONDS:
        found.invalid(f"{path}.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")


def _token_path(found: FieldErrors, source: Object, path: str) -> None:
    """Reported at the volume, not at its source: upstream's way."""
    if found.present(f"{path}.path", source.get("path")):
        validate_unreserved_path(found, source["path"], f"{path}.path")


def _trust_bundle(found: FieldErrors, source: Object, path: str, claim: PathClaim) -> None:
    name, signer = source.get("name"), source.get("signerName")
    if name is not None and signer is not None:
        found.invalid(path, source, "only one of name and signerName may be used")
    elif name is not None:
        found.present(f"{path}.name", name, "must be a valid object name")
        if source.get("labelSelector") is not None:
            detail = "labelSelector must be unset if name is specified"
            found.invalid(f"{path}.labelSelector", source["labelSelector"], detail)
    elif signer is not None:
        found.present(f"{path}.signerName", signer, "must be a valid signer name")
        validate_signer_name(found, signer, f"{path}.signerName")
        found += validate_label_selector(source.get("labelSelector"), f"{path}.labelSelector")
    else:
        found.required(path, "either name or signerName must be specified")
    file = source.get("path") or ""
    found.present(f"{path}.path", file)
    validate_unreserved_path(found, file, f"{path}.path")
    claim(file, file)


def _pod_certificate(found: FieldErrors, source: Object, path: str, claim: PathClaim) -> None:
    signer = source.get("signerName") or ""
    validate_signer_name(found, signer, f"{path}.signerName")
    if source.get("keyType") not in _KEY_TYPES:
        found.not_supported(f"{path}.keyType", source.get("keyType") or "", _KEY_TYPES)
    seconds = source.get("maxExpirationSeconds")
    if seconds is not None:
        own = f"{path}.maxExpirationSeconds"
        kubernetes = signer.startswith("kubernetes.io/")
        limit = _MAX_KUBERNETES_CERTIFICATE_SECONDS if kubernetes else _MAX_CERTIFICATE_SECONDS
        if seconds < _MIN_CERTIFICATE_SECONDS:
            found.invalid(own, seconds, f"if provided, maxExpirationSeconds must be >= {_MIN_CERTIFICATE_SECONDS}")
        if seconds > limit:
            found.invalid(own, seconds, f"if provided, maxExpirationSeconds must be <= {limit}")
    files = [f for f in ("credentialBundlePath", "keyPath", "certificateChainPath") if source.get(f)]
    for field in files:
        validate_unreserved_path(found, source[field], f"{path}.{field}")
        claim(source[field], source[field])
    if not files:
        detail = "specify at least one of credentialBundlePath, keyPath, and certificateChainPath"
        found.required(path, detail)


_PROJECTIONS: dict[str, Callable[[FieldErrors, Object, str, PathClaim], None]] = {
    "secret": _keys,
    "configMap": _keys,
    "downwardAPI": _downward_api,
    "serviceAccountToken": _token,
    "clusterTrustBundle": _trust_bundle,
    "podCertificate": _pod_certificate,
}
