"""Where results go: exactly-once Kafka sinks, balances, dead letters."""
