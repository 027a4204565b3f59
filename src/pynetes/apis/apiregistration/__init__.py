"""apiregistration.k8s.io/v1: APIService.

One file a kind, one entry a kind in `resources.py`; imports nothing above `pynetes.apis`.
"""
