"""What all controllers of pods share: reading pods, claiming, ranking, expecting, creating and deleting them.

`dependents` (whose sync a change concerns), `podindex` (an owner's pods), `state` (what a pod's status means),
`ranking` (which pod to delete first), `expectations` and `writes` (writes not yet seen in the cache), `claims`
(adoption and release by owner references), `control` (writes with their events), `template` (a pod from a template),
`batch` (slow start). All but `claims` and `control` are pure.

Must not import any controller.
"""
