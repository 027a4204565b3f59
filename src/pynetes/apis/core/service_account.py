"""ServiceAccount."""

from pynetes.apis.strategy import Object, Strategy

_ENFORCE_MOUNTABLE = "kubernetes.io/enforce-mountable-secrets"


class ServiceAccountStrategy(Strategy):
    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        _keep_names(obj)

    def prepare_for_update(self, obj: Object, old: Object) -> None:
        super().prepare_for_update(obj, old)
        _keep_names(obj)

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        before = (old["metadata"].get("annotations") or {}) if old else {}
        if _ENFORCE_MOUNTABLE in before or _ENFORCE_MOUNTABLE not in (obj["metadata"].get("annotations") or {}):
            return []
        return [
            f"metadata.annotations[{_ENFORCE_MOUNTABLE}]: deprecated in v1.32+; prefer separate namespaces to "
            "isolate access to mounted secrets"
        ]


def _keep_names(account: Object) -> None:
    """Of references to secrets, only the name means anything."""
    if account.get("secrets"):
        account["secrets"] = [{"name": r["name"]} if r.get("name") else {} for r in account["secrets"]]
