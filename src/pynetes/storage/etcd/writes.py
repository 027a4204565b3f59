"""One write, sent again where its fate is unknown and there is another member to send it to.

A leader that dies takes along what was on its way to it, and says nothing. The write is a transaction that compares the
key's revision, so it has an effect once, however often it arrives: the comparison fails for whichever comes second.
What that one finds tells what became of the first: the same value, so it happened; or something else, and the fate
stays unknown.
"""

import logging

from msgspec import Struct

from pynetes.component import clock
from pynetes.storage.etcd import rpc_pb2 as pb
from pynetes.storage.etcd.endpoints import TIMEOUT, Endpoints, FateUnknown

log = logging.getLogger(__name__)

_ATTEMPT = 2.0
"""Seconds: within this time the next leader is elected."""


class Written(Struct, frozen=True):
    """`found`: the key as an earlier attempt left it, when a later one was told so."""

    answer: pb.TxnResponse
    found: pb.KeyValue | None = None


async def write(endpoints: Endpoints, request: pb.TxnRequest, value: bytes | None = None) -> Written:
    """Runs a transaction whose failure reads its key. `value` is what it puts there; None if it deletes.

    FateUnknown when nobody knows; other StoreUnavailable for a write that did not happen.
    """
    deadline, sent_before = clock.monotonic() + TIMEOUT, False
    while True:
        left = deadline - clock.monotonic()
        again = endpoints.several and left > 2 * _ATTEMPT
        try:
            answer = await endpoints.call(
                "/etcdserverpb.KV/Txn",
                request,
                pb.TxnResponse,
                repeatable=False,
                timeout=_ATTEMPT if again else left,
            )
        except FateUnknown as error:
            if not again:
                raise
            log.info("a write is sent again: %s", error)
            sent_before = True
            continue
        if answer.succeeded or not sent_before:
            return Written(answer)
        return Written(answer, _own(answer, value))


def _own(answer: pb.TxnResponse, value: bytes | None) -> pb.KeyValue:
    found = answer.responses[0].response_range.kvs
    if value is None or not found or found[0].value != value:
        raise FateUnknown("a write that was sent twice: it may have happened, and was followed by another")
    return found[0]
