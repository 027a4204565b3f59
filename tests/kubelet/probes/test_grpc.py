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


@pytest.fixture
async def port():
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Health(),))
    number = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield number
    await server.stop(0)


@pytest.mark.parametrize(
    ("service", "result", "output"),
    [
        ("", "success", "service healthy"),
        ("sick", "failure", 'service unhealthy (responded with "NOT_SERVING")'),
        ("none", "failure", "error: health rpc probe failed: rpc error: code = NotFound desc = unknown service"),
    ],
)
async def test_health_service(port, service, result, output):
    outcome = await grpc_probe.probe("127.0.0.1", port, service, 2)
    assert (outcome.result, outcome.output) == (result, output)


async def test_nobody_there():
    outcome = await grpc_probe.probe("127.0.0.1", 1, "", 0.2)
    assert outcome.output == (
        'timeout: failed to connect service "127.0.0.1:1" within 200ms: context deadline exceeded'
    )
