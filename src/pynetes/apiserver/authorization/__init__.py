"""May they: from (user, verb, resource) to a `Decision`.

`attributes` says what is asked; `rbac` (its `rules`) and `node` (its `node_graph`) decide it from compiled lookups,
`abac` from a file, `always` without a look; `union` asks them in upstream's order. `bootstrap` has upstream's default
roles; `reviews` answers SubjectAccessReviews and `escalation` keeps users from granting what they do not hold,
`impersonation` says who may act as whom. To add an authorizer: a module with `authorize(Attributes) -> Decision` and a
place in `union`. Decisions come from memory and touch no store: authorizers are fed with changes (`observe`). One that
must ask elsewhere (`webhook`) gives a decision with `ask`, which `decide` waits for. `config` reads the chain from
flags or an AuthorizationConfiguration. Imports nothing of the registry or admission.
"""
