"""How fast it is: the job against a plain loop over the same core, in one run, on one machine."""
