"""Transformers out of a valid configuration: which resources, by which providers."""

import base64
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct, field

from pynetes.apiserver.encryption.aes import CBC, GCM
from pynetes.apiserver.encryption.config import ConfigError
from pynetes.apiserver.encryption.kms.provider import KMSProvider
from pynetes.apiserver.encryption.transformer import Identity, Prefixed, Transformer
from pynetes.apiserver.encryption.validation import group_resource

Object = dict[str, Any]
_ALL = ("*", "*")
_PLAIN = Identity()

#: Upstream's goes on to tell of its feature gate, by which nothing changes here.
_KMS_V1 = "KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead."


def _secretbox(key: bytes) -> Transformer:
    from pynetes.apiserver.encryption.secretbox import Secretbox  # libsodium is loaded only where it is asked for

    return Secretbox(key)


#: Providers with keys of the file, and what they are called where a value has none of these keys.
_KEYED: dict[str, tuple[Callable[[bytes], Transformer], str]] = {
    "aesgcm": (GCM, "AES"),
    "aescbc": (CBC, "AES"),
    "secretbox": (_secretbox, "Secretbox"),
}


class Providers(Struct):
    """The transformers by (group, resource), either of which may be `*`, and the KMS plugins they use."""

    transformers: dict[tuple[str, str], Transformer] = field(default_factory=dict)
    kms: list[KMSProvider] = field(default_factory=list)

    def of(self, group: str, resource: str) -> Transformer:
        """The resource's own, else its group's, else that of all; else plain text."""
        for pair in ((group, resource), (group, "*"), _ALL):
            if (found := self.transformers.get(pair)) is not None:
                return found
        return _PLAIN


async def build(document: Object) -> Providers:
    """ConfigError. Plugins are connected to, but not asked yet; whoever has the outcome closes them."""
    built = Providers()
    lists: dict[tuple[str, str], list[tuple[bytes, Transformer]]] = {}
    try:
        for conf in document["resources"]:
            transformers = [_transformer(provider, built.kms) for provider in conf["providers"]]
            for name in conf["resources"]:
                pair = group_resource(name)
                _check_masked(pair, name, lists)
                lists.setdefault(pair, []).extend(transformers)
    except ConfigError as error:
        await close(built.kms)
        raise ConfigError(f"error while building transformers: {error}") from None
    for pair, found in lists.items():
        built.transformers[pair] = Prefixed(found, "no matching prefix found")
    return built


async def close(plugins: Iterable[KMSProvider]) -> None:
    for plugin in plugins:
        await plugin.close()


def _check_masked(pair: tuple[str, str], name: str, lists: dict[tuple[str, str], Any]) -> None:
    for earlier in ((pair[0], "*"), _ALL):
        if earlier in lists:
            shown = "*." if earlier == ("", "*") else f"*.{earlier[0]}"
            raise ConfigError(f'resource "{name}" is masked by earlier rule "{shown}"')


def _transformer(provider: Object, plugins: list[KMSProvider]) -> tuple[bytes, Transformer]:
    """What values begin with, and what is done with the rest."""
    if provider.get("identity") is not None:
        return b"", _PLAIN
    if (kms := provider.get("kms")) is not None:
        if kms["apiVersion"] == "v1":
            raise ConfigError(_KMS_V1)
        plugin = KMSProvider(kms["name"], kms["endpoint"], kms["timeout"])
        plugins.append(plugin)
        return f"k8s:enc:kms:v2:{plugin.name}:".encode(), plugin.transformer
    kind = next(kind for kind in _KEYED if provider.get(kind) is not None)
    make, called = _KEYED[kind]
    keys = [(f"{key['name']}:".encode(), make(base64.b64decode(key["secret"]))) for key in provider[kind]["keys"]]
    unmatched = f"no matching key was found for the provided {called} transformer"
    return f"k8s:enc:{kind}:v1:".encode(), Prefixed(keys, unmatched)
