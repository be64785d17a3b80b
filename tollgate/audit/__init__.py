"""`tollgate verify`: recompute every committed record from the input log, and compare.

It owns the comparison. It does not own rating: that is the same pure core as the job's.
Nothing here asks the running job for anything but how far it has committed its input.
"""
