"""Tests in tiers: unit, golden, properties, integration; `faults` are run by `make test-faults`."""
