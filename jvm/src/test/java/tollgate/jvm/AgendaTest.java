package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static tollgate.jvm.Samples.utf8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class AgendaTest {
  private static final byte[] ANN = utf8("ann");
  private static final byte[] BOB = utf8("bob");

  private final MapInMemory<byte[]> state = new MapInMemory<>(Arrays::compare);

  @Test
  @DisplayName("An owner's entries come in order up to the bound, it included, with the next deadline.")
  void takeDue() throws Exception {
    add(ANN, entry(30, "c"), entry(10, "b"), entry(20, "x"), entry(10, "a"), entry(21, ""));
    Taken taken = take(ANN, 20);
    assertEquals(List.of("10a", "10b", "20x"), taken.entries);
    assertEquals(21, taken.next);
    assertEquals(List.of("21", "30c"), take(ANN, 1000).entries);
  }

  @Test
  @DisplayName("Nothing is left of an agenda that is empty, and its next deadline is -1.")
  void empty() throws Exception {
    assertEquals(-1, take(ANN, 5).next);
    add(ANN, entry(1, "a"));
    assertEquals(-1, take(ANN, 1).next);
    assertTrue(state.isEmpty());
  }

  @Test
  @DisplayName("Owners do not see each other's entries, nor does the one without a name.")
  void owners() throws Exception {
    add(ANN, entry(1, "a"));
    add(BOB, entry(2, "b"));
    add(new byte[0], entry(3, "c"));
    assertEquals(List.of("2b"), take(BOB, 9).entries);
    assertEquals(List.of("3c"), take(new byte[0], 9).entries);
    assertEquals(List.of("1a"), take(ANN, 9).entries);
  }

  @Test
  @DisplayName("Entries of several owners may come in one call, in any order.")
  void manyAtOnce() throws Exception {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    for (int number = 50; number > 0; number--) {
      written(packed, number % 3 == 0 ? BOB : ANN);
      written(packed, entry(number, "x"));
    }
    Agenda.add(state, packed.toByteArray());
    assertEquals(16, take(BOB, 1000).entries.size());
    Taken taken = take(ANN, 49);
    assertEquals(33, taken.entries.size());
    assertEquals("1x", taken.entries.get(0));
    assertEquals(50, taken.next);
  }

  @Test
  @DisplayName("Nothing due: nothing is written.")
  void nothingDue() throws Exception {
    add(ANN, entry(7, "a"));
    Taken taken = take(ANN, 6);
    assertEquals(List.of(), taken.entries);
    assertEquals(7, taken.next);
    assertEquals(2, state.map.size());
  }

  @Test
  @DisplayName("Whatever is added and taken in whatever order, it is what a sorted list would give.")
  void likeASortedList() throws Exception {
    Random random = new Random(7);
    List<byte[]> expected = new ArrayList<>();
    for (int round = 0; round < 300; round++) {
      for (int count = random.nextInt(12); count > 0; count--) {
        byte[] entry = entry(random.nextInt(1000), String.valueOf(random.nextInt(50)));
        expected.add(entry);
        add(ANN, entry);
      }
      expected.sort(Arrays::compareUnsigned);
      long bound = random.nextInt(1000);
      ByteArrayOutputStream due = new ByteArrayOutputStream();
      expected.removeIf(entry -> deadline(entry) <= bound && written(due, entry));
      byte[] answer = Agenda.takeDue(state, ANN, bound);
      assertArrayEquals(due.toByteArray(), Arrays.copyOfRange(answer, 8, answer.length));
      assertEquals(expected.isEmpty() ? -1 : deadline(expected.get(0)), deadline(answer));
    }
  }

  private static boolean written(ByteArrayOutputStream out, byte[] entry) {
    out.writeBytes(ByteBuffer.allocate(2).putShort((short) entry.length).array());
    out.writeBytes(entry);
    return true;
  }

  private void add(byte[] owner, byte[]... entries) throws Exception {
    for (byte[] entry : entries) {
      ByteBuffer packed = ByteBuffer.allocate(4 + owner.length + entry.length);
      packed.putShort((short) owner.length).put(owner).putShort((short) entry.length).put(entry);
      Agenda.add(state, packed.array());
    }
  }

  private Taken take(byte[] owner, long bound) throws Exception {
    ByteBuffer answer = ByteBuffer.wrap(Agenda.takeDue(state, owner, bound));
    Taken taken = new Taken(answer.getLong(), new ArrayList<>());
    while (answer.hasRemaining()) {
      byte[] entry = new byte[answer.getShort()];
      answer.get(entry);
      taken.entries.add(deadline(entry) + new String(entry, 8, entry.length - 8));
    }
    return taken;
  }

  private static long deadline(byte[] entry) {
    return ByteBuffer.wrap(entry).getLong();
  }

  private static byte[] entry(long deadline, String rest) {
    byte[] bytes = utf8(rest);
    return ByteBuffer.allocate(8 + bytes.length).putLong(deadline).put(bytes).array();
  }

  private record Taken(long next, List<String> entries) {}
}
