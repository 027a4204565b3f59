"""Every controller as its own service account, over HTTPS, under RBAC: nobody is refused what it needs."""

import logging

from controller_cluster import FOR_EVER, Cluster, serving

from pynetes.apis.names import CRON_JOBS, DAEMON_SETS, DEPLOYMENTS, EVENTS, JOBS, PODS, STATEFUL_SETS
from pynetes.client.https import HTTPSTransport, tls_context
from pynetes.client.rest import Client
from pynetes.component.tasks import Tasks
from pynetes.controllers import manager
from pynetes.controllers.accounts import AccountClients
from pynetes.controllers.config import ControllerManagerConfig
from pynetes.controllers.context import ControllerContext
from pynetes.testing.hollow import HollowNode


async def run_the_rest(cluster, labels, template):
    """Daemons, members, a Job and a CronJob come up."""
    wanted = {"selector": {"matchLabels": labels}, "template": template}
    meta = {"name": "x", "namespace": "default"}
    await cluster.client.create(DAEMON_SETS, {"metadata": meta, "spec": wanted})
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    members = {**wanted, "serviceName": "x", "volumeClaimTemplates": [claim]}
    await cluster.client.create(STATEFUL_SETS, {"metadata": meta, "spec": members})
    job = {"template": {"spec": {**template["spec"], "restartPolicy": "Never"}}}
    await cluster.client.create(JOBS, {"metadata": meta, "spec": job})
    cron_job = {"schedule": "@every 1s", "jobTemplate": {"spec": job}}
    await cluster.client.create(CRON_JOBS, {"metadata": meta, "spec": cron_job})
    cluster.node.phase = "Running"

    async def up():
        pods = (await cluster.client.list(PODS, "default"))["items"]
        kinds = {pod["metadata"]["ownerReferences"][0]["kind"] for pod in pods if pod["status"]["phase"] == "Running"}
        return kinds == {"DaemonSet", "StatefulSet", "Job"} and len(await cluster.names(JOBS)) > 1

    await cluster.eventually(up)


async def test_controllers_work_with_their_own_rights(tmp_path, caplog):
    async with serving(tmp_path) as (server, keys):
        url = f"https://127.0.0.1:{server.port}"
        ca = keys.ca.certificate.read_bytes()
        tls = tls_context(
            ca_data=ca,
            cert_file=str(keys.controller_manager.certificate),
            key_file=str(keys.controller_manager.key),
        )
        own, anonymous = HTTPSTransport(url, tls=tls), HTTPSTransport(url, tls=tls_context(ca_data=ca))
        root = Client(own, user_agent="kube-controller-manager")
        config = ControllerManagerConfig(root_ca=ca.decode(), leader_elect=True, node_monitor_grace_period=FOR_EVER)
        context = ControllerContext(AccountClients(root, anonymous), config)
        try:
            async with Tasks("test") as tasks:
                node = HollowNode(server.client(), tasks, binds=True)
                await node.register()
                tasks.start(manager.run(context), name="controller manager")
                cluster = Cluster(server.client(), node, context)
                labels = {"app": "web"}
                template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "v1"}]}}
                web = {
                    "metadata": {"name": "web", "namespace": "default"},
                    "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
                }
                await cluster.client.create(DEPLOYMENTS, web)
                await cluster.settled("web")
                template["spec"]["containers"][0]["image"] = "v2"
                await cluster.client.patch(DEPLOYMENTS, "web", {"spec": {"template": template}}, "default")
                await cluster.settled("web")
                await cluster.client.delete(DEPLOYMENTS, "web", "default", propagation_policy="Foreground")
                await cluster.gone(DEPLOYMENTS, "web")
                assert await cluster.names(PODS) == []
                await run_the_rest(cluster, labels, template)

                async def told():
                    events = (await cluster.client.list(EVENTS, "default"))["items"]
                    wanted = {"ScalingReplicaSet", "SuccessfulCreate", "SuccessfulDelete"}
                    return wanted <= {event["reason"] for event in events}

                await cluster.eventually(told)
        finally:
            await own.close()
            await anonymous.close()
    refused = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING and "forbidden" in r.getMessage()]
    assert refused == []
