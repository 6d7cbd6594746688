"""Findings to places outside: MLflow's experiment `monitoring`, and Elasticsearch where one is named.

Each place has a thread of its own and takes from the database what it has not got: judging waits for none of them, and
what could not be sent while a place was away is sent once it is back.
"""
