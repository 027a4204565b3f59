"""Bootstrap tokens: `cluster-info` signed with each of them, and those past their time removed.

What a token is stands in `apis.core.bootstrap_token`. Must not import other controllers.
"""
