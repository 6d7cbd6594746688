"""Findings to places outside: MLflow's experiment `monitoring`, and Elasticsearch where one is named."""
