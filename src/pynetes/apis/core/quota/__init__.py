"""What objects take of a namespace's ResourceQuotas. Pure: admission charges with it, the controller counts with it.

`usage` measures one object, an evaluator for each kind with rules of its own; `scopes` says which objects a quota is
about, `charge` whether a write fits. To add a kind with a usage of its own: an evaluator in `usage.EVALUATORS`.
"""
