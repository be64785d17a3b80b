package tollgate.jvm;

import java.nio.ByteBuffer;

/**
 * A Kafka record as one byte array, for topics of few records that Python reads itself.
 *
 * <p>Layout: u8 tag of the topic, i32 partition, i64 offset, i64 record timestamp, u32 key length, key, u32 value
 * length, value. A length of {@link #ABSENT} stands for a null, which is how a compacted topic says
 * that a key is gone.
 */
final class KeyedRecord {
  static final int ABSENT = 0xFFFFFFFF;
  private static final int FIXED_BYTES = 1 + 4 + 8 + 8 + 4 + 4;

  private KeyedRecord() {}

  static byte[] encode(
      int tag, int partition, long offset, long timestampMs, byte[] key, byte[] value) {
    ByteBuffer out = ByteBuffer.allocate(FIXED_BYTES + lengthOf(key) + lengthOf(value));
    out.put((byte) tag).putInt(partition).putLong(offset).putLong(timestampMs);
    putNullable(out, key);
    putNullable(out, value);
    return out.array();
  }

  private static int lengthOf(byte[] bytes) {
    return bytes == null ? 0 : bytes.length;
  }

  private static void putNullable(ByteBuffer out, byte[] bytes) {
    if (bytes == null) {
      out.putInt(ABSENT);
    } else {
      out.putInt(bytes.length).put(bytes);
    }
  }

  /** The length-prefixed bytes that {@code in} is at, or null where they are {@link #ABSENT}. */
  static byte[] getNullable(ByteBuffer in) {
    int length = in.getInt();
    if (length == ABSENT) {
      return null;
    }
    byte[] bytes = new byte[length];
    in.get(bytes);
    return bytes;
  }
}
