"""`balance` and `balances rebuild`: what customers owe, from Redis; and Redis again, from the log."""

import time
from collections.abc import Mapping
from typing import Annotated

import typer
from rich.table import Table

from billing.balances import CustomerBalance
from flink_jobs.topics import RECORDS, SESSIONS
from tollgate.audit.balances import BalanceFold
from tollgate.balance_store import BATCH, BalanceStore, batches
from tollgate.context import Context
from tollgate.local.errors import StackError
from wire.balances import AMOUNT, QUANTITY, WHOLE, redis_update

app = typer.Typer(help="All balances in Redis.", no_args_is_help=True)

_REPORT_SECONDS = 2.0


def balance(
    customer: Annotated[str, typer.Argument(help="customer_id.")],
    json_: Annotated[bool, typer.Option("--json", help="Print the fields of the hash as one JSON object.")] = False,
) -> None:
    """Show what a customer owes: live and settled, and how old each is."""
    context = Context()
    fields = BalanceStore(context.redis_url).get_all([customer])[customer]
    if not fields:
        remedy = "check the id; `tollgate records` shows committed lines, `tollgate balances rebuild` fills Redis again"
        raise StackError(f"Redis has no balance of {customer}", remedy)
    if json_:
        context.print_json({"customer_id": customer} | fields)
        return
    try:
        lines, table = describe(customer, fields, time.time() * 1000), _meters(fields)
    except ValueError as error:
        raise StackError(f"the balance of {customer} is damaged: {error}", "run `tollgate balances rebuild`") from error
    for line in lines:
        context.say(line)
    context.console.print(table)


def describe(customer: str, fields: dict[str, str], now_ms: float) -> list[str]:
    """Return a balance in words, a line each."""
    currency = fields.get("currency", "")
    lines = [f"{customer}, cycle {fields.get('cycle', '')}"]
    for side in ("live", "settled"):
        total, number = fields.get(f"{side}_total", "0"), fields.get(f"{side}_sequence", "0")
        where = f" in {fields['settled_cycle']}" if side == "settled" and _other_cycle(fields) else ""
        age = age_text(now_ms - int(fields.get(f"{side}_as_of_ms", "0"))) if int(number) else "nothing yet"
        lines.append(f"  {side:8} {total:>16} {currency}{where}  through record #{number}, {age}")
    if "credit" in fields:
        lines.append(f"  {'credit':8} {fields['credit']:>16} {currency}  left of what was paid in advance, live")
    if "open_sessions" in fields:
        lines.append(_open_line(fields, now_ms))
    return lines


def _open_line(fields: dict[str, str], now_ms: float) -> str:
    count, total, currency = int(fields["open_sessions"]), fields.get("open_total", ""), fields.get("open_currency", "")
    calls = "1 session runs" if count == 1 else f"{count:,} sessions run"
    age = age_text(now_ms - int(fields.get("open_as_of_ms", "0")))
    return f"  {'open':8} {total:>16} {currency}  so far and not billed: {calls}, {age}"


def _other_cycle(fields: dict[str, str]) -> bool:
    return bool(fields.get("settled_cycle")) and fields.get("settled_cycle") != fields.get("cycle")


def age_text(age_ms: float) -> str:
    """Return how long ago something was, for people; a time to come says so (simulated time)."""
    seconds = abs(age_ms) / 1000
    units = ((86400, "days"), (3600, "h"), (60, "min"))
    size, unit = next(((size, unit) for size, unit in units if seconds >= 2 * size), (1, "s"))
    text = f"{seconds / size:.1f} {unit}" if size == 1 else f"{seconds / size:.0f} {unit}"
    return f"as of {text} ago" if age_ms >= 0 else f"as of {text} from now"


def _meters(fields: dict[str, str]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("  meter")
    table.add_column("units", justify="right")
    table.add_column("live amount", justify="right")
    for name in sorted(name.removeprefix(QUANTITY) for name in fields if name.startswith(QUANTITY)):
        table.add_row(f"  {name}", f"{int(fields[QUANTITY + name]):,}", fields.get(AMOUNT + name, ""))
    return table


@app.command()
def rebuild(
    json_: Annotated[bool, typer.Option("--json", help="Print the counts as one JSON object.")] = False,
) -> None:
    """Write every balance in Redis again from the committed records, and remove what no record explains.

    What is newer there stays, records that were committed meanwhile included. Live parts that are
    ahead of the committed records begin again there; the balances job brings them back.
    """
    context = Context()
    store = BalanceStore(context.redis_url)
    before = sequences(store)
    fold = _fold(context)
    removed = store.remove(unexplained(before, fold))
    customers = [(name, redis_update(balances, WHOLE)) for name, balances in fold.whole()]
    started = time.monotonic()
    written = 0
    for some in batches(customers, BATCH * 20):
        store.write(dict(some))
        written += len(some)
        context.report(progress("balances written", written, len(customers), time.monotonic() - started))
    if json_:
        context.print_json({"rebuilt": written, "removed": removed})
        return
    gone = f"; {removed:,} removed first that no committed record explained" if removed else ""
    context.say(f"{written:,} balances rebuilt from {RECORDS}{gone}")


def sequences(store: BalanceStore) -> dict[str, tuple[str, str]]:
    """Return the live and the settled number of every hash, as they are written there."""
    found: dict[str, tuple[str, str]] = {}
    for some in batches(store.customers(), BATCH):
        for customer, fields in store.get_all(some).items():
            found[customer] = fields.get("live_sequence", ""), fields.get("settled_sequence", "")
    return found


def unexplained(before: Mapping[str, tuple[str, str]], fold: BalanceFold) -> list[str]:
    """Return the customers whose numbers, read before the log was, are beyond what the log holds."""
    return [customer for customer, numbers in before.items() if _is_beyond(numbers, fold.balances.get(customer))]


def _is_beyond(numbers: tuple[str, str], balances: CustomerBalance | None) -> bool:
    if balances is None:
        return numbers[1] != "0"  # with 0, its first record is about to be committed
    return any(not text.isdecimal() or int(text) > balances.settled.sequence for text in numbers)


def _fold(context: Context) -> BalanceFold:
    """Fold all committed records, saying how far it is."""
    fold, log = BalanceFold(), context.log
    fold.add_open(log.read(SESSIONS))
    total = sum(log.ends(RECORDS, committed=True).values())
    started = reported = time.monotonic()
    for count, _ in enumerate(fold.add(log.read(RECORDS)), 1):
        if count % 1000 == 0 and time.monotonic() - reported > _REPORT_SECONDS:
            reported = time.monotonic()
            context.report(progress("records read", count, total, reported - started))
    return fold


def progress(what: str, done: int, total: int, elapsed_seconds: float) -> str:
    """Return a line of progress with the time still to go."""
    left = elapsed_seconds * (total - done) / done if done else 0.0
    return f"{done:,} of {total:,} {what} ({done / total:.0%}), {left:.0f} s to go"
