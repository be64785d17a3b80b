package tollgate.jvm;

import org.apache.flink.metrics.MetricGroup;

/**
 * What a subtask of the rating tells the outside of events that wait for a surge factor: Python
 * sets it, Flink's metrics show it.
 */
public final class HeldShards {
  /** Until restored timers have had the time to say what waits. */
  private static final long NOT_KNOWN = -1;

  private static final long START_MS = 1000;

  private final long openedMs = System.currentTimeMillis();
  private volatile long held;
  private volatile long releasedAtMs;

  private HeldShards() {}

  /**
   * Shows {@code heldShards}, the shards in which something waits, -1 while that is not known;
   * {@code releasedAtMs}, when one last ceased to, in epoch ms; {@code askedAtMs}, how old that is.
   */
  public static HeldShards register(MetricGroup group) {
    HeldShards shards = new HeldShards();
    group.gauge("heldShards", shards::known);
    group.gauge("releasedAtMs", () -> shards.releasedAtMs);
    group.gauge("askedAtMs", System::currentTimeMillis);
    return shards;
  }

  /** Notes how many there are now. */
  public void set(long count) {
    if (count < held) {
      releasedAtMs = System.currentTimeMillis();
    }
    held = count;
  }

  private long known() {
    return System.currentTimeMillis() - openedMs < START_MS ? NOT_KNOWN : held;
  }
}
