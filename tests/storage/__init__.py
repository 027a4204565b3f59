"""The store's tests; `engines` starts the servers that they and `bench/store.py` run on."""
