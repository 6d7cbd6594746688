"""The loop: which windows are due, judged again, and what is said when a source is down."""
