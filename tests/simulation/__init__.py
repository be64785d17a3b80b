"""Deterministic simulation: the jobs' own code between a broker with transactions and a Redis, and faults by seed.

One process, no clock, no threads: the same seed gives the same run, some thousand steps a second.
"""
