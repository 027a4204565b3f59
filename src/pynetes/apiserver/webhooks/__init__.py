"""Calls of the API server to webhooks, whoever they are for.

    client       the HTTPS client: a URL or a Service, a CA bundle, a timeout
    credentials  what it shows of itself, by host
    reviews      reviews posted to where a kubeconfig says
    remembered   answers that hold for a while

What is asked and what an answer means is the caller's business (admission, conversion of custom resources).
"""
