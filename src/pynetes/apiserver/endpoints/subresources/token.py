"""serviceaccounts/NAME/token: a TokenRequest is answered, never stored."""

from typing import Any

from pynetes.apiserver.endpoints.output import object_response
from pynetes.apiserver.endpoints.scope import Endpoint, Scope
from pynetes.apiserver.endpoints.tracking import track
from pynetes.apiserver.endpoints.write import decode
from pynetes.apiserver.http import Answer, Request
from pynetes.apiserver.negotiation import negotiate
from pynetes.apiserver.options import WriteOptions
from pynetes.apiserver.registry.create import match_namespace
from pynetes.apiserver.registry.fields import take_entries
from pynetes.apiserver.tokens.request import TokenRequests, defaulted

Object = dict[str, Any]


def create(tokens: TokenRequests) -> Endpoint:
    async def handle(scope: Scope, request: Request) -> Answer:
        info = request.info
        assert info is not None
        media = negotiate(request)
        options = WriteOptions.of(request.query, "CreateOptions")
        asked = await decode(scope, request, options)
        asked["spec"] = defaulted(asked.get("spec"))
        if request.note is not None:
            request.note(asked, scope.kind)
        match_namespace(asked, info.namespace)
        ctx = scope.write_context(request, options)
        claimed = take_entries(asked)
        stated = {field: value for field, value in asked["spec"].items() if value is not None}
        await track(scope, ctx, None, {**asked, "spec": stated}, claimed)
        await ctx.admit("CREATE", info.namespace, info.name, asked, None)

        async def validate(completed: Object) -> None:
            await ctx.validate("CREATE", info.namespace, info.name, completed, None)

        answer = await tokens.create(
            info.namespace,
            info.name,
            asked,
            validate=validate,
            warnings=request.warnings,
            annotations=request.annotations,
        )
        return object_response(scope, request, media, answer, 201)

    return handle
