"""Service account tokens that another process signs (`--service-account-signing-endpoint`), who alone has the keys.

    service    calls to the signer over its Unix socket, and how long they take
    signer     claims to the signer, tokens out of what it answers
    keys       the signer's public keys: fetched again in time, and when a token names an unknown one

Messages are in `externaljwt.proto` (after a change: `make generate`).
"""
