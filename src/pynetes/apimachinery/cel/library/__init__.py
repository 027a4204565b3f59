"""The functions that Kubernetes' environment has beyond operators: one module a library, named as upstream's are.

Each module has `declared()`, its functions with their costs at run time and before. To add one: a module and a line in
`environment.base_functions`.
"""
