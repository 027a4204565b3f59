"""The headers that state a user."""

import pytest

from pynetes.apiserver.aggregation.connection import HeaderError, identity_headers, without_identity
from pynetes.apiserver.authentication.user import UserInfo


def test_a_user_is_stated_whole() -> None:
    user = UserInfo("jane", uid="7", groups=("a", "b"), extra={"example.com/scope%": ("x", "y")})
    assert identity_headers(user) == [
        ("X-Remote-User", "jane"),
        ("X-Remote-Uid", "7"),
        ("X-Remote-Group", "a"),
        ("X-Remote-Group", "b"),
        ("X-Remote-Extra-example.com%2Fscope%25", "x"),
        ("X-Remote-Extra-example.com%2Fscope%25", "y"),
    ]


@pytest.mark.parametrize("name", ["jane\r\nX-Remote-Group: system:masters", "a\nb", "a\x00b"])
def test_a_name_cannot_smuggle_a_header(name: str) -> None:
    with pytest.raises(HeaderError, match='invalid header field value for "X-Remote-User"'):
        identity_headers(UserInfo(name))


def test_what_clients_state_is_dropped() -> None:
    sent = [("x-remote-user", "a"), ("X-Remote-Extra-Scope", "b"), ("Impersonate-User", "c"), ("Accept", "d")]
    assert without_identity(sent) == [("Accept", "d")]
