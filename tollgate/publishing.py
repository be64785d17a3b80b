"""Publishing price books and contracts: all or none, and only what the jobs will accept."""

import time
from collections.abc import Callable, Sequence

from billing.catalog import PriceCatalog
from billing.price_books.model import PriceBook
from billing.price_books.successor import check_successor
from flink_jobs.prices import PRICE_TOPICS
from flink_jobs.topics import CONTRACTS, PRICE_BOOKS
from tollgate.audit.prices import PriceHistory
from tollgate.context import Context
from tollgate.jobs import commit_soon, jobs_of, live_job
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import StackError
from tollgate.price_files import Draft, counted, words_of

_POLL_SECONDS = 0.1
_CHECKPOINT_SECONDS = 5.0


def publish(context: Context, drafts: Sequence[Draft], timeout_seconds: float) -> None:
    """Write what is new, and wait until every running job rates with all of it. Raises StackError on a conflict."""
    _send(context.log, accept(context.log, drafts, context.report))
    _await_jobs(context, _last_offsets(context.log, drafts), timeout_seconds)


def accept(log: KafkaLog, drafts: Sequence[Draft], report: Callable[[str], None]) -> list[Draft]:
    """Return what is not published yet. Raises StackError where any of it conflicts with what is."""
    history = PriceHistory(log.read(PRICE_BOOKS), log.read(CONTRACTS))
    catalog = history.at(history.latest())
    refused: list[str] = []
    new: list[Draft] = []
    for draft in drafts:
        if not _is_known(catalog, draft):
            new.append(draft)
            refused += _accept(catalog, draft)
    for line in refused:
        report(line)
    if refused:
        cause = f"{counted(len(refused), 'conflict')} with what is published; nothing was published"
        raise StackError(cause, "publish a new version, or a contract from a later time on")
    return new


def _is_known(catalog: PriceCatalog, draft: Draft) -> bool:
    if isinstance(draft.content, PriceBook):
        return catalog.has(draft.content)
    known = catalog.contracts.by_customer.get(draft.content.customer_id, [])
    return any(agreement.contract == draft.content for agreement in known)


def _accept(catalog: PriceCatalog, draft: Draft) -> list[str]:
    """Add a draft to the catalog, or return every conflict with its file and, where it is of one, its line."""
    book = draft.content
    if not isinstance(book, PriceBook):
        return [f"{draft.file}: {reason}" for reason in catalog.add_contract(book, offset=0)]
    series = catalog.series.get(book.id)
    accepted = [series.first, *series.versions] if series else []
    errors = check_successor(book, accepted, draft.node)
    if errors:
        return [f"{draft.file}:{one.line}: {words_of(one)}" for one in errors]
    return [f"{draft.file}: {reason}" for reason in catalog.add(book)]


def _send(log: KafkaLog, drafts: Sequence[Draft]) -> None:
    """Write drafts in order."""
    with log.producer() as producer:
        for draft in drafts:
            sent = producer.send(_topic(draft), key=draft.key.encode(), value=draft.message, partition=0)
            sent.get(timeout=30)


def _last_offsets(log: KafkaLog, drafts: Sequence[Draft]) -> dict[str, int]:
    """Return the last offset of each topic that drafts are on: what was known before may not have been read, either."""
    topics = {_topic(draft) for draft in drafts}
    return {topic: max((one.offset for one in log.read(topic)), default=-1) for topic in topics}


def _topic(draft: Draft) -> str:
    return PRICE_TOPICS[not isinstance(draft.content, PriceBook)]


def _await_jobs(context: Context, offsets: dict[str, int], timeout_seconds: float) -> None:
    """Wait until a completed checkpoint of every running job contains what was published."""
    if context.settings.bootstrap_servers or not context.stack.status().flink_address:
        context.report("no local job is asked: prices take effect when a job reads them")
        return
    deadline = time.monotonic() + timeout_seconds
    for spec in jobs_of(context).values():
        for topic, group in spec.inputs:
            offset = offsets.get(topic, -1)
            while live_job(context, spec.name) and not _has_read(context.log, group, offset):
                if time.monotonic() > deadline:
                    cause = f"published, but {spec.name} has completed no checkpoint with it in {timeout_seconds:g} s"
                    raise StackError(cause, "see `tollgate status`")
                commit_soon(context, spec.name, _CHECKPOINT_SECONDS)
                time.sleep(_POLL_SECONDS)


def _has_read(log: KafkaLog, group: str, offset: int) -> bool:
    return offset < 0 or max(log.group_offsets(group).values(), default=0) > offset
