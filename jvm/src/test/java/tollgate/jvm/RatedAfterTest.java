package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.Test;

class RatedAfterTest {
  private Histogram shown;

  private final RatedAfter after =
      RatedAfter.register(
          new UnregisteredMetricsGroup() {
            @Override
            public <H extends Histogram> H histogram(String name, H histogram) {
              assertEquals("ratedAfterMs", name);
              shown = histogram;
              return histogram;
            }
          });

  @Test
  void theAgeOfTheOldestRecordIsNoted() {
    after.note(System.currentTimeMillis() - 5_000);
    assertEquals(1, shown.getCount());
    assertTrue(shown.getStatistics().getMax() >= 5_000);
  }

  @Test
  void aProducerWhoseClockIsAheadMakesNothingNegative() {
    after.note(System.currentTimeMillis() + 60_000);
    assertEquals(0, shown.getStatistics().getMin());
  }
}
