package tollgate.jvm;

import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;

/** How old events are when they have been rated: the oldest of each bundle, by its producer's clock. */
public final class RatedAfter {
  /** Bundles that the percentiles are of: some ten seconds, since at least one leaves every 100 ms. */
  private static final int WINDOW = 128;

  private final Histogram histogram;

  private RatedAfter(Histogram histogram) {
    this.histogram = histogram;
  }

  /** Shows {@code ratedAfterMs}. */
  public static RatedAfter register(MetricGroup group) {
    return new RatedAfter(
        group.histogram("ratedAfterMs", new DescriptiveStatisticsHistogram(WINDOW)));
  }

  /** Notes that a bundle is rated, by the timestamp in Kafka of its oldest record. */
  public void note(long recordTimestampMs) {
    histogram.update(Math.max(0, System.currentTimeMillis() - recordTimestampMs));
  }
}
