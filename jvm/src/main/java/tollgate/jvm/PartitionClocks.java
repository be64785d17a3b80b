package tollgate.jvm;

import java.util.HashMap;
import java.util.Map;
import java.util.function.ObjLongConsumer;

/**
 * The partition clocks (contract section 1) that one subtask knows.
 *
 * <p>Clocks only rise, so of two statements about a partition the larger is the newer one. That
 * makes it safe for every subtask to keep, and to checkpoint, the clocks of partitions that it does
 * not read: a partition that has been silent since the last restore keeps its clock, and wherever
 * it moves its new reader takes the largest one it finds.
 */
final class PartitionClocks {
  /** The clock of a partition of which nothing is known. */
  static final long NONE = 0L;

  private final Map<Integer, Clock> clocks = new HashMap<>();

  /** Takes over a clock from a checkpoint. The partition does not count as seen. */
  void restore(int partition, long clockMs) {
    clockOf(partition).advanceTo(clockMs);
  }

  /** The clock before the record that has just come from {@code partition}, which is now seen. */
  long see(int partition) {
    Clock clock = clockOf(partition);
    clock.seen = true;
    return clock.ms;
  }

  /** Moves the clock on, never back. */
  void advance(int partition, long eventTimeMs) {
    clockOf(partition).advanceTo(eventTimeMs);
  }

  /** The least clock of the partitions seen since open; {@link #NONE} when one has none yet. */
  long leastOfSeen() {
    long least = Long.MAX_VALUE;
    for (Clock clock : clocks.values()) {
      if (clock.seen) {
        least = Math.min(least, clock.ms);
      }
    }
    return least == Long.MAX_VALUE ? NONE : least;
  }

  /** Visits every known clock, of partitions seen or not. */
  void forEach(ObjLongConsumer<Integer> visitor) {
    clocks.forEach(
        (partition, clock) -> {
          if (clock.ms != NONE) {
            visitor.accept(partition, clock.ms);
          }
        });
  }

  private Clock clockOf(int partition) {
    return clocks.computeIfAbsent(partition, unknown -> new Clock());
  }

  private static final class Clock {
    private long ms = NONE;
    private boolean seen;

    private void advanceTo(long timeMs) {
      ms = Math.max(ms, timeMs);
    }
  }
}
