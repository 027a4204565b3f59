"""discovery.k8s.io/v1: EndpointSlice.

One file a kind, one entry a kind in `resources.py`; imports nothing above `pynetes.apis`.
"""
