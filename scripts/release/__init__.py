"""What a person or a pipeline asks for: deploy, plan, rollback, traffic, scale, and what may come in.
How it comes in is `rollout`'s.
"""
