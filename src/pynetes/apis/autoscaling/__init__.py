"""autoscaling v2 and v1: HorizontalPodAutoscaler (stored as v2), and the Scale subresource's kind.

One file a kind, one entry a kind in `resources.py`; imports nothing above `pynetes.apis`.
"""
