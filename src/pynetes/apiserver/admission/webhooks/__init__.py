"""MutatingAdmissionWebhook and ValidatingAdmissionWebhook: servers that are asked whether a write may happen.

hooks       webhooks read from configurations, in the order of names; kept up to date by a watch
review      AdmissionReview: what is sent, and what an answer may be
caller      one call: side effects, time, failures, what the answer leaves behind (warnings, audit annotations)
mutating, validating    the plugins: one after another, or all at once
"""
