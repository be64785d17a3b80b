package tollgate.jvm;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.function.BiConsumer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;

/**
 * Puts the frames of many shards into one row, because a call into Python has a price of its own,
 * however few records come with it.
 *
 * <p>A row has one key, and Flink sends it to the subtask of that key. So a bundle holds only shards
 * of one subtask of the keyed operator behind, and its row has the key of the first of them. The
 * reader of a bundle selects the key of each shard itself, see {@link StateBatch}; Flink refuses one
 * that belongs to another subtask.
 *
 * <p>A bundle is, for each shard in it: u16 length of the shard key, shard key in UTF-8, u32 length
 * of the frame, frame. All numbers are big-endian. Shards are in the order of their numbers, each at
 * most once. A frame is never cut, so a bundle may hold more than the most records by part of one.
 */
final class Bundles {
  /**
   * From how many records on a bundle leaves: enough of them to make the call cheap, and so few that
   * a barrier or a timer waits for it for some 50 ms.
   */
  static final int RECORDS_MAX = 512;

  /** From how many bytes on a bundle leaves, so that large events do not add up to one too large to hold. */
  static final int BYTES_MAX = 1 << 20;

  private static final int INITIAL_BYTES = 4096;

  private final String[] shardKeys;
  private final byte[][] shardKeysUtf8;
  private final int keyedSubtasks;
  private final int recordsMax;
  private final BiConsumer<String, byte[]> receiver;
  private final DataOutputSerializer bundle = new DataOutputSerializer(INITIAL_BYTES);
  private int firstShard;
  private int records;

  /**
   * @param shardKeys the key of every shard, by shard number, as {@link ShardKeys} names them
   * @param keyedSubtasks how many subtasks the keyed operator behind has
   * @param recordsMax from how many records on a bundle leaves
   * @param receiver takes the rows: shard key and bundle
   */
  Bundles(
      String[] shardKeys, int keyedSubtasks, int recordsMax, BiConsumer<String, byte[]> receiver) {
    this.shardKeys = shardKeys;
    this.keyedSubtasks = keyedSubtasks;
    this.recordsMax = recordsMax;
    this.receiver = receiver;
    shardKeysUtf8 = new byte[shardKeys.length][];
    for (int shard = 0; shard < shardKeys.length; shard++) {
      shardKeysUtf8[shard] = shardKeys[shard].getBytes(UTF_8);
    }
  }

  /**
   * Adds a shard's frame, which is copied. Up to {@link #finish} every shard has a larger number than
   * the one before.
   */
  void add(int shard, DataOutputSerializer frame, int frameRecords) throws IOException {
    if (subtaskOf(shard) != subtaskOf(firstShard)) {
      finish();
    }
    if (bundle.length() == 0) {
      firstShard = shard;
    }
    bundle.writeShort(shardKeysUtf8[shard].length);
    bundle.write(shardKeysUtf8[shard]);
    bundle.writeInt(frame.length());
    bundle.write(frame.getSharedBuffer(), 0, frame.length());
    records += frameRecords;
    if (records >= recordsMax || bundle.length() >= BYTES_MAX) {
      finish();
    }
  }

  /** Hands over what has been added since the last bundle left, if anything. */
  void finish() {
    if (bundle.length() == 0) {
      return;
    }
    receiver.accept(shardKeys[firstShard], bundle.getCopyOfBuffer());
    bundle.clear();
    records = 0;
  }

  private int subtaskOf(int shard) {
    return KeyGroupRangeAssignment.computeOperatorIndexForKeyGroup(
        shardKeys.length, keyedSubtasks, shard);
  }
}
