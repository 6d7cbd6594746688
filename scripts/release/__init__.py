"""A release comes into the Swarm, is proven, and goes back by itself when it is not good.
`rollout` is the story of a deploy; then read `apply` and `wait`.
"""
