"""Docker: one runner with Jenkins' credentials, the Swarm's state, secrets and configs, images, one-off jobs, the lock.
No other room starts the docker command.
"""
