"""Every component as a command of its own, with the flags of the original it stands for.

One module a command, named after it: what it imports at its top is the configuration that its flags are made of, and
no component. `component` is what they share. To add one: a module and a line in `TEXTS`.
"""

import importlib

import click

#: Command → what it is, as helps say it. They are shown without importing the commands.
TEXTS = {
    "apiserver": "The API server (kube-apiserver).",
    "controller-manager": "The controller manager (kube-controller-manager).",
    "scheduler": "The scheduler (kube-scheduler).",
    "kubelet": "The node agent (kubelet). Needs root and a container runtime.",
    "proxy": "The Service proxy (kube-proxy). Needs root.",
    "network": "The pod network of this node and a cluster DNS server. Needs root.",
    "cloud-controller-manager": "The cloud controller manager (cloud-controller-manager).",
    "announcer": "Announces addresses of the cloud provider `local` on this node's link. Needs root.",
}


def load(name: str) -> click.Command:
    """`name` is one of `TEXTS`."""
    command: click.Command = importlib.import_module(f"{__name__}.{name.replace('-', '_')}").command
    return command
