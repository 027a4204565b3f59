"""Service account tokens: their keys, their claims, who asks for them and who asks about them.

`keys` signs and verifies, `claims` says what a token states, `request` answers TokenRequest (serviceaccounts/token),
`review` answers TokenReview and SelfSubjectReview, `discovery` serves OIDC discovery and the key set. Verification as a
credential is `authentication.service_account`. Imports nothing of the registry: objects come through an `ObjectReader`.
"""
