"""What both arms answered, failed at and got right: read from the journal and the counters of the service."""
