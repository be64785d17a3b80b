package tollgate.jvm;

import java.io.IOException;
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

  private final DataOutputSerializer[] frames;
  private final int[] recordsOf;
  private int records;

  FrameBuffers(int shards) {
    frames = new DataOutputSerializer[shards];
    recordsOf = new int[shards];
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
    if (records == 0) {
      return;
    }
    for (int shard = 0; shard < frames.length; shard++) {
      if (recordsOf[shard] > 0) {
        bundles.add(shard, frames[shard], recordsOf[shard]);
        frames[shard].clear();
        recordsOf[shard] = 0;
      }
    }
    records = 0;
    bundles.finish();
  }

  private static int flagsOf(UsageLogRecord record) {
    return (record.keyIsCustomerId ? KEY_IS_CUSTOMER_ID : 0) | (record.readable ? 0 : NOT_READABLE);
  }
}
