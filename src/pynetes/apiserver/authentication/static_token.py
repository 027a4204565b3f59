"""Static tokens: upstream's --token-auth-file, lines of `token,user,uid,"group1,group2"`."""

import csv
from pathlib import Path

from pynetes.apiserver.authentication.user import UserInfo


class StaticTokenAuthenticator:
    def __init__(self, users: dict[str, UserInfo]) -> None:
        self._users = users

    @classmethod
    def load(cls, path: Path) -> "StaticTokenAuthenticator":
        """Reads a token file; ValueError for a line with fewer than three columns or an empty token."""
        users = {}
        with path.open(newline="") as file:
            for number, row in enumerate(csv.reader(file), 1):
                columns = [column.strip() for column in row]
                if not columns:
                    continue
                if len(columns) < 3 or not columns[0]:
                    raise ValueError(f"{path}:{number}: expected token, user name, user uid and optional groups")
                groups = [group.strip() for group in columns[3].split(",")] if len(columns) > 3 else []
                users[columns[0]] = UserInfo(columns[1], uid=columns[2], groups=tuple(filter(None, groups)))
        return cls(users)

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> UserInfo | None:
        return self._users.get(token)
