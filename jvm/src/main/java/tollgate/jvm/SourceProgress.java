package tollgate.jvm;

import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkGeneratorSupplier;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;

/**
 * Tells the framer that every partition of its source subtask has delivered a record.
 *
 * <p>Flink runs one generator per partition and emits the least of their watermarks. Each emits a
 * single watermark, upon its first record; so one arrives at the framer when no partition is silent
 * any more. The framer, which keeps the partition clocks, makes the watermarks that tell time. No
 * partition is ever idle (contract section 5 rule 8).
 */
public final class SourceProgress implements WatermarkStrategy<UsageLogRecord> {
  private static final long serialVersionUID = 1L;

  /** Any value but the least: it is a signal, not a time. */
  static final long DELIVERED = 0L;

  @Override
  public WatermarkGenerator<UsageLogRecord> createWatermarkGenerator(
      WatermarkGeneratorSupplier.Context context) {
    return new UponFirstRecord();
  }

  private static final class UponFirstRecord implements WatermarkGenerator<UsageLogRecord> {
    private boolean delivered;

    @Override
    public void onEvent(UsageLogRecord record, long timestampMs, WatermarkOutput output) {
      if (!delivered) {
        delivered = true;
        output.emitWatermark(new Watermark(DELIVERED));
      }
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {
      // A partition that has delivered nothing has nothing to say.
    }
  }
}
