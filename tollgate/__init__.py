"""The command line: local stack, produce, verify, explain, and what on-call needs."""
