"""coordination.k8s.io/v1: Lease.

One file a kind, one entry a kind in `resources.py`; imports nothing above `pynetes.apis`.
"""
