"""`projected`: several sources in one directory, service account tokens among them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pynetes.kubelet.volumes import files, ownership, payload, scratch
from pynetes.kubelet.volumes.plugin import MountedVolume, TokenRequest, VolumeContext, VolumeError
from pynetes.kubelet.volumes.writer import File

_DEFAULT_EXPIRATION = 3600
#: A token is renewed when this much of its life is over, and at least once a day.
_RENEW_AT, _MAX_AGE = 0.8, 24 * 3600.0


class _Collected:
    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.watches: set[tuple[str, str, str]] = set()
        self.refresh_at: float | None = None


class ProjectedPlugin:
    name = "kubernetes.io/projected"
    source = "projected"

    async def set_up(self, context: VolumeContext) -> MountedVolume:
        volume = context.volume[self.source]
        mode = payload.mode_of(volume)
        collected, errors = _Collected(), []
        for source in volume.get("sources") or ():
            try:
                await self._collect(context, source, mode, collected)
            except VolumeError as error:
                errors.append(str(error))
        if errors:
            raise VolumeError(errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]")
        files.publish(context, collected.files, in_memory=True)
        return MountedVolume(
            context.name,
            str(context.path),
            self.name,
            readonly=True,
            watches=frozenset(collected.watches),
            refresh_at=collected.refresh_at,
        )

    async def tear_down(self, path: Path) -> None:
        await scratch.remove(path)

    async def _collect(
        self, context: VolumeContext, source: Mapping[str, Any], mode: int, collected: _Collected
    ) -> None:
        if ref := source.get("configMap"):
            found = await self._object(context, "ConfigMap", ref, collected)
            optional = bool(ref.get("optional"))
            collected.files.update(payload.config_map(found, ref.get("items"), mode, optional=optional))
        elif ref := source.get("secret"):
            found = await self._object(context, "Secret", ref, collected)
            collected.files.update(payload.secret(found, ref.get("items"), mode, optional=bool(ref.get("optional"))))
        elif "downwardAPI" in source:
            items = (source["downwardAPI"] or {}).get("items")
            collected.files.update(payload.downward_api(context.pod, items, mode, context.sources.node()))
        elif ref := source.get("serviceAccountToken"):
            await self._token(context, ref, mode, collected)
        else:
            raise VolumeError(f"projection {', '.join(source) or '(empty)'} is not supported")

    async def _object(
        self, context: VolumeContext, kind: str, ref: Mapping[str, Any], collected: _Collected
    ) -> dict[str, Any] | None:
        get = context.sources.config_map if kind == "ConfigMap" else context.sources.secret
        wanted = ref.get("name", "")
        collected.watches.add((kind, context.namespace, wanted))
        found = await get(context.namespace, wanted)
        if found is None and not ref.get("optional"):
            raise VolumeError(f'{kind.lower()} "{wanted}" not found')
        return found

    async def _token(self, context: VolumeContext, ref: Mapping[str, Any], mode: int, collected: _Collected) -> None:
        meta, spec = context.pod["metadata"], context.pod["spec"]
        request = TokenRequest(
            namespace=context.namespace,
            service_account=spec.get("serviceAccountName") or "default",
            audience=ref.get("audience") or "",
            expiration_seconds=int(ref.get("expirationSeconds") or _DEFAULT_EXPIRATION),
            pod_name=meta["name"],
            pod_uid=meta.get("uid") or "",
            node_name=spec.get("nodeName") or "",
        )
        token = await context.sources.token(request)
        owner = ownership.fs_user(context.pod)
        if owner is not None or context.fs_group is not None:
            mode = 0o600  # with an fsGroup, ownership widens it to 0640
        collected.files[ref["path"]] = File(token.value.encode(), mode, owner)
        renew = token.issued + min(_RENEW_AT * (token.expires - token.issued), _MAX_AGE)
        collected.refresh_at = renew if collected.refresh_at is None else min(renew, collected.refresh_at)
