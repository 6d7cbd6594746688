"""Reads a table as people have it: CSV and Parquet files, and the rows of an SQL query; imports nothing of ours.

Training reads its rows here. What is asked of them (columns, types, a fingerprint) is the reader's own.
"""
