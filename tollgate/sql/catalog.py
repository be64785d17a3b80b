"""What is in the catalog, wherever it is made: databases, tables, views, and what the functions know."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flink_jobs.topics import CONTRACTS, PRICE_BOOKS
from tollgate.audit.prices import published_prices
from tollgate.sql import views
from tollgate.sql.tables import RAW, TABLES, Table, raw_table, view
from udfs.sql_functions import PublishedPrices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tollgate.context import Context


def statements(options: Callable[[Table], Mapping[str, str]]) -> Iterator[str]:
    """Yield what makes everything but the functions in a catalog that is in use; `options` are those of each topic."""
    yield f"CREATE DATABASE {RAW}"
    for table in TABLES:
        yield raw_table(table, options(table))
    yield from map(view, TABLES)
    yield from views.statements()


def kafka_options(context: Context) -> dict[str, str]:
    """Return the options of a table that say how Kafka is reached."""
    return {f"properties.{name}": value for name, value in context.java_kafka.items()}


def prices_of(context: Context) -> PublishedPrices:
    """Return all that is published now, for the functions."""
    published = published_prices(context.log.read(PRICE_BOOKS), context.log.read(CONTRACTS))
    return PublishedPrices(tuple(published), context.settings.default_price_book, time.time_ns() // 1_000_000)
