"""gRPC probes: the standard health service (grpc.health.v1.Health) says SERVING."""

import asyncio
from typing import Any

import grpc
import grpc.aio

from pynetes.apimachinery import times
from pynetes.kubelet.cri.channel import CODE_NAMES
from pynetes.kubelet.probes.outcome import Outcome
from pynetes.kubelet.probes.ports import join_host_port

_CHECK = "/grpc.health.v1.Health/Check"
_STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")


def encode_request(service: str) -> bytes:
    """HealthCheckRequest: field 1, a string."""
    text = service.encode()
    return b"" if not text else b"\x0a" + _varint(len(text)) + text


def decode_status(body: bytes) -> str:
    """HealthCheckResponse: field 1, an enum; absent means UNKNOWN."""
    if body[:1] == b"\x08" and len(body) >= 2 and body[1] < len(_STATUSES):
        return _STATUSES[body[1]]
    return _STATUSES[0]


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


async def probe(host: str, port: int, service: str, timeout: float) -> Outcome:
    address = join_host_port(host, port)
    options = [("grpc.primary_user_agent", "kube-probe/1.36"), ("grpc.enable_http_proxy", 0)]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        try:
            async with asyncio.timeout(timeout):
                await channel.channel_ready()
        except TimeoutError:
            within = times.format_duration(timeout)
            why = "context deadline exceeded"
            return Outcome("failure", f'timeout: failed to connect service "{address}" within {within}: {why}')
        return await _check(channel, service, timeout)


async def _check(channel: grpc.aio.Channel, service: str, timeout: float) -> Outcome:
    rpc: Any = channel.unary_unary(_CHECK, request_serializer=encode_request, response_deserializer=decode_status)
    try:
        status = await rpc(service, timeout=timeout)
    except grpc.aio.AioRpcError as error:
        return Outcome("failure", _explain(error, timeout))
    if status != "SERVING":
        return Outcome("failure", f'service unhealthy (responded with "{status}")')
    return Outcome("success", "service healthy")


def _explain(error: grpc.aio.AioRpcError, timeout: float) -> str:
    details = error.details() or ""
    if error.code() is grpc.StatusCode.UNIMPLEMENTED:
        text = "this server does not implement the grpc health protocol (grpc.health.v1.Health)"
        return f"error: {text}: {details}"
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"timeout: health rpc did not complete within {times.format_duration(timeout)}"
    return f"error: health rpc probe failed: rpc error: code = {CODE_NAMES[error.code().name]} desc = {details}"
