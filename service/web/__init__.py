"""What every route goes through: who asks, bodies, refusals, and the one path that counts, logs and signs answers.

It knows no model and no protocol.
"""
