"""networking.k8s.io/v1: Ingress, IngressClass, NetworkPolicy, IPAddress, ServiceCIDR.

One file a kind, one entry a kind in `resources.py`; imports nothing above `pynetes.apis`.
"""
