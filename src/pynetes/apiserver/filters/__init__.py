"""What every request passes before its endpoint, in upstream's order, the outermost first:

    errors (recovery, metrics) → request info → authentication → audit → impersonation → priority and fairness
    (or in-flight limits) → authorization

A filter is a function that takes the next handler and returns one; `chain.build` puts them together. To add one: a
module and a line in `chain`. Must not import endpoints or the registry.
"""
