"""`tollgate prices simulate`: what a past period would have cost with a draft price book.

It owns the two sides of the comparison, their difference, and how it is shown. It does not own
rating: both sides are the recomputation of `tollgate.audit`, and nothing is written to any topic.
"""
