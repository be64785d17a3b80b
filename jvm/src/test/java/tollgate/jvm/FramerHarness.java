package tollgate.jvm;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.TwoInputStreamOperatorTestHarness;
import org.apache.flink.types.Row;
import tollgate.v1.FramerTerms;

/** One framer subtask in Flink's operator harness, spoken to in the terms of the tests. */
final class FramerHarness implements AutoCloseable {
  static final int SHARDS = 8;
  static final int KEYED_SUBTASKS = 2;
  static final long LINGER_MS = 20;
  static final long SKEW_MS = 1_000;
  static final int RECORDS_MAX = 100;

  private final TwoInputStreamOperatorTestHarness<UsageLogRecord, byte[], Row> harness;
  private long checkpoints;

  private FramerHarness(UsageFramer framer, int subtasks, int subtask) throws Exception {
    harness = new TwoInputStreamOperatorTestHarness<>(framer, SHARDS, subtasks, subtask);
    harness.setup(
        UsageFramer.OUTPUT_TYPE.createSerializer(
            harness.getExecutionConfig().getSerializerConfig()));
  }

  static UsageFramer framer() {
    return new UsageFramer(
        SHARDS, KEYED_SUBTASKS, RECORDS_MAX, LINGER_MS, SKEW_MS, true, new String[0]);
  }

  static FramerHarness open() throws Exception {
    return open(framer());
  }

  static FramerHarness open(UsageFramer framer) throws Exception {
    FramerHarness opened = new FramerHarness(framer, 1, 0);
    opened.harness.open();
    return opened;
  }

  /** One of {@code subtasks} that are restored from the state of all subtasks before. */
  static FramerHarness restore(
      UsageFramer framer, int subtasks, int subtask, OperatorSubtaskState... before)
      throws Exception {
    FramerHarness restored = new FramerHarness(framer, subtasks, subtask);
    restored.harness.initializeState(
        AbstractStreamOperatorTestHarness.repartitionOperatorState(
            AbstractStreamOperatorTestHarness.repackageState(before),
            SHARDS,
            before.length,
            subtasks,
            subtask));
    restored.harness.open();
    return restored;
  }

  void send(UsageLogRecord... records) throws Exception {
    for (UsageLogRecord record : records) {
      harness.processElement1(new StreamRecord<>(record));
    }
  }

  void accepted(long skewMs) throws Exception {
    accepted(FramerTerms.newBuilder().setMaxFutureSkewMs(skewMs).build());
  }

  void accepted(FramerTerms terms) throws Exception {
    harness.processElement2(new StreamRecord<>(terms.toByteArray()));
  }

  /** The offsets of all records that have been given to the counter of demand. */
  List<Long> demand() {
    List<Long> offsets = new ArrayList<>();
    Queue<StreamRecord<Row>> rows = harness.getSideOutput(DemandFrames.OUTPUT);
    if (rows != null) {
      rows.stream()
          .flatMap(row -> Samples.framesOf(row.getValue()).stream())
          .flatMap(frame -> Samples.entriesOf(frame).stream())
          .forEach(entry -> offsets.add(entry.offset()));
    }
    return offsets;
  }

  /** What the source says when all of the subtask's partitions have delivered. */
  void allPartitionsDelivered() throws Exception {
    harness.processWatermark1(new Watermark(SourceProgress.DELIVERED));
  }

  void passTime(long ms) throws Exception {
    harness.setProcessingTime(harness.getProcessingTime() + ms);
  }

  OperatorSubtaskState checkpoint() throws Exception {
    harness.prepareSnapshotPreBarrier(++checkpoints);
    return harness.snapshot(checkpoints, 0);
  }

  TwoInputStreamOperatorTestHarness<UsageLogRecord, byte[], Row> raw() {
    return harness;
  }

  /** The rows as they were emitted: shard key and bundle. */
  List<Row> bundles() {
    return harness.extractOutputValues();
  }

  /** What is in the bundles: rows of shard key and frame. */
  List<Row> frames() {
    return bundles().stream().flatMap(row -> Samples.framesOf(row).stream()).toList();
  }

  /** All entries so far, in the order in which they were emitted. */
  List<Samples.Entry> entries() {
    List<Samples.Entry> entries = new ArrayList<>();
    frames().forEach(row -> entries.addAll(Samples.entriesOf(row)));
    return entries;
  }

  List<Long> clocks() {
    return entries().stream().map(Samples.Entry::clockMs).toList();
  }

  List<Long> watermarks() {
    return harness.getOutput().stream()
        .filter(Watermark.class::isInstance)
        .map(mark -> ((Watermark) mark).getTimestamp())
        .toList();
  }

  @Override
  public void close() throws Exception {
    harness.close();
  }
}
