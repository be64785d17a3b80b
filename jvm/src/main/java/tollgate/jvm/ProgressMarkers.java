package tollgate.jvm;

import java.nio.ByteBuffer;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.KeyGroupRange;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import tollgate.v1.BillingRecord;
import tollgate.v1.Charge;
import tollgate.v1.Progress;

/**
 * Writes into a topic how far it is complete: one marker per partition in front of each checkpoint
 * barrier, if the watermark has moved.
 *
 * <p>It stands between a keyed operator and its sink, in the same subtask. So all that the operator
 * has decided before the watermark has been passed on to the sink, and stands in front of the marker
 * in its partition. The marker names the shards of this subtask, which are Flink's key groups, and
 * so keeps its meaning when the job is rescaled. More often than with a checkpoint it need not be
 * written: nobody sees it before.
 *
 * <p>Where the keyed operator has put something off, it says in line from which clock on records may
 * still come, and the topic is complete up to there at most. That is part of every checkpoint: after
 * a restore it holds until the operator says something else, for all subtasks.
 */
public final class ProgressMarkers extends AbstractStreamOperator<byte[]>
    implements OneInputStreamOperator<byte[], byte[]>, BoundedOneInput {
  private static final long serialVersionUID = 1L;

  /** What the topic holds, and so what its markers look like. */
  public enum Content {
    RECORDS {
      @Override
      byte[] marker(Progress progress) {
        return BillingRecord.newBuilder()
            .setKind(BillingRecord.Kind.PROGRESS)
            .setProgress(progress)
            .build()
            .toByteArray();
      }
    },
    CHARGES {
      @Override
      byte[] marker(Progress progress) {
        return Charge.newBuilder().setProgress(progress).build().toByteArray();
      }
    };

    abstract byte[] marker(Progress progress);
  }

  /** The tag of an entry that says what was put off: its value is a clock, i64. */
  private static final int PUT_OFF = 255;

  private static final long NOTHING_PUT_OFF = Long.MAX_VALUE;

  private final int tag;
  private final int partitions;
  private final Content content;

  private transient long reachedMs;
  private transient long toldMs;
  private transient long putOffMs;
  private transient ListState<Long> putOffState;

  /**
   * @param tag that of the topic in outgoing frames
   * @param partitions how many the topic has
   * @param content one of {@link Content}, by name
   */
  public ProgressMarkers(int tag, int partitions, String content) {
    this.tag = tag;
    this.partitions = partitions;
    this.content = Content.valueOf(content);
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    putOffState =
        context
            .getOperatorStateStore()
            .getUnionListState(new ListStateDescriptor<>("put-off-clock", Types.LONG));
    putOffMs = NOTHING_PUT_OFF;
    for (long clockMs : putOffState.get()) {
      putOffMs = Math.min(putOffMs, clockMs);
    }
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    putOffState.update(putOffMs == NOTHING_PUT_OFF ? List.of() : List.of(putOffMs));
  }

  @Override
  public void open() throws Exception {
    super.open();
    reachedMs = Long.MIN_VALUE;
    toldMs = Long.MIN_VALUE;
  }

  @Override
  public void processElement(StreamRecord<byte[]> entry) {
    byte[] value = entry.getValue();
    if (value.length > 0 && (value[0] & 0xFF) == PUT_OFF) {
      putOffMs = ByteBuffer.wrap(value).getLong(value.length - Long.BYTES);
    } else {
      output.collect(entry);
    }
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    // At the end of bounded input the time is that of the last record, not the end of all time.
    if (mark.getTimestamp() != Long.MAX_VALUE) {
      reachedMs = mark.getTimestamp();
    }
    super.processWatermark(mark);
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) {
    tell();
  }

  @Override
  public void endInput() {
    tell();
  }

  private void tell() {
    long completeMs = Math.min(reachedMs, putOffMs - 1); // a clock is never negative
    if (completeMs <= toldMs) {
      return;
    }
    toldMs = completeMs;
    byte[] marker = content.marker(progress());
    for (int partition = 0; partition < partitions; partition++) {
      byte[] entry = TaggedRecordSerializer.markerEntry(tag, partition, marker);
      output.collect(new StreamRecord<>(entry));
    }
  }

  private Progress progress() {
    int shards = getRuntimeContext().getTaskInfo().getMaxNumberOfParallelSubtasks();
    KeyGroupRange own =
        KeyGroupRangeAssignment.computeKeyGroupRangeForOperatorIndex(
            shards,
            getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks(),
            getRuntimeContext().getTaskInfo().getIndexOfThisSubtask());
    return Progress.newBuilder()
        .setClockMs(toldMs)
        .setShardFrom(own.getStartKeyGroup())
        .setShardTo(own.getEndKeyGroup() + 1)
        .setShards(shards)
        .build();
  }
}
