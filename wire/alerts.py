"""Alerts of the core -> their messages."""

from typing import cast

from billing.outcomes import Alert, AlertKind
from wire.v1 import billing_pb2, common_pb2

_KINDS = {kind: cast("billing_pb2.Alert.Kind", billing_pb2.Alert.Kind.Value(kind.value)) for kind in AlertKind}


def alert_message(alert: Alert, source: common_pb2.SourcePosition | None = None) -> billing_pb2.Alert:
    """Return the message of an alert; `source` is the event's that caused it, if one did."""
    return billing_pb2.Alert(
        alert_id=alert.alert_id,
        customer_id=alert.customer_id,
        kind=_KINDS[alert.kind],
        subject=alert.subject,
        detail=alert.detail,
        event_time_ms=alert.event_time_ms,
        source=source,
        cycle=alert.cycle,
    )
