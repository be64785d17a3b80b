"""An independent rating of a usage log: what every customer owes, in exact fractions.

Written from sections 1 to 5 of the contract alone; it never imports the product's
own rating. See README.md for how to read it and for what it decides where the
contract is silent.
"""

from .ledger import Ledger
from .log import LogRecord
from .oracle import rate_log

__all__ = ["Ledger", "LogRecord", "rate_log"]
