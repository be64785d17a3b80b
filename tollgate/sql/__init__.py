"""Flink SQL over the topics: tables, views and functions, run by a small Flink inside the command.

It owns the catalog (which tables there are, with which columns), the session that runs statements, and how
rows are shown. It does not own the messages: columns follow the .proto files by themselves.
"""
