"""One release comes into the Swarm, is proven, and goes back by itself when it is not good.

`rollout` is the story of a deploy, a rollback and a change of traffic alike; then read `apply` and `wait`.
"""
