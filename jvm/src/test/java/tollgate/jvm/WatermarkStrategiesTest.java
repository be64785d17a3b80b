package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class WatermarkStrategiesTest {
  private final Signals signals = new Signals();

  @Test
  @DisplayName("A partition signals once, upon its first record, and never that it is idle.")
  void sourceProgress() {
    WatermarkGenerator<UsageLogRecord> partition =
        new SourceProgress().createWatermarkGenerator(null);
    partition.onPeriodicEmit(signals);
    assertEquals(List.of(), signals.seen);
    partition.onEvent(new UsageLogRecord(), 1, signals);
    partition.onEvent(new UsageLogRecord(), 2, signals);
    partition.onPeriodicEmit(signals);
    assertEquals(List.of("0"), signals.seen);
  }

  @Test
  @DisplayName("A broadcast input is at the end of time before its first record.")
  void neverBehind() {
    WatermarkGenerator<byte[]> partition = new NeverBehind().createWatermarkGenerator(null);
    partition.onPeriodicEmit(signals);
    assertEquals(List.of(Long.toString(Long.MAX_VALUE)), signals.seen);
  }

  private static final class Signals implements WatermarkOutput {
    final List<String> seen = new ArrayList<>();

    @Override
    public void emitWatermark(Watermark watermark) {
      seen.add(Long.toString(watermark.getTimestamp()));
    }

    @Override
    public void markIdle() {
      seen.add("idle");
    }

    @Override
    public void markActive() {
      seen.add("active");
    }
  }
}
