"""CertificateSigningRequests: approved for kubelets, signed with the cluster's CA, cleaned up.

`signers` says what each built-in signer accepts, `authority` makes certificates out of requests; a file a controller.
A new signer is a line in `signers.SIGNERS`. Must not import other controllers.
"""
