"""Who issues service account tokens and with which keys they are checked, as the flags say."""

from contextlib import AsyncExitStack

from msgspec import Struct

from pynetes.apiserver.config import APIServerConfig, ConfigurationError
from pynetes.apiserver.tokens.claims import EXTENDED_SECONDS
from pynetes.apiserver.tokens.issuer import Issuer, LocalIssuer
from pynetes.apiserver.tokens.keys import Keys, KeySet
from pynetes.component.signing import SigningKey


class ServiceAccountTokens(Struct, frozen=True):
    """None: no tokens are issued, or accepted. Tokens last at most `maximum_seconds` (0: as long as is asked for),
    those of kubelets `extended_seconds` in truth."""

    issuer: Issuer | None = None
    keys: Keys | None = None
    maximum_seconds: int = 0
    extended_seconds: int = EXTENDED_SECONDS


async def service_account_tokens(config: APIServerConfig, stack: AsyncExitStack) -> ServiceAccountTokens:
    """Asks an external signer, if there is one; `stack` ends the connection. ConfigurationError."""
    maximum = int(config.service_account_max_token_expiration)
    if config.service_account_signing_endpoint:
        return await _external(config, maximum, stack)
    signing = config.service_account_signing_key_file
    files = config.service_account_key_files or ((signing,) if signing is not None else ())
    keys = KeySet.load(*files) if files else None
    if signing is None:
        return ServiceAccountTokens(keys=keys)
    return ServiceAccountTokens(LocalIssuer(SigningKey.load(signing, config.service_account_issuer)), keys, maximum)


async def _external(config: APIServerConfig, maximum: int, stack: AsyncExitStack) -> ServiceAccountTokens:
    # Not at the top: gRPC takes a while, and few have such a signer.
    from pynetes.apiserver.tokens.external.signer import ExternalIssuer, SignerError

    issuer = ExternalIssuer(config.service_account_issuer, config.service_account_signing_endpoint)
    stack.push_async_callback(issuer.close)
    try:
        await issuer.start()
        limits = issuer.limits(maximum, extend=config.service_account_extend_token_expiration)
    except SignerError as error:
        raise ConfigurationError(str(error)) from None
    issuer.keys.follow()
    return ServiceAccountTokens(issuer, issuer.keys, *limits)
