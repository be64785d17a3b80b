"""The HTTP API: balances, bills, prices and alerts over HTTP, and the two pages.

It owns keys, who may read what, limits, routes and pages. It does not own any number that it shows: they come
from Redis, from the log, and from the functions behind the commands of the same names.
"""
