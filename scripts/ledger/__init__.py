"""What was live when, by whom and why: records in the Swarm, and for people MLflow's experiment `releases`.
After a rollback MLflow's champions go back too.
"""
