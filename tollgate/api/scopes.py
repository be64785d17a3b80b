"""Whom a key may read: one customer, a tenant's customers, or all."""

from typing import NamedTuple

OPERATIONS = "operations"
"""How the scope of all customers, and of the installation itself, is written."""


class Scope(NamedTuple):
    """`text` is a customer's id, `tenant/` with its slash at the end, or `operations`.

    An id may hold a slash only after the tenant, and cannot end in one: the three cannot be taken for each other,
    but for a customer named `operations`, who is written `customer:operations`.
    """

    text: str

    @property
    def is_operations(self) -> bool:
        """Tell whether it reaches everything."""
        return self.text == OPERATIONS

    @property
    def is_tenant(self) -> bool:
        """Tell whether it reaches the customers of one tenant."""
        return self.text.endswith("/")

    @property
    def customer(self) -> str:
        """The one customer, or nothing."""
        return "" if self.is_operations or self.is_tenant else self.text.removeprefix(_CUSTOMER)

    def reaches(self, customer: str) -> bool:
        """Tell whether it may read a customer."""
        if self.is_operations:
            return True
        return customer.startswith(self.text) if self.is_tenant else customer == self.customer


_CUSTOMER = "customer:"


def scope_of_customer(customer: str) -> Scope:
    """Return the scope of one customer."""
    return Scope(_CUSTOMER + customer if customer == OPERATIONS or customer.startswith(_CUSTOMER) else customer)
