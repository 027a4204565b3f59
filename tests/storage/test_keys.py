"""The end of a prefix parts the keys that begin with it from all others."""

from hypothesis import given
from hypothesis import strategies as st

from pynetes.storage.keys import prefix_end

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@given(texts, texts)
def test_a_range_holds_just_the_keys_with_the_prefix(prefix: str, key: str) -> None:
    for each in (key, prefix + key):
        if each >= "\U0010ffff":
            continue  # no key of a cluster, and nothing lies after it
        assert (prefix <= each < prefix_end(prefix)) == each.startswith(prefix)


@given(texts)
def test_the_end_can_be_stored(prefix: str) -> None:
    prefix_end(prefix).encode()
