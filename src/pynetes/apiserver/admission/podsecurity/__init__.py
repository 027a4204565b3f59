"""PodSecurity: what a pod may ask of its node, by the level that its namespace's labels name.

`levels` reads the labels, `baseline` and `restricted` hold one function a rule of the Pod Security Standards,
`standard` says which of them count at a level and version, `configuration` reads defaults and exemptions, `plugin` is
the admission plugin. To add a rule: a function
in its level's module and a row in that module's table, with the minor version that it begins with.
"""

from pynetes.apiserver.admission.podsecurity.plugin import PodSecurity

__all__ = ["PodSecurity"]
