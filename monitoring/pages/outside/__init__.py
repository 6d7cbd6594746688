"""What the pages ask beside the findings: the journal, MLflow's ledger, Prometheus."""
