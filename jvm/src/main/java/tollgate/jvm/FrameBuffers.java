package tollgate.jvm;

import java.io.IOException;
import java.util.function.BiConsumer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * One growing frame per shard.
 *
 * <p>An entry is: u32 length of the rest, i32 partition, i64 offset, i64 record timestamp, i64
 * partition clock, u8 flags, u32 key length, key, value. All numbers are big-endian.
 */
final class FrameBuffers {
  static final int KEY_IS_CUSTOMER_ID = 1;
  static final int NOT_READABLE = 2;

  /** Key length of a record without a Kafka key. */
  static final int NO_KEY = 0xFFFFFFFF;

  private static final int HEADER_BYTES = 4 + 8 + 8 + 8 + 1 + 4;
  private static final int INITIAL_BYTES = 256;

  private final String[] shardKeys;
  private final DataOutputSerializer[] frames;
  private final int[] recordsOf;
  private int records;

  /** Takes a shard's frame, which is emptied afterwards. */
  private interface Taker {
    void take(int shard, DataOutputSerializer frame, int frameRecords) throws IOException;
  }

  FrameBuffers(String[] shardKeys) {
    this.shardKeys = shardKeys;
    frames = new DataOutputSerializer[shardKeys.length];
    recordsOf = new int[shardKeys.length];
    for (int shard = 0; shard < frames.length; shard++) {
      frames[shard] = new DataOutputSerializer(INITIAL_BYTES);
    }
  }

  /** How many records wait, in all shards together. */
  int records() {
    return records;
  }

  /** Adds a record to its shard's frame; {@code clockMs} is its partition's clock before it. */
  void append(UsageLogRecord record, long clockMs) throws IOException {
    int shard = ShardKeys.shardOf(record.shardHash, frames.length);
    DataOutputSerializer frame = frames[shard];
    int keyBytes = record.key == null ? 0 : record.key.length;
    frame.writeInt(HEADER_BYTES + keyBytes + record.value.length);
    frame.writeInt(record.partition);
    frame.writeLong(record.offset);
    frame.writeLong(record.recordTimestampMs);
    frame.writeLong(clockMs);
    frame.writeByte(flagsOf(record));
    frame.writeInt(record.key == null && !record.keyIsCustomerId ? NO_KEY : keyBytes);
    if (record.key != null) {
      frame.write(record.key);
    }
    frame.write(record.value);
    recordsOf[shard]++;
    records++;
  }

  /** Hands over every frame that is not empty, in bundles, and starts anew. */
  void drainTo(Bundles bundles) throws IOException {
    drain(bundles::add);
    bundles.finish();
  }

  /** Hands over every frame that is not empty, one by one with its shard's key, and starts anew. */
  void drainTo(BiConsumer<String, byte[]> receiver) throws IOException {
    drain((shard, frame, count) -> receiver.accept(shardKeys[shard], frame.getCopyOfBuffer()));
  }

  private void drain(Taker taker) throws IOException {
    if (records == 0) {
      return;
    }
    for (int shard = 0; shard < frames.length; shard++) {
      if (recordsOf[shard] > 0) {
        taker.take(shard, frames[shard], recordsOf[shard]);
        frames[shard].clear();
        recordsOf[shard] = 0;
      }
    }
    records = 0;
  }

  private static int flagsOf(UsageLogRecord record) {
    return (record.keyIsCustomerId ? KEY_IS_CUSTOMER_ID : 0) | (record.readable ? 0 : NOT_READABLE);
  }
}
