"""Eviction: when the node runs low on memory, disk or process numbers, it frees what it can and then kills pods.

`thresholds` (what counts as low), `observations` (how much there is), `ranking` (who goes first) and `local_storage`
(who broke his own limit) are pure; `manager` watches and acts. Adding a signal: a line in `thresholds.SIGNALS` and how
to observe it. Imports nothing of pod workers: killing is a function the kubelet gives.
"""

from pynetes.kubelet.eviction.manager import Eviction, EvictionManager

__all__ = ["Eviction", "EvictionManager"]
