"""Files of one volume that would overwrite each other or lie inside each other."""

from pynetes.apis.strategy import Object

Entry = tuple[str, str]
"""(path, where it comes from; empty where the volume has one source)"""


def _text(entry: Entry) -> str:
    path, source = entry
    return f'"{path}" ({source})' if source else f'"{path}"'


def _overlaps(path: str, other: str) -> bool:
    return path == other or path.startswith(other + "/") or other.startswith(path + "/")


def _clashes(entries: list[Entry]) -> list[str]:
    found = []
    seen: list[Entry] = []
    for path, source in entries:
        entry = (path.rstrip("/"), source)
        if entry[0]:
            found += [f"{_text(entry)} with {_text(other)}" for other in seen if _overlaps(entry[0], other[0])]
        seen.append(entry)
    return found


def _paths(source: Object | None, label: str = "") -> list[Entry]:
    return [(item.get("path") or "", label) for item in (source or {}).get("items") or ()]


def _projection(source: Object) -> list[Entry]:
    if source.get("configMap"):
        return _paths(source["configMap"], f'ConfigMap "{source["configMap"].get("name") or ""}"')
    if source.get("secret"):
        return _paths(source["secret"], f'Secret "{source["secret"].get("name") or ""}"')
    if source.get("downwardAPI"):
        return _paths(source["downwardAPI"], "DownwardAPI")
    if source.get("serviceAccountToken"):
        return [(source["serviceAccountToken"].get("path") or "", "ServiceAccountToken")]
    bundle = source.get("clusterTrustBundle")
    if bundle:
        name = bundle.get("name") or bundle.get("signerName") or ""
        return [(bundle.get("path") or "", f'ClusterTrustBundle "{name}"')]
    certificate = source.get("podCertificate") or {}
    files = (("certificateChainPath", "chain"), ("keyPath", "key"), ("credentialBundlePath", "credential bundle"))
    return [(certificate[field], f"PodCertificate {kind}") for field, kind in files if certificate.get(field)]


def overlapping_path_warnings(volumes: list[Object]) -> list[str]:
    found = []
    for volume in volumes:
        name = volume.get("name") or ""
        single = (
            ("configMap", 'ConfigMap "{}"', "name"),
            ("secret", 'Secret "{}"', "secretName"),
            ("downwardAPI", "DownwardAPI", ""),
        )
        for field, shown, key in single:
            source = volume.get(field)
            if source:
                label = shown.format(source.get(key) or "")
                found += [f'volume "{name}" ({label}): overlapping paths: {c}' for c in _clashes(_paths(source))]
        projected = volume.get("projected")
        if not projected:
            continue
        entries: list[Entry] = []
        for source in projected.get("sources") or ():
            if not source:
                found.append(f'volume "{name}" (Projected) has no sources provided')
            entries += _projection(source)
        found += [f'volume "{name}" (Projected): overlapping paths: {c}' for c in _clashes(entries)]
    return found
