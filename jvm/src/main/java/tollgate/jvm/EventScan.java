package tollgate.jvm;

/** What the framer needs of an event, read from its bytes as Python reads them. */
interface EventScan {
  /** The last one that the bytes name, as all of these; in UTF-8. */
  byte[] customerId();

  /** Whether the event does nothing but move the partition clock. */
  boolean isHeartbeat();

  /** What the partition clock goes by, in epoch ms, of a record with this timestamp. */
  long eventTimeMs(long recordTimestampMs);
}
