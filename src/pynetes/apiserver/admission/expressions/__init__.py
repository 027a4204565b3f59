"""CEL in admission: what match conditions and policies can see of a request, and evaluating them within a budget.

variables       types of `object`, `request`, `namespaceObject`, …
activation      their values for one request, made when an expression first needs them
compiled        one expression with what it may give; what is wrong with it, in upstream's words
matchconditions whether a webhook or a policy is meant at all
"""
