"""Records and charges to bills and invoices, decision by decision."""
