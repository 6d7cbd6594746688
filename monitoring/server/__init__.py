"""The processes of the monitor: one that judges, one that shows pages and numbers, and one that keeps both running."""
