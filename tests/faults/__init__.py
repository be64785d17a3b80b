"""Long fault runs on real stacks, `make test-faults`."""
