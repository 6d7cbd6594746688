"""stack.yml with settings and names filled in, as `docker stack deploy` takes it.
Settings come from stack/settings/STACK.env, the environment, and the deploy before.
"""
