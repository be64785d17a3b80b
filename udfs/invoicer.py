"""Keeps accounts and closes what is due, one shard at a time: frames of facts in, invoices out.

Knows state as `Store`s and nothing of Flink, so that tests drive the very code of the job.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from billing.calendar import Cycle
from billing.catalog import PriceCatalog
from billing.invoicing.account import NEVER_OPEN_MS, Account, Book
from billing.invoicing.bill import agreed_on
from billing.invoicing.facts import UsageFact
from billing.invoicing.notes import FinalInvoice
from billing.invoicing.schedule import close_due, next_due_ms
from billing.invoicing.settlement import Agreed
from billing.invoicing.tax import NO_TAX, TaxRule
from billing.subscriptions.charges import Charge
from udfs.batched_state import AgendaStore, Store, WholeStore, customer_of, deadline_key
from udfs.note_taker import final_key, take_notes
from wire.account_state import decode_account, encode_account
from wire.facts import Known, NoteRecord, unpack_facts
from wire.frames import Tag, pack_outgoing
from wire.invoices import invoice_message
from wire.notes import encode_final
from wire.records import ReadSoFar

_CUSTOMERS = b""
"""Owns the agenda's entries of when each customer's next day or cycle is due."""

_NUMBER = Struct(">Q")

ACCOUNTS_AT_ONCE = 250
"""So many are closed and written before it is asked whether the turn is over."""


class Prices(NamedTuple):
    """Price books and contracts, and how far they have been read."""

    catalog: PriceCatalog
    read: ReadSoFar


@dataclass(slots=True)
class AccountStores:
    """The state of one shard at a time. `waiting` holds frames by their number, see `Invoicer.keep`.

    `notes` is what `udfs.note_taker` needs.
    """

    accounts: Store
    agenda: AgendaStore
    waiting: WholeStore
    notes: Store


@dataclass(slots=True)
class Invoicer:
    """Hosts accounts for one shard at a time.

    `register_timer` is told the clock, in ms, at which `fire` must be called. `is_over` tells whether a turn's time
    is spent; where `fire` has left something for another one, it is `cut_short`.
    """

    stores: AccountStores
    register_timer: Callable[[int], None]
    tax: TaxRule = NO_TAX
    notes_topic: str = ""
    is_over: Callable[[], bool] = lambda: False
    cut_short: bool = False

    def keep(self, frame: bytes, prices: Prices) -> bytes:
        """Add a frame's facts to their accounts, and answer its requests for notes; returns the outgoing frame.

        A frame waits while facts in it were decided by prices that this job has not read yet, and so do all
        frames after it. So nothing is closed by fewer contracts than it was rated by.
        """
        facts = list(unpack_facts(frame))
        waiting = self.stores.waiting.everything()
        if waiting or not _is_ready(facts, prices.read):
            number = _NUMBER.unpack(max(waiting))[0] + 1 if waiting else 0
            self.stores.waiting.put_all({_NUMBER.pack(number): frame})
            self.register_timer(0)
            return b""
        return b"".join(self._add(facts, prices.catalog))

    def fire(self, clock_ms: int, prices: Prices) -> bytes:
        """Close every day and cycle that is due at a clock, which is the watermark; returns the outgoing frame."""
        self.cut_short = self.is_over()
        if self.cut_short:
            return b""
        out: list[bytes] = []
        if not self._release(prices, out):
            self.register_timer(clock_ms + 1)
            return b"".join(out)
        taken, _ = self.stores.agenda.take_due(_CUSTOMERS, clock_ms)
        due = list({customer_of(key): key for key in taken}.items())
        for begin in range(0, len(due), ACCOUNTS_AT_ONCE):
            if begin and self.is_over():
                self.cut_short = True
                self.stores.agenda.add((_CUSTOMERS, key) for _, key in due[begin:])
                break
            self._close_all([customer for customer, _ in due[begin : begin + ACCOUNTS_AT_ONCE]], clock_ms, prices, out)
        return b"".join(out)

    def _close_all(self, customers: Iterable[bytes], clock_ms: int, prices: Prices, out: list[bytes]) -> None:
        accounts = self._load(dict.fromkeys(customers))
        finals: dict[bytes, bytes] = {}
        for key, account in accounts.items():
            self._close(key, account, clock_ms, prices, out, finals)
        self._save(accounts)
        self.stores.notes.put_all(finals)
        self._schedule((key, next_due_ms(account)) for key, account in accounts.items())

    def _release(self, prices: Prices, out: list[bytes]) -> bool:
        """Add the frames that wait, as far as their prices have been read; tells whether none waits any more."""
        for number, frame in sorted(self.stores.waiting.everything().items()):
            facts = list(unpack_facts(frame))
            if not _is_ready(facts, prices.read):
                return False
            out += self._add(facts, prices.catalog)
            self.stores.waiting.put_all({number: None})
        return True

    def _add(self, facts: Iterable[Known], catalog: PriceCatalog) -> list[bytes]:
        notes: list[NoteRecord] = []
        found: list[tuple[bytes, UsageFact | Charge]] = []
        for customer, fact, _ in facts:
            if isinstance(fact, NoteRecord):
                notes.append(fact)
            elif fact is not None:
                found.append((customer, fact))
        self._add_up(found, catalog)
        return take_notes(notes, self.notes_topic, self.stores.notes, self.tax) if notes else []

    def _add_up(self, found: Sequence[tuple[bytes, UsageFact | Charge]], catalog: PriceCatalog) -> None:
        accounts = self._load(dict.fromkeys(customer for customer, _ in found))
        due_ms = {key: next_due_ms(account) for key, account in accounts.items()}
        books: dict[str, Book] = {}
        for customer, fact in found:
            book = books.get(fact.price_book)
            if book is None:
                book = books[fact.price_book] = Book.of(catalog.series[fact.price_book].first)
            if isinstance(fact, Charge):
                accounts[customer].add_charge(book, fact)
            else:
                accounts[customer].add_record(book, fact)
        self._save(accounts)
        after = ((key, next_due_ms(account)) for key, account in accounts.items())
        self._schedule((key, next_ms) for key, next_ms in after if next_ms != due_ms[key])

    def _close(  # noqa: PLR0913 - `out` and `finals` are what it adds to
        self,
        key: bytes,
        account: Account,
        clock_ms: int,
        prices: Prices,
        out: list[bytes],
        finals: dict[bytes, bytes],
    ) -> None:
        def agreed(book_id: str, cycle: Cycle) -> Agreed:
            return agreed_on(prices.catalog, account.customer_id, book_id, cycle)

        for invoice in close_due(account, clock_ms, agreed, self.tax):
            message = invoice_message(invoice, prices.read).SerializeToString()
            out.append(pack_outgoing(Tag.INVOICE, key, message))
            if invoice.number:
                finals[final_key(invoice.invoice_id)] = encode_final(FinalInvoice.of(invoice))

    def _load(self, customers: dict[bytes, None]) -> dict[bytes, Account]:
        found = self.stores.accounts.get_all(customers)
        return {customer: decode_account(customer.decode(), found.get(customer)) for customer in customers}

    def _save(self, accounts: dict[bytes, Account]) -> None:
        self.stores.accounts.put_all({customer: encode_account(account) for customer, account in accounts.items()})

    def _schedule(self, due: Iterable[tuple[bytes, int]]) -> None:
        entries = []
        for customer, due_ms in due:
            if due_ms < NEVER_OPEN_MS:
                entries.append((_CUSTOMERS, deadline_key(due_ms, customer)))
                self.register_timer(due_ms)
        if entries:
            self.stores.agenda.add(entries)


def _is_ready(facts: Iterable[Known], read: ReadSoFar) -> bool:
    return all(
        one.read.books_offset <= read.books_offset and one.read.contracts_offset <= read.contracts_offset
        for one in facts
    )
