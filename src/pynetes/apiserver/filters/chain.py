"""The order of filters."""

from pynetes.apiserver.audit.auditor import Auditor
from pynetes.apiserver.authentication.authenticator import RequestAuthenticator
from pynetes.apiserver.authorization.attributes import Authorizer
from pynetes.apiserver.config import APIServerConfig
from pynetes.apiserver.filters.audit import with_audit, with_failed_authentication_audit
from pynetes.apiserver.filters.authentication import with_authentication
from pynetes.apiserver.filters.authorization import with_authorization
from pynetes.apiserver.filters.cors import with_cors
from pynetes.apiserver.filters.deadline import with_deadline
from pynetes.apiserver.filters.hsts import with_hsts
from pynetes.apiserver.filters.impersonation import with_impersonation
from pynetes.apiserver.filters.inflight import with_max_in_flight
from pynetes.apiserver.filters.info import with_request_info
from pynetes.apiserver.filters.recovery import with_recovery
from pynetes.apiserver.http import Filter, Handler, compose


def build(
    handler: Handler,
    config: APIServerConfig,
    authenticator: RequestAuthenticator,
    authorizer: Authorizer,
    auditor: Auditor | None = None,
    flow_control: Filter | None = None,
) -> Handler:
    """`handler` behind all filters: for requests from outside."""
    hsts = config.strict_transport_security_directives
    return compose(
        handler,
        [
            *((with_hsts(hsts),) if hsts else ()),
            with_recovery,
            with_request_info,
            with_deadline(config.request_timeout),
            *((with_cors(config.cors_allowed_origins),) if config.cors_allowed_origins else ()),
            *((with_failed_authentication_audit(auditor),) if auditor else ()),
            with_authentication(authenticator),
            *((with_audit(auditor),) if auditor else ()),
            with_impersonation(authorizer),
            flow_control or with_max_in_flight(config.max_requests_inflight, config.max_mutating_requests_inflight),
            with_authorization(authorizer),
        ],
    )


def build_trusted(handler: Handler, authorizer: Authorizer, config: APIServerConfig) -> Handler:
    """For clients in the same process, whose user is set already: no credentials to look at."""
    return compose(
        handler,
        [with_recovery, with_request_info, with_deadline(config.request_timeout), with_authorization(authorizer)],
    )
