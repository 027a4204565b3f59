"""job-controller: pods that run to completion.

Every pod carries a finalizer until it is counted, so that none is forgotten, whoever deletes it. Pure: `indexes`
(completion indexes), `failurepolicy` (what a failed pod means), `pods` (a Job's pods), `plan` (counts, conditions and
next steps). `controller` acts.
"""
