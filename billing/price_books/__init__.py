"""Price books: what a pricing team wrote, read into frozen values with every error listed.

It owns the document tree with line numbers, the validation of contract section 4 and the rule
which version may follow which. It does not own YAML or protobuf (`wire`), nor the arithmetic
of a price (`billing.pricing`) or a promotion (`billing.promotions`).
"""
