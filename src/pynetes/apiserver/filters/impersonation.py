"""`kubectl --as`: a user who may impersonate another is that other from here on (upstream's WithImpersonation)."""

from collections.abc import Mapping
from urllib.parse import unquote

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.authorization.attributes import Authorizer, from_request
from pynetes.apiserver.authorization.impersonation import Impersonation, Wanted, nameless
from pynetes.apiserver.http import NO_SNIFFING, Answer, Filter, Handler, Request

_PREFIX = "impersonate-"
_EXTRA = "impersonate-extra-"
_USER, _GROUP, _UID = "Impersonate-User", "Impersonate-Group", "Impersonate-Uid"


def with_impersonation(authorizer: Authorizer) -> Filter:
    """Leaves who asked, and the verb that allowed it, in the request's context."""
    impersonation = Impersonation(authorizer)

    async def become(request: Request, wanted: Wanted) -> None:
        assert request.user is not None
        assert request.info is not None
        attributes = from_request(request.user, request.info, request.query)
        found = await impersonation.impersonate(attributes, wanted)
        request.context["impersonator"] = request.user
        request.context["constraint"] = found.constraint
        request.user = found.user

    def wrap(handler: Handler) -> Handler:
        async def handle(request: Request) -> Answer:
            try:
                wanted = _requested(request.headers)
                if wanted is not None:
                    await become(request, wanted)
            except StatusError as error:
                error.headers.update(NO_SNIFFING)
                raise
            return await handler(request)

        return handle

    return wrap


def _requested(headers: Mapping[str, str]) -> Wanted | None:
    if not any(name[:12].lower() == _PREFIX for name in headers):
        return None
    getall = getattr(headers, "getall", None)
    wanted = Wanted(headers.get(_USER, ""), headers.get(_UID, ""))
    if _GROUP in headers:
        wanted.groups = list(getall(_GROUP)) if getall else [headers[_GROUP]]
    for name, value in headers.items():
        if name.lower().startswith(_EXTRA):
            wanted.extra.setdefault(unquote(name[len(_EXTRA) :].lower()), []).append(value)
    if not wanted.user and not wanted.is_bare:
        raise nameless(wanted)
    return wanted if wanted.user else None
