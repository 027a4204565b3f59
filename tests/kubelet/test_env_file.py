"""The format of environment files, and what breaks it."""

import pytest

from pynetes.kubelet.env_file import EnvFileError, find


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("A='1'", "A", "1"),
        ("  A='1'\n\nB='2'", "B", "2"),
        ("#A='0'\nA='1'", "A", "1"),
        ("A=''", "A", ""),
        ("A= '1'", "A", ""),
        ("A='$X \"q\" \\n'", "A", '$X "q" \\n'),
        ("A='1'  # why", "A", "1"),
        ("A='one\n\ntwo'\nB='3'", "A", "one\n\ntwo"),
        ("A='one\ntwo'\nB='3'", "B", "3"),
        ("A='1'", "B", ""),
        ("A='1'\nbroken", "A", "1"),
    ],
)
def test_find(text: str, key: str, value: str) -> None:
    assert find(text, key) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A", "at line 1: missing '='"),
        ("\n='1'", "at line 2: empty variable name"),
        ("A ='1'", "at line 1: whitespace before '=' is not allowed"),
        ("A=1", "at line 1: value must be enclosed in single quotes"),
        ("A='1'x", "at line 1: unexpected content after closing quote"),
        ("B='1'\nA='1\n2", "starting at line 2: unclosed single quote"),
    ],
)
def test_malformed(text: str, message: str) -> None:
    with pytest.raises(EnvFileError, match=message):
        find(text, "Z")
