"""ReplicaSets and ReplicationControllers: keep the number of pods that match a selector at what the spec says.

`status` decides (pure), `controller` acts; `ReplicationControllerController` differs in its kind's words only.
"""
