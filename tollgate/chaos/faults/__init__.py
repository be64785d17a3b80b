"""One file for each family of faults, and the list of all."""
