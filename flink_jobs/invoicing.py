"""Invoicing: billing.records and billing.charges -> billing.invoices, when cycles and days close by the log's clocks.

And invoice.notes -> credit and debit notes there.

flink run -py flink_jobs/invoicing.py -pyfs tollgate.zip --bootstrap-servers HOST:PORT
"""

from pydantic_settings import CliApp
from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway

from billing.invoicing.tax import TaxTable, tax_rate
from flink_jobs.environment import BYTES, by_shard, environment, restore_path
from flink_jobs.event_log import published
from flink_jobs.prices import PRICE_TOPICS, partition_count, read_prices
from flink_jobs.settings import (
    INVOICING_BOOKS_GROUP,
    INVOICING_CONTRACTS_GROUP,
    INVOICING_GROUP,
    INVOICING_JOB,
    SHARDS,
    InvoicingSettings,
)
from flink_jobs.start_guard import refuse_empty_start
from flink_jobs.topics import CHARGES, INVOICES, MAX_DEAD_LETTER_BYTES, MAX_INVOICE_BYTES, NOTES, RECORDS, TOPICS_BY_TAG
from sinks.kafka import LARGE_BATCHES, exactly_once_sink, java_map, producer_of
from udfs.broadcast_prices import PRICES, RatingStart
from udfs.invoice_facts import InvoiceFacts
from udfs.price_feed import PriceTopic

PRODUCER = producer_of(max(MAX_DEAD_LETTER_BYTES, MAX_INVOICE_BYTES)) | LARGE_BATCHES


def main() -> None:
    """Build and submit the job."""
    settings = CliApp.run(InvoicingSettings)
    prices = read_prices(settings.bootstrap_servers, settings.python_kafka)
    env = environment(settings.parallelism)
    refuse_empty_start(
        settings.bootstrap_servers,
        settings.python_kafka,
        restored_from=restore_path(env),
        forced=settings.start_empty,
        topic=INVOICES,
    )
    start = RatingStart(RECORDS, PRICE_TOPICS, prices.published, prices.read, settings.default_price_book)
    tax = TaxTable(tuple(tax_rate(one.name, one.percent, one.customer) for one in settings.tax_rates))
    prices_read = published(env, settings, PriceTopic.BOOKS, INVOICING_BOOKS_GROUP).union(
        published(env, settings, PriceTopic.CONTRACTS, INVOICING_CONTRACTS_GROUP)
    )
    invoiced = (
        by_shard(framed_facts(env, settings))
        .connect(prices_read.broadcast(PRICES))
        .process(InvoiceFacts(start, tax, NOTES), output_type=BYTES)
    )
    sink = exactly_once_sink(
        invoiced.uid("invoice-facts").name("invoice facts"),
        bootstrap_servers=settings.bootstrap_servers,
        transactional_id_prefix=settings.transactional_id_prefix,
        transaction_timeout_ms=settings.transaction_timeout_ms,
        properties=PRODUCER | settings.java_kafka,
        topics_by_tag=TOPICS_BY_TAG,
    )
    sink.uid("billing-invoices").name("billing invoices")
    env.execute(INVOICING_JOB)


def framed_facts(env: StreamExecutionEnvironment, settings: InvoicingSettings) -> DataStream:
    """Read records and charges with their markers of progress, and requests for notes, as one frame per shard."""
    jvm = get_gateway().jvm
    parts = jvm.tollgate.jvm.InvoicingJobParts
    name = "billing facts"
    servers, options = settings.bootstrap_servers, settings.python_kafka
    facts = parts.readFacts(
        env._j_stream_execution_environment,  # noqa: SLF001
        servers,
        RECORDS,
        CHARGES,
        NOTES,
        INVOICING_GROUP,
        java_map(settings.java_kafka),
        name,
    )
    facts.uid("billing-facts").name(name)
    framer = jvm.tollgate.jvm.FactFramer(
        partition_count(servers, options, RECORDS),
        partition_count(servers, options, CHARGES),
        SHARDS,
        settings.frame_records,
        settings.linger_ms,
    )
    return DataStream(parts.frame(facts, framer, "frame facts by shard").uid("fact-framer").name("fact framer"))


if __name__ == "__main__":
    main()
