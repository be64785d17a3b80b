package tollgate.jvm;

/** The logs of events that the framer takes: what their records are read as. */
public enum EventLog {
  USAGE {
    @Override
    EventScan scanOrNull(byte[] value) {
      return UsageScan.ofOrNull(value);
    }
  },
  SUBSCRIPTIONS {
    @Override
    EventScan scanOrNull(byte[] value) {
      return SubscriptionScan.ofOrNull(value);
    }
  };

  /** The event in these bytes; null for what is MALFORMED. */
  abstract EventScan scanOrNull(byte[] value);
}
