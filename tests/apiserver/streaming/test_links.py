"""Links of proxied pages lead through the proxy again; everything else of a page stays as it was."""

import gzip

import pytest

from pynetes.apiserver.streaming.links import Links
from pynetes.apiserver.streaming.proxy import rewritten

LINKS = Links("/api/v1/namespaces/a/pods/p:80/proxy", "10.244.0.5:80", "localhost:8001")
P = LINKS.prefix


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/x", f"{P}/x"),
        ("/x/", f"{P}/x/"),
        ("/", f"{P}/"),
        ("/a/../b?q=1#f", f"{P}/b?q=1#f"),
        ("x.log", "x.log"),
        ("../x", "../x"),
        ("", ""),
        ("#top", "#top"),
        ("mailto:a@b", "mailto:a@b"),
        ("http://10.244.0.5:80/x", f"{P}/x"),
        ("http://localhost:8001/x", f"http://localhost:8001{P}/x"),
        ("http://example.com/x", "http://example.com/x"),
        ("//example.com/x", "//example.com/x"),
        (f"{P}/x", f"{P}/x"),
        (f"http://localhost:8001{P}/x", f"http://localhost:8001{P}/x"),
        ("http://[bad/x", "http://[bad/x"),
    ],
)
def test_only_absolute_paths_of_the_backend_change(text: str, expected: str) -> None:
    assert LINKS.url(text) == expected


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ('<a href="/rewriteme">test</a>', f'<a href="{P}/rewriteme">test</a>'),
        ('<p>\n<IMG SRC=/i.png alt="a &amp; b"/>\n</p>', f'<p>\n<img src="{P}/i.png" alt="a &amp; b"/>\n</p>'),
        ("<form action='/f?a=1&amp;b=2'>", f'<form action="{P}/f?a=1&amp;b=2">'),
        ('<script>var a = "<a href=\\"/x\\">";</script>', '<script>var a = "<a href=\\"/x\\">";</script>'),
        ('<!-- <a href="/x"> --><b title="/x">&nbsp;&lt;</b>', '<!-- <a href="/x"> --><b title="/x">&nbsp;&lt;</b>'),
        ("<!DOCTYPE html><A  Href=x>\r\n<br/ ><a href='/", "<!DOCTYPE html><A  Href=x>\r\n<br/ ><a href='/"),
    ],
)
def test_urls_in_attributes_change_and_all_else_stays(page: str, expected: str) -> None:
    assert LINKS.page(page.encode()) == expected.encode()


def test_bytes_of_any_encoding_survive() -> None:
    body = b'\xff\xfe\x80<a href="/\xc3\xbc">\x00\xe9</a>'
    assert LINKS.page(body) == b'\xff\xfe\x80<a href="' + P.encode() + b'/\xc3\xbc">\x00\xe9</a>'


def test_packed_pages_are_packed_again() -> None:
    packed = gzip.compress(b'<a href="/x">')
    assert gzip.decompress(rewritten(packed, {"Content-Encoding": "gzip"}, LINKS)) == f'<a href="{P}/x">'.encode()
    assert rewritten(b"no gzip", {"Content-Encoding": "gzip"}, LINKS) == b"no gzip"
