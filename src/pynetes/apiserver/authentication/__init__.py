"""Who is asking: from a request's credentials to a `UserInfo`.

One module an authenticator (`x509`, `service_account`, `legacy_service_account`, `bootstrap_token`, `static_token`,
`request_header`, `oidc`, `webhook`), each with `async authenticate(request) -> UserInfo | None` (None: no credentials
of its kind; `StatusError` 401: bad ones), and `union`, which asks them in upstream's order and ends with anonymous. To
add one: a module with that method and a line in `union.build`. Imports nothing of authorization, admission or the
registry; objects are read through the `objects.ObjectReader` it is given. `config` reads issuers and anonymity from
flags or an AuthenticationConfiguration, `issuers` are those in force, `claims` makes users of claims. What is to be
said about credentials beside whose they are (`Remarks`) travels with the user.
"""

from pynetes.apiserver.authentication.user import UserInfo

__all__ = ["UserInfo"]
