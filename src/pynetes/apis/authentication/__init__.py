"""authentication.k8s.io/v1: reviews that are answered, never stored.

One file a kind, one entry a kind in `resources.py`; imports nothing above `pynetes.apis`.
"""
