package tollgate.jvm;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeSet;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.runtime.state.KeyedStateBackend;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.types.Row;

/**
 * Works on many entries of a map state in one call, because a call from Python into the JVM costs
 * more than the access itself.
 *
 * <p>Keys and values are the plain bytes. PyFlink's own map state pickles what it writes, so a state
 * is either used through this class alone or not through it at all.
 *
 * <p>Maps with byte array keys need a state backend that compares serialised keys, as RocksDB does:
 * on the heap two equal arrays are two keys.
 *
 * <p>What is in a map is that of Flink's current key, which is the shard of the row that is being
 * handled. {@link Bundles} bring many shards in one row: then the key is changed here. Flink refuses
 * the key of a shard that is another subtask's, with an IllegalArgumentException.
 */
public final class StateBatch {
  private static final int ABSENT = -1;

  private StateBatch() {}

  /**
   * Makes a shard Flink's current key, of all keyed state and of timers, until the next is selected.
   *
   * @param shard the shard's key, as {@link ShardKeys} names it
   */
  public static void select(KeyedStateBackend<Row> backend, String shard) {
    // PyFlink keys by a row that holds the key.
    backend.setCurrentKey(Row.of(shard));
  }

  /**
   * Reads entries.
   *
   * @param keys repeated (u16 length, key)
   * @return for each key, in the same order: (i32 length, value), the length -1 where there is none
   */
  public static byte[] getAll(MapState<byte[], byte[]> state, byte[] keys) throws Exception {
    ByteBuffer in = ByteBuffer.wrap(keys);
    DataOutputSerializer out = new DataOutputSerializer(Math.max(64, keys.length));
    while (in.hasRemaining()) {
      getOne(state, in, out);
    }
    return out.getCopyOfBuffer();
  }

  /**
   * Reads entries of many shards. The current key is afterwards that of the last section.
   *
   * @param sections repeated (u16 length of shard key, shard key in UTF-8, i32 number of keys, that
   *     many (u16 length, key))
   * @return for each key, in the same order: (i32 length, value), the length -1 where there is none
   */
  public static byte[] getAllOf(
      KeyedStateBackend<Row> backend, MapState<byte[], byte[]> state, byte[] sections)
      throws Exception {
    ByteBuffer in = ByteBuffer.wrap(sections);
    DataOutputSerializer out = new DataOutputSerializer(Math.max(64, sections.length));
    while (in.hasRemaining()) {
      for (int left = openSection(backend, in); left > 0; left--) {
        getOne(state, in, out);
      }
    }
    return out.getCopyOfBuffer();
  }

  /**
   * Writes entries, in order.
   *
   * @param entries repeated (u16 key length, key, i32 value length, value); a value length of -1
   *     removes the key
   */
  public static void putAll(MapState<byte[], byte[]> state, byte[] entries) throws Exception {
    ByteBuffer in = ByteBuffer.wrap(entries);
    while (in.hasRemaining()) {
      putOne(state, in);
    }
  }

  /**
   * Writes entries of many shards, in order. The current key is afterwards that of the last section.
   *
   * @param sections repeated (u16 length of shard key, shard key in UTF-8, i32 number of entries,
   *     that many entries as {@link #putAll} takes them)
   */
  public static void putAllOf(
      KeyedStateBackend<Row> backend, MapState<byte[], byte[]> state, byte[] sections)
      throws Exception {
    ByteBuffer in = ByteBuffer.wrap(sections);
    while (in.hasRemaining()) {
      for (int left = openSection(backend, in); left > 0; left--) {
        putOne(state, in);
      }
    }
  }

  /**
   * Reads the whole map.
   *
   * @return repeated (u16 key length, key, i32 value length, value)
   */
  public static byte[] everything(MapState<byte[], byte[]> state) throws Exception {
    DataOutputSerializer out = new DataOutputSerializer(4096);
    for (Map.Entry<byte[], byte[]> entry : state.entries()) {
      out.writeShort(entry.getKey().length);
      out.write(entry.getKey());
      writeWithLength(out, entry.getValue());
    }
    return out.getCopyOfBuffer();
  }

  /**
   * Removes every entry whose key begins with an i64 up to a bound, and returns their keys.
   *
   * @param bound the largest i64 that is taken; none is negative
   * @return in their order: repeated (u16 length, key)
   */
  public static byte[] takeDue(MapState<byte[], byte[]> state, long bound) throws Exception {
    TreeSet<byte[]> due = new TreeSet<>(Arrays::compareUnsigned);
    Iterator<Map.Entry<byte[], byte[]>> entries = state.iterator();
    while (entries.hasNext()) {
      byte[] key = entries.next().getKey();
      if (ByteBuffer.wrap(key).getLong() <= bound) {
        due.add(key);
        entries.remove();
      }
    }
    DataOutputSerializer out = new DataOutputSerializer(64);
    for (byte[] key : due) {
      out.writeShort(key.length);
      out.write(key);
    }
    return out.getCopyOfBuffer();
  }

  /**
   * Removes the entries that have expired.
   *
   * @param before entries whose value starts with a smaller i64 than this go
   * @return how many
   */
  public static int sweep(MapState<byte[], byte[]> state, long before) throws Exception {
    int removed = 0;
    Iterator<Map.Entry<byte[], byte[]>> entries = state.iterator();
    while (entries.hasNext()) {
      if (ByteBuffer.wrap(entries.next().getValue()).getLong() < before) {
        entries.remove();
        removed++;
      }
    }
    return removed;
  }

  /**
   * Registers timers of event time in many shards. The current key is afterwards that of the last
   * section.
   *
   * @param sections repeated (u16 length of shard key, shard key in UTF-8, i32 number of timers, that
   *     many i64, in milliseconds)
   */
  public static void registerTimersOf(
      KeyedStateBackend<Row> backend, TimerService timers, byte[] sections) {
    ByteBuffer in = ByteBuffer.wrap(sections);
    while (in.hasRemaining()) {
      for (int left = openSection(backend, in); left > 0; left--) {
        timers.registerEventTimeTimer(in.getLong());
      }
    }
  }

  /** Selects the shard whose section begins here; returns how many things of it follow. */
  static int openSection(KeyedStateBackend<Row> backend, ByteBuffer in) {
    select(backend, new String(key(in), UTF_8));
    return in.getInt();
  }

  private static void getOne(
      MapState<byte[], byte[]> state, ByteBuffer in, DataOutputSerializer out) throws Exception {
    byte[] value = state.get(key(in));
    if (value == null) {
      out.writeInt(ABSENT);
    } else {
      writeWithLength(out, value);
    }
  }

  private static void putOne(MapState<byte[], byte[]> state, ByteBuffer in) throws Exception {
    byte[] key = key(in);
    int length = in.getInt();
    if (length == ABSENT) {
      state.remove(key);
    } else {
      state.put(key, bytes(in, length));
    }
  }

  private static void writeWithLength(DataOutputSerializer out, byte[] value) throws IOException {
    out.writeInt(value.length);
    out.write(value);
  }

  private static byte[] key(ByteBuffer in) {
    return bytes(in, in.getShort() & 0xFFFF);
  }

  private static byte[] bytes(ByteBuffer in, int length) {
    byte[] bytes = new byte[length];
    in.get(bytes);
    return bytes;
  }
}
