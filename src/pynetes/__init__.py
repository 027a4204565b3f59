"""Kubernetes, whole, in Python. ARCHITECTURE.md is the map of these packages."""

__version__ = "0.1.0"

#: The Kubernetes release whose behaviour is served.
KUBERNETES_VERSION = "v1.36.0"
