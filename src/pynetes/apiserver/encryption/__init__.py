"""Encryption at rest: what the store holds of the resources that `--encryption-provider-config` names.

The providers of a resource are tried in order: the first writes, all read. Stored values begin with upstream's prefixes
(`k8s:enc:aesgcm:v1:NAME:`) and have upstream's forms; authenticated with them is the key they lie at, so that a value
that was moved is refused.

    transformer   what a provider does, several as one by prefix, and plain text
    aes           AES-GCM, AES-CBC, AES-GCM with derived keys
    secretbox     XSalsa20-Poly1305
    config        the file: parsed, with its defaults
    validation    what it must satisfy
    providers     transformers out of the configuration
    kms           keys that a plugin keeps (KMS v2)
    store         a store that encrypts what is written and decrypts what is read: all above it see plain bytes
    encryption    the running whole: the configuration in force, its reload, its health

To add a provider: its transformer, and a line in `providers`, `config` and `validation`. A server without encryption
loads nothing of this but `store` and `transformer`: neither gRPC nor ciphers.
"""
