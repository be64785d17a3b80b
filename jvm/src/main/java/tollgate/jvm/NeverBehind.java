package tollgate.jvm;

import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkGeneratorSupplier;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;

/**
 * For broadcast inputs (price books, contracts, surge rates): they are always as late as can be, so
 * that they never hold back the event time of what they are connected with.
 */
public final class NeverBehind implements WatermarkStrategy<byte[]> {
  private static final long serialVersionUID = 1L;

  @Override
  public WatermarkGenerator<byte[]> createWatermarkGenerator(
      WatermarkGeneratorSupplier.Context context) {
    return new EndOfTime();
  }

  private static final class EndOfTime implements WatermarkGenerator<byte[]> {
    @Override
    public void onEvent(byte[] record, long timestampMs, WatermarkOutput output) {
      // The periodic call says it all, with records and without.
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {
      output.emitWatermark(new Watermark(Long.MAX_VALUE));
    }
  }
}
