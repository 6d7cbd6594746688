"""The metrics of each task with their words, and their intervals: pure arithmetic on arrays.

A spec names them, a search takes their scorers, a judgement computes them.
"""
