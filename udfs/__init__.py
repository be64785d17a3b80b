"""Flink functions that host the core: state, timers, frames. Rules live in `billing`."""
