package tollgate.jvm;

import org.apache.flink.runtime.state.KeyGroupRange;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
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

  private final int tag;
  private final int partitions;
  private final Content content;

  private transient long reachedMs;
  private transient long toldMs;

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
  public void open() throws Exception {
    super.open();
    reachedMs = Long.MIN_VALUE;
    toldMs = Long.MIN_VALUE;
  }

  @Override
  public void processElement(StreamRecord<byte[]> entry) {
    output.collect(entry);
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
    if (reachedMs <= toldMs) {
      return;
    }
    toldMs = reachedMs;
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
        .setClockMs(reachedMs)
        .setShardFrom(own.getStartKeyGroup())
        .setShardTo(own.getEndKeyGroup() + 1)
        .setShards(shards)
        .build();
  }
}
