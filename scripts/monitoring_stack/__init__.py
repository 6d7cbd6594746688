"""Monitoring: the stack of stack/monitoring.yml, brought in after a release and never a reason to take one back."""
