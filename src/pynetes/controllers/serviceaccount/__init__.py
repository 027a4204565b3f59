"""Controllers of service accounts: the default one of every namespace, and tokens in Secrets (made, cleaned up)."""
