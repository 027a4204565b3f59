"""The stock kubectl against the streaming subresources, over WebSockets (its default) and SPDY."""

import asyncio
import os
from pathlib import Path

import pytest

from .conftest import Cluster, pod

BOTH = pytest.mark.parametrize("websockets", ["true", "false"])


async def start(cluster: Cluster, tmp_path: Path, websockets: str, *arguments: str) -> asyncio.subprocess.Process:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "KUBECONFIG": "/dev/null",
        "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": websockets,
        "KUBECTL_PORT_FORWARD_WEBSOCKETS": websockets,
    }
    certificate = cluster.pki.admin
    return await asyncio.create_subprocess_exec(
        "kubectl",
        f"--server={cluster.url}",
        f"--certificate-authority={cluster.pki.ca.certificate}",
        f"--client-certificate={certificate.certificate}",
        f"--client-key={certificate.key}",
        *arguments,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run(
    cluster: Cluster, tmp_path: Path, websockets: str, *arguments: str, stdin: bytes = b""
) -> tuple[int, bytes, bytes]:
    process = await start(cluster, tmp_path, websockets, *arguments)
    out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return process.returncode, out, err


@BOTH
async def test_exec_shows_both_outputs_apart(cluster: Cluster, tmp_path: Path, websockets: str) -> None:
    code, out, err = await run(cluster, tmp_path, websockets, "exec", "p", "--", "both")
    assert (code, out, err) == (0, b"out\n", b"err\n")


@BOTH
async def test_exec_pipes_stdin_until_its_end(cluster: Cluster, tmp_path: Path, websockets: str) -> None:
    payload = os.urandom(1 << 20)
    code, out, err = await run(cluster, tmp_path, websockets, "exec", "-i", "p", "--", "cat", stdin=payload)
    assert (code, err) == (0, b"")
    assert out == payload


@BOTH
async def test_exec_gives_the_commands_exit_code(cluster: Cluster, tmp_path: Path, websockets: str) -> None:
    code, _, err = await run(cluster, tmp_path, websockets, "exec", "p", "--", "exit", "7")
    assert code == 7
    assert b"command terminated with exit code 7" in err


@BOTH
async def test_exec_says_why_it_cannot(cluster: Cluster, tmp_path: Path, websockets: str) -> None:
    cluster.kubelet.refuse = (500, 'container not found ("main")')
    code, _, err = await run(cluster, tmp_path, websockets, "exec", "p", "--", "both")
    assert code == 1
    assert b'container not found ("main")' in err


@BOTH
async def test_port_forward_reaches_several_ports(cluster: Cluster, tmp_path: Path, websockets: str) -> None:
    process = await start(cluster, tmp_path, websockets, "port-forward", "p", ":80", ":81")
    try:
        assert process.stdout is not None
        ports: dict[bytes, int] = {}
        while len(ports) < 2:
            line = await process.stdout.readline()
            assert line
            if b"127.0.0.1:" in line:
                local, _, remote = line.strip().rpartition(b"127.0.0.1:")[2].partition(b" -> ")
                ports[remote] = int(local)
        for remote, local in ports.items():
            reader, writer = await asyncio.open_connection("127.0.0.1", local)
            writer.write(b"hello")
            assert await reader.read() == remote + b" HELLO"
            writer.close()
            await writer.wait_closed()
    finally:
        process.terminate()
        await process.communicate()


async def test_logs_with_every_option(cluster: Cluster, tmp_path: Path) -> None:
    options = ("--tail=5", "--since=1h", "--timestamps", "--previous", "--limit-bytes=100")
    code, out, err = await run(cluster, tmp_path, "true", "logs", "p", *options)
    assert (code, out, err) == (0, b"line 1\nline 2\n", b"")
    asked = cluster.kubelet.calls[-1]
    assert asked.path == "/containerLogs/default/p/main"
    assert sorted(asked.query) == [
        ("limitBytes", "100"),
        ("previous", "true"),
        ("sinceSeconds", "3600"),
        ("tailLines", "5"),
        ("timestamps", "true"),
    ]


async def test_logs_of_the_wrong_container_are_refused(cluster: Cluster, tmp_path: Path) -> None:
    cluster.objects.add("pods", pod("two", "a", "b"))
    code, _, err = await run(cluster, tmp_path, "true", "logs", "two", "-c", "zz")
    assert code == 1
    assert b"container zz is not valid for pod two" in err
    cluster.kubelet.refuse = (400, 'container "a" in pod "two" is waiting to start: ContainerCreating')
    code, _, err = await run(cluster, tmp_path, "true", "logs", "two", "-c", "a")
    assert b'(BadRequest): container "a" in pod "two" is waiting to start: ContainerCreating' in err
