"""Who may act as whom, in which mode."""

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.authentication.user import NODE_NAME, UserInfo
from pynetes.apiserver.authorization.attributes import ALLOW, NO_OPINION, Attributes, Decision
from pynetes.apiserver.authorization.impersonation import Impersonation, Wanted, extra_problem, nameless

AGENT = UserInfo("system:serviceaccount:default:agent", extra={NODE_NAME: ("n1",), "k": ("v",)})
AUTHENTICATED = ("system:authenticated",)


class Granted:
    """Allows what is written as `verb resource/subresource name`, and remembers what it was asked."""

    def __init__(self, *rights: str) -> None:
        self.rights = rights
        self.asked: list[Attributes] = []

    def authorize(self, attrs: Attributes) -> Decision:
        self.asked.append(attrs)
        return ALLOW if f"{attrs.verb} {attrs.full_resource} {attrs.name}".strip() in self.rights else NO_OPINION


def on(user: UserInfo = AGENT) -> Attributes:
    return Attributes(user, "list", version="v1", resource="pods")


@pytest.mark.parametrize(
    ("wanted", "rights", "constraint", "groups"),
    [
        (Wanted("jane"), ("impersonate users jane",), "", AUTHENTICATED),
        (
            Wanted("jane"),
            ("impersonate-on:user-info:list pods", "impersonate:user-info users jane"),
            "impersonate:user-info",
            AUTHENTICATED,
        ),
        (
            Wanted("jane", groups=["a", "b", "c", "d"]),
            (
                "impersonate-on:user-info:list pods",
                "impersonate:user-info users jane",
                "impersonate:user-info groups *",
            ),
            "impersonate:user-info",
            ("a", "b", "c", "d", *AUTHENTICATED),
        ),
        (
            Wanted("jane", "u", extra={"a.io/b": ["c"]}),
            (
                "impersonate-on:user-info:list pods",
                "impersonate:user-info users jane",
                "impersonate:user-info uids u",
                "impersonate:user-info userextras/a.io/b c",
            ),
            "impersonate:user-info",
            AUTHENTICATED,
        ),
        (
            Wanted("system:node:n1"),
            ("impersonate-on:associated-node:list pods", "impersonate:associated-node nodes *"),
            "impersonate:associated-node",
            ("system:nodes", *AUTHENTICATED),
        ),
        (
            Wanted("system:node:n2"),
            ("impersonate-on:arbitrary-node:list pods", "impersonate:arbitrary-node nodes n2"),
            "impersonate:arbitrary-node",
            ("system:nodes", *AUTHENTICATED),
        ),
        (Wanted("system:node:n2"), ("impersonate users system:node:n2",), "", AUTHENTICATED),
        (
            Wanted("system:serviceaccount:a:b"),
            ("impersonate-on:serviceaccount:list pods", "impersonate:serviceaccount serviceaccounts b"),
            "impersonate:serviceaccount",
            ("system:serviceaccounts", "system:serviceaccounts:a", *AUTHENTICATED),
        ),
        (Wanted("system:anonymous"), ("impersonate users system:anonymous",), "", ("system:unauthenticated",)),
    ],
)
async def test_rights_on_whom_and_on_what_are_needed(wanted, rights, constraint, groups) -> None:
    found = await Impersonation(Granted(*rights)).impersonate(on(), wanted)
    assert (found.constraint, found.user.groups, found.user.name) == (constraint, groups, wanted.user)
    for left_out in rights:
        fewer = Granted(*(right for right in rights if right != left_out))
        with pytest.raises(StatusError) as refused:
            await Impersonation(fewer).impersonate(on(), wanted)
        assert refused.value.code == 403


@pytest.mark.parametrize(
    ("wanted", "rights", "message"),
    [
        (Wanted("jane"), (), 'cannot impersonate-on:user-info:list resource "pods" in API group ""'),
        (
            Wanted("jane", groups=["system:masters"]),
            ("impersonate-on:user-info:list pods", "impersonate:user-info users jane"),
            "impersonating the system:masters group is not allowed",
        ),
        (
            Wanted("jane", extra={"scopes": ["x"]}),
            ("impersonate-on:user-info:list pods", "impersonate:user-info users jane"),
            'extra.key: Invalid value: "scopes": must be a domain-prefixed path',
        ),
        (Wanted("system:node:n1", groups=["g"]), (), 'cannot impersonate resource "users" in API group ""'),
    ],
)
async def test_the_refusal_is_that_of_the_mode_tried_first(wanted, rights, message) -> None:
    with pytest.raises(StatusError) as refused:
        await Impersonation(Granted(*rights)).impersonate(on(), wanted)
    assert message in refused.value.message


async def test_the_mode_that_worked_before_is_asked_first() -> None:
    authorizer = Granted("impersonate users jane")
    impersonation = Impersonation(authorizer)
    await impersonation.impersonate(on(), Wanted("jane"))
    authorizer.asked.clear()
    await impersonation.impersonate(on(), Wanted("jane"))
    assert [asked.verb for asked in authorizer.asked] == ["impersonate"]


async def test_the_node_of_an_account_is_asked_for_without_what_tells_its_pods_apart() -> None:
    authorizer = Granted("impersonate-on:associated-node:list pods", "impersonate:associated-node nodes *")
    await Impersonation(authorizer).impersonate(on(), Wanted("system:node:n1"))
    keys = (NODE_NAME, "k")
    assert [asked.user.extra for asked in authorizer.asked] == [
        {"authentication.kubernetes.io/associated-node-keys": tuple(sorted(keys))}
    ] * 2


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ({"a.io/b": ["c"]}, ""),
        ({"": ["c"]}, "empty string key"),
        ({"a.io/B": ["c"]}, "non-lowercase key"),
        ({"a.io/b": [""]}, "empty string value"),
    ],
)
def test_constrained_modes_take_no_odd_extra(extra: dict[str, list[str]], problem: str) -> None:
    assert problem in extra_problem(extra)
    assert bool(problem) == bool(extra_problem(extra))


def test_an_identity_without_a_name_is_shown_as_the_original_shows_it() -> None:
    error = nameless(Wanted("", "1", ["a", "b"], {"k": ["v"]}))
    assert error.code == 400
    assert error.message == (
        'requested &user.DefaultInfo{Name:"", UID:"1", Groups:[]string{"a", "b"}, '
        'Extra:map[string][]string{"k":[]string{"v"}}} without impersonating a user name'
    )
