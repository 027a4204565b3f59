"""`pynetes apiserver`."""

from typing import Any

from pynetes.apiserver.config import FLAGS, APIServerConfig
from pynetes.cli import apiserver_flags
from pynetes.cli.flags import config_from, flags_of
from pynetes.cli.single.component import component, run
from pynetes.component import logs


@component("apiserver")
@apiserver_flags.originals
@flags_of(APIServerConfig, skip=("tls_sni_certificates",), rename=FLAGS)
def command(verbosity: int, logging_format: logs.Format, **values: Any) -> None:
    from pynetes.cli import components

    named = apiserver_flags.named_certificates(values.pop("tls_sni_cert_key"))
    config = config_from(APIServerConfig, apiserver_flags.settings(**values), tls_sni_certificates=named)
    run(lambda: components.apiserver(config), verbosity, logging_format)
