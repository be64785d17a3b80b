"""An independent reading of contract section 7: which price holds at which instant, and what a cycle comes to.

It never imports the product's own code. See README.md.
"""

from .bills import cycle_amounts
from .oracle import Customer, read_log

__all__ = ["Customer", "cycle_amounts", "read_log"]
