"""Envelope encryption with a KMS v2 plugin: values are encrypted with keys derived from a seed of this process's own,
and only the seed is encrypted, and on other servers decrypted, by the plugin.

    service    calls to the plugin over its Unix socket
    envelope   the stored form, its limits, and the transformer
    provider   one plugin in use: polls its status, makes a new seed when its key changes

Messages are in `kms.proto` (after a change: `make generate`).
"""
