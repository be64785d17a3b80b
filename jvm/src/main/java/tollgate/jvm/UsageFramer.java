package tollgate.jvm;

import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.typeutils.RowTypeInfo;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedMultiInput;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.types.Row;
import tollgate.v1.FramerTerms;

/**
 * Keeps the partition clocks, and packs usage records into one frame per shard and these into
 * bundles, because a call into Python costs about as much for a bundle as for a record.
 *
 * <p>Input 1 is the usage log, in the order of its partitions and on the subtask that reads them.
 * Input 2 is what the price books say that the core has accepted, as {@link FramerTerms}: the allowed
 * future skew, and the meters with a surge rule. The output is rows (shard key, bundle); {@link Bundles}
 * says what a bundle looks like, {@link FrameBuffers} what a frame in it does. What may be demand leaves
 * once more, as {@link DemandFrames#OUTPUT}.
 *
 * <p>Frames leave when enough records wait, after a linger, before every checkpoint barrier and at
 * the end of input. So no record is in flight here at a snapshot.
 *
 * <p>The watermark is the least clock of the partitions read here. It starts once all of them have
 * delivered a record since open ({@link SourceProgress}): until then the framer, which restores the
 * clocks of all partitions, cannot know which ones are its own.
 */
public final class UsageFramer extends AbstractStreamOperator<Row>
    implements TwoInputStreamOperator<UsageLogRecord, byte[], Row>, BoundedMultiInput {
  private static final long serialVersionUID = 1L;

  /** Rows that have a shard key, and bytes for it: what this operator emits, and others like it. */
  public static final RowTypeInfo OUTPUT_TYPE =
      new RowTypeInfo(Types.STRING, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);

  private final int shards;
  private final int keyedSubtasks;
  private final int recordsMax;
  private final long lingerMs;
  private final long initialSkewMs;
  private final boolean skewKnownAtStart;
  private final String[] surgeMetersAtStart;

  private transient FrameBuffers frames;
  private transient Bundles bundles;
  private transient Bundles demandBundles;
  private transient DemandFrames demand;
  private transient PartitionClocks clocks;
  private transient long skewMs;
  private transient boolean skewKnown;
  private transient boolean allPartitionsDelivered;
  private transient boolean lingering;
  private transient long lastWatermarkMs;
  private transient ListState<Tuple2<Integer, Long>> clockState;
  private transient ListState<Long> skewState;
  private transient ListState<String> surgeMeterState;
  private transient Counter futureRecords;

  /**
   * @param shards the number of shards, which is the keyed operator's maximum parallelism
   * @param keyedSubtasks how many subtasks each of the keyed operators behind it has
   * @param recordsMax how many records wait at most, in all shards together
   * @param lingerMs how long a record waits at most, in milliseconds of processing time
   * @param initialMaxFutureSkewMs {@code max_future_skew}, for good or until input 2 says otherwise
   * @param skewKnown whether an accepted price book has fixed that: then nothing changes it
   * @param surgeMeters the meters that accepted price books have a surge rule for; input 2 may name more
   */
  public UsageFramer(
      int shards,
      int keyedSubtasks,
      int recordsMax,
      long lingerMs,
      long initialMaxFutureSkewMs,
      boolean skewKnown,
      String[] surgeMeters) {
    this.shards = shards;
    this.keyedSubtasks = keyedSubtasks;
    this.recordsMax = recordsMax;
    this.lingerMs = lingerMs;
    this.initialSkewMs = initialMaxFutureSkewMs;
    this.skewKnownAtStart = skewKnown;
    this.surgeMetersAtStart = surgeMeters.clone();
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    clockState =
        context
            .getOperatorStateStore()
            .getUnionListState(
                new ListStateDescriptor<>("partition-clocks", Types.TUPLE(Types.INT, Types.LONG)));
    skewState =
        context
            .getOperatorStateStore()
            .getUnionListState(new ListStateDescriptor<>("max-future-skew-ms", Types.LONG));
    surgeMeterState =
        context
            .getOperatorStateStore()
            .getUnionListState(new ListStateDescriptor<>("surge-meters", Types.STRING));
    restoreClocks();
    restoreSkew();
    restoreSurgeMeters();
  }

  private void restoreClocks() throws Exception {
    clocks = new PartitionClocks();
    for (Tuple2<Integer, Long> entry : clockState.get()) {
      clocks.restore(entry.f0, entry.f1);
    }
  }

  /** What has been fixed while the job ran stays, unless the job is told at its start. */
  private void restoreSkew() throws Exception {
    skewMs = initialSkewMs;
    skewKnown = skewKnownAtStart;
    List<Long> fixed = new ArrayList<>();
    skewState.get().forEach(fixed::add);
    if (!skewKnown && !fixed.isEmpty()) {
      skewMs = fixed.stream().mapToLong(Long::longValue).max().getAsLong();
      skewKnown = true;
    }
  }

  private void restoreSurgeMeters() throws Exception {
    demand = new DemandFrames(shards);
    demand.learn(List.of(surgeMetersAtStart));
    List<String> learned = new ArrayList<>();
    surgeMeterState.get().forEach(learned::add);
    demand.learn(learned);
  }

  @Override
  public void open() throws Exception {
    super.open();
    frames = new FrameBuffers(shards);
    bundles = bundlesFor((shard, bundle) -> output.collect(new StreamRecord<>(Row.of(shard, bundle))));
    demandBundles =
        bundlesFor(
            (shard, bundle) ->
                output.collect(DemandFrames.OUTPUT, new StreamRecord<>(Row.of(shard, bundle))));
    lastWatermarkMs = Long.MIN_VALUE;
    futureRecords = getMetricGroup().counter("futureRecords");
  }

  private Bundles bundlesFor(BiConsumer<String, byte[]> receiver) {
    return new Bundles(ShardKeys.of(shards), keyedSubtasks, Bundles.RECORDS_MAX, receiver);
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    List<Tuple2<Integer, Long>> entries = new ArrayList<>();
    clocks.forEach((partition, clockMs) -> entries.add(Tuple2.of(partition, clockMs)));
    clockState.update(entries);
    skewState.update(skewKnown ? List.of(skewMs) : List.of());
    surgeMeterState.update(List.copyOf(demand.meters()));
  }

  @Override
  public void processElement1(StreamRecord<UsageLogRecord> element) throws Exception {
    UsageLogRecord record = element.getValue();
    long clockBeforeMs = clocks.see(record.partition);
    boolean movesClock = record.readable && !isFuture(record);
    if (movesClock) {
      clocks.advance(record.partition, record.eventTimeMs);
    }
    // A heartbeat has done its work by moving the clock; one that could not is Python's to judge.
    boolean spent = movesClock && record.heartbeat && record.eventTimeMs > 0;
    if (!spent) {
      frames.append(record, clockBeforeMs);
      demand.append(record, clockBeforeMs);
    }
    if (frames.records() >= recordsMax) {
      flush();
    } else {
      linger();
    }
  }

  /** Contract section 5 rule 12: such an event never moves the clock or the watermark. */
  private boolean isFuture(UsageLogRecord record) {
    boolean future =
        MaxFutureSkew.isFuture(record.eventTimeMs, record.recordTimestampMs, skewMs);
    if (future) {
      futureRecords.inc();
    }
    return future;
  }

  @Override
  public void processElement2(StreamRecord<byte[]> element) throws InvalidProtocolBufferException {
    FramerTerms terms = FramerTerms.parseFrom(element.getValue());
    if (!skewKnown && terms.hasMaxFutureSkewMs()) {
      skewMs = terms.getMaxFutureSkewMs();
      skewKnown = true;
    }
    demand.learn(terms.getSurgeMetersList());
  }

  /** Flushes within the linger. A timer that is already running is soon enough. */
  private void linger() {
    if (lingering) {
      return;
    }
    lingering = true;
    long dueMs = getProcessingTimeService().getCurrentProcessingTime() + lingerMs;
    getProcessingTimeService().registerTimer(dueMs, this::onLingerOver);
  }

  private void onLingerOver(long timeMs) throws IOException {
    lingering = false;
    flush();
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws IOException {
    flush();
  }

  @Override
  public void endInput(int inputId) throws IOException {
    if (inputId == 1) {
      flush();
    }
  }

  private void flush() throws IOException {
    frames.drainTo(bundles);
    demand.drainTo(demandBundles);
    if (allPartitionsDelivered) {
      emitWatermarkUpTo(clocks.leastOfSeen());
    }
  }

  private void emitWatermarkUpTo(long timeMs) {
    if (timeMs > PartitionClocks.NONE && timeMs > lastWatermarkMs) {
      lastWatermarkMs = timeMs;
      output.emitWatermark(new Watermark(timeMs));
    }
  }

  /** Not a time but a signal of {@link SourceProgress}; at the end of bounded input, the end of time. */
  @Override
  public void processWatermark1(Watermark mark) throws IOException {
    if (mark.getTimestamp() == Long.MIN_VALUE) {
      return;
    }
    if (mark.getTimestamp() == Long.MAX_VALUE) {
      flush();
      emitWatermarkUpTo(Long.MAX_VALUE);
      return;
    }
    allPartitionsDelivered = true;
    // The clocks may have moved and been flushed before this signal came.
    linger();
  }

  @Override
  public void processWatermark2(Watermark mark) {
    // Terms do not tell event time.
  }

  @Override
  protected void processWatermarkStatus(WatermarkStatus status, int inputIndex) {
    // Not forwarded: no partition is ever idle (contract section 5 rule 8).
  }
}
