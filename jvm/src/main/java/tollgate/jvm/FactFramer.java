package tollgate.jvm;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.types.Row;
import tollgate.v1.BillingRecord;
import tollgate.v1.Charge;
import tollgate.v1.Progress;

/**
 * Packs billing records, charges and requests for notes into one frame per shard, and makes
 * watermarks of the markers of progress: the least of all partitions and shards of both topics.
 *
 * <p>It has one subtask, which reads all partitions; so it knows from the first moment, and after
 * any restore, whom it has to wait for. An entry of a frame is: u32 length of the rest, then a
 * {@link KeyedRecord}. A frame leaves when enough bytes wait, after a linger, before every checkpoint
 * barrier and at the end of input; and always before a watermark.
 */
public final class FactFramer extends AbstractStreamOperator<Row>
    implements OneInputStreamOperator<byte[], Row>, BoundedOneInput {
  /** The tag of billing.records; that of billing.charges is the other one. */
  public static final int RECORDS = 0;

  public static final int CHARGES = 1;

  /** The tag of invoice.notes, which has no markers: people write there, and no clock waits for them. */
  public static final int NOTES = 2;

  private static final long serialVersionUID = 1L;
  private static final int INITIAL_BYTES = 1024;
  private static final int BEFORE_KEY = 1 + 4 + 8 + 8;
  private static final byte[] NO_KEY = {};

  private final int recordPartitions;
  private final int chargePartitions;
  private final int shards;
  private final int recordsMax;
  private final long lingerMs;

  private transient TopicProgress progress;
  private transient ListState<Tuple3<Integer, Integer, long[]>> progressState;
  private transient DataOutputSerializer[] frames;
  private transient String[] shardKeys;
  private transient int waiting;
  private transient boolean lingering;
  private transient long lastWatermarkMs;

  /**
   * @param recordPartitions how many billing.records has
   * @param chargePartitions how many billing.charges has
   * @param shards the number of shards, which is the keyed operator's maximum parallelism
   * @param recordsMax how many records wait at most, in all shards together
   * @param lingerMs how long a record waits for its frame at most, in milliseconds of processing time
   */
  public FactFramer(
      int recordPartitions, int chargePartitions, int shards, int recordsMax, long lingerMs) {
    this.recordPartitions = recordPartitions;
    this.chargePartitions = chargePartitions;
    this.shards = shards;
    this.recordsMax = recordsMax;
    this.lingerMs = lingerMs;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    progress = new TopicProgress(new int[] {recordPartitions, chargePartitions}, shards);
    progressState =
        context
            .getOperatorStateStore()
            .getListState(
                new ListStateDescriptor<>(
                    "topic-progress",
                    Types.TUPLE(
                        Types.INT, Types.INT, PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO)));
    progress.restore(progressState.get());
  }

  @Override
  public void open() throws Exception {
    super.open();
    shardKeys = ShardKeys.of(shards);
    frames = new DataOutputSerializer[shards];
    lastWatermarkMs = TopicProgress.NONE;
    linger(); // for the watermark of what was restored
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    progressState.update(progress.entries());
  }

  @Override
  public void processElement(StreamRecord<byte[]> element) throws Exception {
    ByteBuffer in = ByteBuffer.wrap(element.getValue());
    int tag = in.get() & 0xFF;
    int partition = in.getInt();
    in.position(BEFORE_KEY);
    byte[] key = KeyedRecord.getNullable(in);
    if ((tag & FactDeserializer.MARKER) != 0) {
      int topic = tag & ~FactDeserializer.MARKER;
      progress.advance(topic, partition, progressIn(topic, KeyedRecord.getNullable(in)));
    } else if (key != null || tag == NOTES) {
      byte[] shardBy = key == null ? NO_KEY : key; // a note without a key is refused, and not lost
      append(ShardKeys.shardOf(ShardHash.of(shardBy), shards), element.getValue());
    }
    if (waiting >= recordsMax) {
      flush();
    } else {
      linger();
    }
  }

  private static Progress progressIn(int topic, byte[] value) throws IOException {
    return topic == RECORDS
        ? BillingRecord.parseFrom(value).getProgress()
        : Charge.parseFrom(value).getProgress();
  }

  private void append(int shard, byte[] record) throws IOException {
    if (frames[shard] == null) {
      frames[shard] = new DataOutputSerializer(INITIAL_BYTES);
    }
    frames[shard].writeInt(record.length);
    frames[shard].write(record);
    waiting++;
  }

  private void linger() {
    if (!lingering) {
      lingering = true;
      long dueMs = getProcessingTimeService().getCurrentProcessingTime() + lingerMs;
      getProcessingTimeService().registerTimer(dueMs, this::onLingerOver);
    }
  }

  private void onLingerOver(long timeMs) {
    lingering = false;
    flush();
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) {
    flush();
  }

  @Override
  public void endInput() {
    flush();
  }

  private void flush() {
    for (int shard = 0; waiting > 0 && shard < shards; shard++) {
      if (frames[shard] != null) {
        output.collect(new StreamRecord<>(Row.of(shardKeys[shard], frames[shard].getCopyOfBuffer())));
        frames[shard] = null;
      }
    }
    waiting = 0;
    long reachedMs = progress.leastMs();
    if (reachedMs > lastWatermarkMs) {
      lastWatermarkMs = reachedMs;
      output.emitWatermark(new Watermark(reachedMs));
    }
  }

  @Override
  public void processWatermark(Watermark mark) {
    // Time is told by the markers alone.
  }
}
