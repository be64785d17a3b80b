"""What depends on all lines of a cycle: minimum spend, of it and of those corrected, and prepaid credit."""

from collections.abc import Sequence
from typing import NamedTuple

from billing.invoicing.account import NO_USAGE, Account, Book, BookAccount, Spend
from billing.invoicing.lines import Line, LineKind
from billing.money import format_picos


class Agreed(NamedTuple):
    """What a contract says of a cycle: the least that is owed for it, and credit paid in advance, in picos.

    `elsewhere` is the other price book under which it says that a minimum is owed by the cycle's end.
    """

    minimum_picos: int = 0
    credit_picos: int = 0
    elsewhere: Book | None = None


NOTHING_AGREED = Agreed()


def settle(account: Account, own: BookAccount, cycle: str, lines: Sequence[Line], agreed: Agreed) -> list[Line]:
    """Return the lines with those of minimum spend and credit after them; the account remembers both."""
    settled = [*lines, *_corrected_minimums(own, lines), *_minimum(own, cycle, lines, agreed)]
    return [*settled, *_credit(account, own, cycle, agreed), *_coming_credit(account, own, lines, agreed)]


def _corrected_minimums(own: BookAccount, lines: Sequence[Line]) -> list[Line]:
    """Return what corrections change in the minimum spend of closed cycles: what was topped up is not paid twice."""
    found = []
    for cycle in sorted({line.corrects for line in lines if line.corrects in own.spend}):
        before = own.spend[cycle]
        delta = sum(line.picos for line in lines if line.corrects == cycle)
        after = own.spend[cycle] = before._replace(picos=before.picos + delta)
        changed = _top_up(after) - _top_up(before)
        if changed:
            text = f"minimum spend of {format_picos(before.minimum_picos)} {own.book.currency}; correction of {cycle}"
            found.append(Line(LineKind.CORRECTION, text, changed, corrects=cycle))
    return found


def _minimum(own: BookAccount, cycle: str, lines: Sequence[Line], agreed: Agreed) -> list[Line]:
    if not agreed.minimum_picos:
        return []
    spend = own.spend[cycle] = Spend(sum(line.picos for line in lines if not line.corrects), agreed.minimum_picos)
    top_up = _top_up(spend)
    text = f"up to the minimum spend of {format_picos(agreed.minimum_picos)} {own.book.currency}"
    return [Line(LineKind.MINIMUM_SPEND, text, top_up)] if top_up else []


def _top_up(spend: Spend) -> int:
    return max(spend.minimum_picos - spend.picos, 0)


def _credit(account: Account, own: BookAccount, cycle: str, agreed: Agreed) -> list[Line]:
    """Return what the cycle's records drew from what was paid in advance: rating decides that, record by record."""
    drawn_picos = own.cycles.get(cycle, NO_USAGE).credit_picos
    if not drawn_picos:
        return []
    what = "prepaid credit" if drawn_picos > 0 else "prepaid credit given back"
    return [_draw(account, own, what, drawn_picos, agreed)]


def _coming_credit(account: Account, own: BookAccount, lines: Sequence[Line], agreed: Agreed) -> list[Line]:
    """Return what predicted use will draw: rating goes on until nothing is left."""
    if not agreed.credit_picos:
        return []
    coming_picos = sum(line.picos for line in lines if line.predicted and line.kind is LineKind.USAGE)
    drawn_picos = min(coming_picos, _left_picos(account, agreed))
    if drawn_picos <= 0:
        return []
    return [_draw(account, own, "prepaid credit", drawn_picos, agreed)._replace(predicted=True)]


def _draw(account: Account, own: BookAccount, what: str, drawn_picos: int, agreed: Agreed) -> Line:
    own.credit_used_picos += drawn_picos
    left = format_picos(_left_picos(account, agreed))
    return Line(LineKind.CREDIT, f"{what}; {left} {own.book.currency} left", -drawn_picos)


def _left_picos(account: Account, agreed: Agreed) -> int:
    """Return what is left of the customer's credit: as for rating, it is one over all price books."""
    return max(agreed.credit_picos - sum(one.credit_used_picos for one in account.books.values()), 0)
