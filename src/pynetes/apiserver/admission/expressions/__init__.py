"""CEL in admission: what match conditions and policies can see of a request, and evaluating them within a budget.

activation      the values of `object`, `request`, … for one request, made when an expression first needs them
compiled        one expression with what it may give, and the budget that it is evaluated within
composition     variables that a policy defines by expressions
matchconditions whether a webhook or a policy is meant at all
"""
