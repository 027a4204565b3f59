"""gRPC probes against a real health service.

In a process of its own: gRPC's threads stay in the network namespace they were born in, and other tests change theirs.
"""

import asyncio
import json
import subprocess
import sys

import grpc
import grpc.aio
import pytest

from pynetes.kubelet.probes import grpc as grpc_probe

STATUS = {"": b"\x08\x01", "sick": b"\x08\x02"}


class Health(grpc.GenericRpcHandler):
    def service(self, details):
        async def check(request, context):
            name = request[2:].decode()
            if name == "none":
                await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
            return STATUS[name]

        return grpc.unary_unary_rpc_method_handler(check) if details.method.endswith("Health/Check") else None


async def probe(service, timeout):
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Health(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    outcome = await grpc_probe.probe("127.0.0.1", port if service != "nobody" else 1, service, timeout)
    await server.stop(0)
    return [outcome.result, outcome.output]


@pytest.mark.parametrize(
    ("service", "timeout", "result", "output"),
    [
        ("", 60, "success", "service healthy"),
        ("sick", 60, "failure", 'service unhealthy (responded with "NOT_SERVING")'),
        ("none", 60, "failure", "error: health rpc probe failed: rpc error: code = NotFound desc = unknown service"),
        (
            "nobody",
            1,
            "failure",
            'timeout: failed to connect service "127.0.0.1:1" within 1s: context deadline exceeded',
        ),
    ],
)
def test_health_service(service, timeout, result, output):
    command = [sys.executable, __file__, service, str(timeout)]
    found = subprocess.run(command, check=True, capture_output=True).stdout
    assert json.loads(found) == [result, output]


@pytest.mark.parametrize(
    ("body", "status"), [(b"", "UNKNOWN"), (b"\x08\x01", "SERVING"), (b"\x08\x03", "SERVICE_UNKNOWN")]
)
def test_answers_are_read(body, status):
    assert grpc_probe.decode_status(body) == status


def test_requests_are_written():
    assert grpc_probe.encode_request("") == b""
    assert grpc_probe.encode_request("x" * 200) == b"\x0a\xc8\x01" + b"x" * 200


if __name__ == "__main__":
    print(json.dumps(asyncio.run(probe(sys.argv[1], int(sys.argv[2])))))
