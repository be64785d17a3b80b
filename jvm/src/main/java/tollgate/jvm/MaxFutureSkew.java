package tollgate.jvm;

/** Which events come from the future (contract section 5 rule 12). */
final class MaxFutureSkew {
  /** 9000-01-01: later times are no times of usage, whatever the record's timestamp says. */
  static final long END_OF_TIME_MS = 221_845_392_000_000L;

  private MaxFutureSkew() {}

  /** Whether an event is in the future of the Kafka record that carries it, or of any calendar. */
  static boolean isFuture(long eventTimeMs, long recordTimestampMs, long skewMs) {
    long limitMs = recordTimestampMs + skewMs;
    boolean overflown = recordTimestampMs > 0 && limitMs < 0;
    return eventTimeMs >= END_OF_TIME_MS || (!overflown && eventTimeMs > limitMs);
  }
}
