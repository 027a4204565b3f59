"""rbac.authorization.k8s.io/v1: roles and their bindings.

One file a kind, one entry a kind in `resources.py`; imports nothing above `pynetes.apis`.
"""
