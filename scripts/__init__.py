"""What acts on a Swarm from outside: images, deploys, the platform, and what Jenkins adds.

Each room is a command, as in `python -m scripts.release deploy`. Rooms import only those before them: command engine
credentials stack_file image edge ledger platform_stack detached rollout release operate ci.
"""
