"""deployment-controller: rollouts of pod templates by ReplicaSets, one for each revision.

Pure: `template` (hash and equality of templates), `annotations` (revisions and sizes noted on ReplicaSets), `sizes`
(surge, availability, proportions), `rollout` (which ReplicaSet to scale, which to delete), `status` (counts and
conditions). `controller` reads, asks them and writes.
"""
