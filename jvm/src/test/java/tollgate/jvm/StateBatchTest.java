package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static tollgate.jvm.Samples.utf8;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class StateBatchTest {
  private final MapInMemory<byte[]> byKey = new MapInMemory<>(Arrays::compare);

  @Test
  @DisplayName("Values come back in the order asked for, empty ones told from absent ones.")
  void getAll() throws Exception {
    byKey.put(utf8("a"), utf8("1"));
    byKey.put(utf8("b"), new byte[0]);
    byte[] found = StateBatch.getAll(byKey, hex("000162" + "000178" + "000161" + "0000"));
    assertArrayEquals(hex("00000000" + "FFFFFFFF" + "0000000131" + "FFFFFFFF"), found);
  }

  @Test
  @DisplayName("Writes and removals happen in order; the last word on a key counts.")
  void putAll() throws Exception {
    byKey.put(utf8("gone"), utf8("x"));
    StateBatch.putAll(
        byKey,
        hex("000161" + "0000000131" + "000161" + "0000000132" + "0004676F6E65" + "FFFFFFFF"
            + "000162" + "00000000"));
    assertEquals(2, byKey.map.size());
    assertArrayEquals(utf8("2"), byKey.get(utf8("a")));
    assertArrayEquals(new byte[0], byKey.get(utf8("b")));
  }

  @Test
  @DisplayName("A key may be longer than 32767 bytes: its length is unsigned.")
  void longKey() throws Exception {
    byte[] key = new byte[40_000];
    ByteBuffer entries = ByteBuffer.allocate(2 + key.length + 4 + 1);
    entries.putShort((short) key.length).put(key).putInt(1).put((byte) 7);
    StateBatch.putAll(byKey, entries.array());
    assertArrayEquals(new byte[] {7}, byKey.get(key));
  }

  @Test
  @DisplayName("Everything is every key with its value, empty ones too; of an empty map it is nothing.")
  void everything() throws Exception {
    assertEquals(0, StateBatch.everything(byKey).length);
    byKey.put(utf8("b"), new byte[0]);
    byKey.put(utf8("ab"), utf8("12"));
    assertArrayEquals(
        hex("00026162" + "000000023132" + "000162" + "00000000"), StateBatch.everything(byKey));
  }

  @Test
  @DisplayName("What everything gives, putAll takes.")
  void everythingAndBack() throws Exception {
    byKey.put(new byte[40_000], utf8("long"));
    byKey.put(utf8("b"), new byte[70_000]);
    byte[] all = StateBatch.everything(byKey);
    MapInMemory<byte[]> other = new MapInMemory<>(Arrays::compare);
    StateBatch.putAll(other, all);
    assertArrayEquals(all, StateBatch.everything(other));
    assertEquals(2, other.map.size());
  }

  @Test
  @DisplayName("Keys that are due are taken in order, the bound included, the rest left.")
  void takeDue() throws Exception {
    for (String key : new String[] {"1E63", "0A61", "1463", "1462", "0B"}) {
      byKey.put(hex("00000000000000" + key), new byte[0]);
    }
    byte[] expected =
        hex("0009" + "000000000000000A61" + "0008" + "000000000000000B"
            + "0009" + "000000000000001462" + "0009" + "000000000000001463");
    assertArrayEquals(expected, StateBatch.takeDue(byKey, 20));
    assertEquals(1, byKey.map.size());
    assertEquals(0, StateBatch.takeDue(byKey, 29).length);
  }

  @Test
  @DisplayName("Sweeping removes what is older than the bound, keeps the bound itself, and counts.")
  void sweep() throws Exception {
    for (long time : new long[] {-1, 9, 10, 11}) {
      byKey.put(utf8("k" + time), ByteBuffer.allocate(9).putLong(time).array());
    }
    assertEquals(2, StateBatch.sweep(byKey, 10));
    assertEquals(2, byKey.map.size());
    assertEquals(0, StateBatch.sweep(byKey, 10));
  }

  private static byte[] hex(String text) {
    return HexFormat.of().parseHex(text);
  }
}
