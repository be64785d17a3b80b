package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.Test;

class HeldShardsTest {
  private final Map<String, Gauge<?>> gauges = new HashMap<>();
  private final MetricGroup group =
      new UnregisteredMetricsGroup() {
        @Override
        public <T, G extends Gauge<T>> G gauge(String name, G gauge) {
          gauges.put(name, gauge);
          return gauge;
        }
      };

  private long valueOf(String name) {
    return (Long) gauges.get(name).getValue();
  }

  @Test
  void whatIsHeldIsNotKnownRightAfterAStart() throws Exception {
    HeldShards shards = HeldShards.register(group);
    shards.set(2);
    assertEquals(-1, valueOf("heldShards"));
    Thread.sleep(1100);
    assertEquals(2, valueOf("heldShards"));
  }

  @Test
  void aReleaseHasATimeAndAHoldHasNone() {
    long beforeMs = System.currentTimeMillis();
    HeldShards shards = HeldShards.register(group);
    shards.set(2);
    assertEquals(0, valueOf("releasedAtMs"));
    shards.set(1);
    assertTrue(valueOf("releasedAtMs") >= beforeMs);
    assertTrue(valueOf("releasedAtMs") <= valueOf("askedAtMs"));
  }
}
