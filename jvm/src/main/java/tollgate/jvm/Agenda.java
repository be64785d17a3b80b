package tollgate.jvm;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.runtime.state.KeyedStateBackend;
import org.apache.flink.types.Row;

/**
 * Keeps entries that begin with a deadline, by owner, in a map state, so that an owner's earliest
 * ones are found without looking at the others.
 *
 * <p>Flink's map state offers no ordered access: an iterator begins at the first of all entries. So
 * each owner has a binary heap, a node an entry of the map: adding and taking cost a number of
 * accesses that grows with the logarithm of the heap's size. Entries of one deadline are in any order
 * there, so that the many customers of one month find their place at once. Keys are the owner's bytes and an i32:
 * the node's number from 1; under 0 stands the size (i32).
 *
 * <p>As for {@link StateBatch}, the state backend must compare serialised keys.
 */
public final class Agenda {
  private static final int SIZE = 0;
  private static final int ROOT = 1;
  private static final long NEVER = -1;

  private final MapState<byte[], byte[]> state;
  private final byte[] owner;
  private int size;

  private Agenda(MapState<byte[], byte[]> state, byte[] owner) throws Exception {
    this.state = state;
    this.owner = owner;
    byte[] kept = state.get(key(SIZE));
    this.size = kept == null ? 0 : ByteBuffer.wrap(kept).getInt();
  }

  /**
   * Adds entries.
   *
   * @param entries repeated (u16 length, owner, u16 length, entry); an entry begins with an i64, which
   *     is not negative
   */
  public static void add(MapState<byte[], byte[]> state, byte[] entries) throws Exception {
    addAll(state, ByteBuffer.wrap(entries), Integer.MAX_VALUE);
  }

  /**
   * Adds entries of many shards. The current key is afterwards that of the last section.
   *
   * @param sections repeated (u16 length of shard key, shard key in UTF-8, i32 number of entries,
   *     that many entries as {@link #add} takes them)
   */
  public static void addOf(
      KeyedStateBackend<Row> backend, MapState<byte[], byte[]> state, byte[] sections)
      throws Exception {
    ByteBuffer in = ByteBuffer.wrap(sections);
    while (in.hasRemaining()) {
      addAll(state, in, StateBatch.openSection(backend, in));
    }
  }

  private static void addAll(MapState<byte[], byte[]> state, ByteBuffer in, int most)
      throws Exception {
    Agenda agenda = null;
    for (int left = most; left > 0 && in.hasRemaining(); left--) {
      byte[] owner = part(in);
      if (agenda == null || !Arrays.equals(agenda.owner, owner)) {
        if (agenda != null) {
          agenda.keepSize();
        }
        agenda = new Agenda(state, owner);
      }
      agenda.push(part(in));
    }
    if (agenda != null) {
      agenda.keepSize();
    }
  }

  /**
   * Removes an owner's entries up to a deadline.
   *
   * @param bound the largest i64 that is taken
   * @return the i64 of the first entry that is left, -1 for none; then, in their order, repeated (u16
   *     length, entry)
   */
  public static byte[] takeDue(MapState<byte[], byte[]> state, byte[] owner, long bound)
      throws Exception {
    Agenda agenda = new Agenda(state, owner);
    DataOutputSerializer taken = new DataOutputSerializer(64);
    for (byte[] entry : agenda.take(bound)) {
      taken.writeShort(entry.length);
      taken.write(entry);
    }
    return ByteBuffer.allocate(Long.BYTES + taken.length())
        .putLong(agenda.size == 0 ? NEVER : deadline(agenda.node(ROOT)))
        .put(taken.getCopyOfBuffer())
        .array();
  }

  /** Takes a few one by one, many at once: then what is left is read and written a single time. */
  private List<byte[]> take(long bound) throws Exception {
    Map<Integer, byte[]> due = new HashMap<>();
    collect(ROOT, bound, due);
    List<byte[]> taken = new ArrayList<>(due.values());
    taken.sort(Arrays::compareUnsigned);
    int levels = Integer.SIZE - Integer.numberOfLeadingZeros(size);
    if (size - due.size() < due.size() * (long) levels) {
      keepOnly(without(due));
    } else {
      for (int popped = 0; popped < taken.size(); popped++) {
        pop();
      }
    }
    if (!taken.isEmpty()) {
      keepSize();
    }
    return taken;
  }

  private void collect(int number, long bound, Map<Integer, byte[]> due) throws Exception {
    if (number > size) {
      return;
    }
    byte[] entry = node(number);
    if (deadline(entry) <= bound) {
      due.put(number, entry);
      collect(2 * number, bound, due);
      collect(2 * number + 1, bound, due);
    }
  }

  private List<byte[]> without(Map<Integer, byte[]> due) throws Exception {
    List<byte[]> rest = new ArrayList<>(size - due.size());
    for (int number = ROOT; number <= size; number++) {
      if (!due.containsKey(number)) {
        rest.add(node(number));
      }
    }
    return rest;
  }

  /** Makes a heap of these alone: entries in their order are one. */
  private void keepOnly(List<byte[]> rest) throws Exception {
    rest.sort(Arrays::compareUnsigned);
    for (int index = 0; index < rest.size(); index++) {
      state.put(key(ROOT + index), rest.get(index));
    }
    for (int number = ROOT + rest.size(); number <= size; number++) {
      state.remove(key(number));
    }
    size = rest.size();
  }

  private static long deadline(byte[] entry) {
    return ByteBuffer.wrap(entry).getLong();
  }

  private void push(byte[] entry) throws Exception {
    int hole = ++size;
    while (hole > ROOT) {
      byte[] parent = node(hole / 2);
      if (deadline(parent) <= deadline(entry)) {
        break;
      }
      state.put(key(hole), parent);
      hole /= 2;
    }
    state.put(key(hole), entry);
  }

  private void pop() throws Exception {
    byte[] last = node(size);
    state.remove(key(size));
    size--;
    if (size > 0) {
      sink(last);
    }
  }

  private void sink(byte[] entry) throws Exception {
    int hole = ROOT;
    while (2 * hole <= size) {
      int child = 2 * hole;
      byte[] least = node(child);
      if (child < size) {
        byte[] right = node(child + 1);
        if (deadline(right) < deadline(least)) {
          child++;
          least = right;
        }
      }
      if (deadline(entry) <= deadline(least)) {
        break;
      }
      state.put(key(hole), least);
      hole = child;
    }
    state.put(key(hole), entry);
  }

  private void keepSize() throws Exception {
    if (size == 0) {
      state.remove(key(SIZE));
    } else {
      state.put(key(SIZE), ByteBuffer.allocate(Integer.BYTES).putInt(size).array());
    }
  }

  private byte[] node(int number) throws Exception {
    return state.get(key(number));
  }

  private byte[] key(int number) {
    return ByteBuffer.allocate(owner.length + Integer.BYTES).put(owner).putInt(number).array();
  }

  private static byte[] part(ByteBuffer in) {
    byte[] part = new byte[in.getShort() & 0xFFFF];
    in.get(part);
    return part;
  }
}
