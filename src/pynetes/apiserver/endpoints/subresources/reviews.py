"""Kinds that are asked and never stored: token and access reviews."""

from collections.abc import Awaitable, Callable
from typing import Any

from pynetes.apimachinery.schema import empties
from pynetes.apis.resource import Resource
from pynetes.apiserver.authentication.union import Authenticator
from pynetes.apiserver.authentication.user import ANONYMOUS_USER, UserInfo
from pynetes.apiserver.authorization import reviews as access
from pynetes.apiserver.authorization.union import ClusterAuthorizer
from pynetes.apiserver.endpoints.body import decode_as
from pynetes.apiserver.endpoints.scope import Backend, agent, context_of
from pynetes.apiserver.endpoints.tables import partial
from pynetes.apiserver.http import Answer, Handler, Request, Response
from pynetes.apiserver.negotiation import negotiate
from pynetes.apiserver.options import WriteOptions
from pynetes.apiserver.registry import fields
from pynetes.apiserver.registry.create import match_namespace
from pynetes.apiserver.tokens import review as tokens

Object = dict[str, Any]
#: From (who asks, the namespace of the path, the review) to the answered review.
Answerer = Callable[[UserInfo, str, Object], Awaitable[Object]]


def answerers(authenticator: Authenticator, authorizer: ClusterAuthorizer) -> dict[tuple[str, str], Answerer]:
    """By group and resource."""

    async def token(user: UserInfo, namespace: str, review: Object) -> Object:
        return await tokens.review_token(authenticator, review)

    async def self_subject(user: UserInfo, namespace: str, review: Object) -> Object:
        return tokens.review_self(user, review)

    async def subject_access(user: UserInfo, namespace: str, review: Object) -> Object:
        return await access.review_subject(authorizer, review)

    async def local_access(user: UserInfo, namespace: str, review: Object) -> Object:
        return await access.review_subject(authorizer, review, namespace=namespace)

    async def self_access(user: UserInfo, namespace: str, review: Object) -> Object:
        return await access.review_self(authorizer, user, review)

    async def self_rules(user: UserInfo, namespace: str, review: Object) -> Object:
        return access.review_rules(authorizer, user, review)

    return {
        ("authentication.k8s.io", "tokenreviews"): token,
        ("authentication.k8s.io", "selfsubjectreviews"): self_subject,
        ("authorization.k8s.io", "subjectaccessreviews"): subject_access,
        ("authorization.k8s.io", "localsubjectaccessreviews"): local_access,
        ("authorization.k8s.io", "selfsubjectaccessreviews"): self_access,
        ("authorization.k8s.io", "selfsubjectrulesreviews"): self_rules,
    }


def create(backend: Backend, resource: Resource, answer: Answerer) -> Handler:
    """The endpoint of one such kind."""

    owners = fields.field_manager(resource, resource.gvk, "", None)

    async def handle(request: Request) -> Answer:
        info = request.info
        assert info is not None
        media = negotiate(request, "reviews")
        options = WriteOptions.of(request.query, "CreateOptions")
        review = await decode_as(resource.gvk, request, options)
        match_namespace(review, info.namespace if resource.namespaced else "")
        review = empties.written(review, resource.gvk)
        claimed, manager = fields.take_entries(review), options.field_manager or agent(request)
        entries = owners.update(None, review, manager, fields.now(), claimed=claimed)
        fields.put_entries(review, entries)
        ctx = context_of(backend, request, resource.gvr, resource.gvk, options=options.raw)
        ctx.dry_run, ctx.field_manager = options.dry_run, manager
        name = review["metadata"].get("name") or ""
        await ctx.admit("CREATE", info.namespace, name, review, None)
        await ctx.validate("CREATE", info.namespace, name, review, None)
        answered = await answer(request.user or ANONYMOUS_USER, info.namespace, review)
        if media.transform is not None:
            answered = partial(answered, media.transform.api_version)
        return Response(201, media.codec.encode(answered, media.pretty), media.codec.media_type)

    return handle
