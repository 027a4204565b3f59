"""resourcequota-controller: counts what a namespace's objects take and writes it into its quotas.

Admission charges writes; here is counted anew what is there, so that what was deleted, or charged in vain, is credited.
`counting` does the sums (pure), `counted` follows the types that quotas name, `controller` decides when.
"""
