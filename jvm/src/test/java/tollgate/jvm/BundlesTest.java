package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static tollgate.jvm.Samples.utf8;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BundlesTest {
  private static final int SHARDS = 8;
  private static final String[] KEYS = ShardKeys.of(SHARDS);

  private final List<Row> rows = new ArrayList<>();

  @Test
  @DisplayName("A bundle is each shard's key and frame with their lengths; the row's key is the first one's.")
  void format() throws Exception {
    Bundles bundles = new Bundles(new String[] {"a", "bé", "c"}, 1, 10, this::receive);
    bundles.add(1, frame("xy"), 1);
    bundles.add(2, frame("z"), 1);
    bundles.finish();
    assertEquals(1, rows.size());
    assertEquals("bé", rows.get(0).getField(0));
    assertArrayEquals(
        HexFormat.of().parseHex("000362C3A9" + "000000027879" + "000163" + "000000017A"),
        (byte[]) rows.get(0).getField(1));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 8})
  @DisplayName("Two subtasks never share a bundle, and a subtask's shards need no more than one.")
  void subtasks(int keyedSubtasks) throws Exception {
    Bundles bundles = new Bundles(KEYS, keyedSubtasks, 100, this::receive);
    for (int shard = 0; shard < SHARDS; shard++) {
      bundles.add(shard, frame("f" + shard), 1);
    }
    bundles.finish();
    assertEquals(keyedSubtasks, rows.size());
    for (int subtask = 0; subtask < keyedSubtasks; subtask++) {
      assertEquals(
          List.of(subtask), Samples.subtasksOf(rows.get(subtask), SHARDS, keyedSubtasks));
    }
    assertEquals(SHARDS, unpacked().size());
  }

  @Test
  @DisplayName("A bundle leaves at once with the most records, and not one record earlier.")
  void recordsMax() throws Exception {
    Bundles bundles = new Bundles(KEYS, 1, 10, this::receive);
    bundles.add(0, frame("a"), 4);
    bundles.add(1, frame("b"), 5);
    assertEquals(0, rows.size());
    bundles.add(2, frame("c"), 1);
    assertEquals(1, rows.size());
    bundles.add(3, frame("d"), 9);
    assertEquals(1, rows.size());
    bundles.finish();
    assertEquals(List.of(KEYS[0], KEYS[3]), rows.stream().map(row -> row.getField(0)).toList());
  }

  @Test
  @DisplayName("A frame of more records than that is not cut: it ends the bundle that it is in.")
  void longFrame() throws Exception {
    Bundles bundles = new Bundles(KEYS, 1, 10, this::receive);
    String text = "x".repeat(100_000);
    bundles.add(0, frame("a"), 1);
    bundles.add(1, frame(text), 5_000);
    assertEquals(List.of(KEYS[0] + "=a", KEYS[1] + "=" + text), unpacked());
    bundles.add(2, frame("c"), 9);
    assertEquals(1, rows.size());
    bundles.add(3, frame("d"), 1);
    assertEquals(2, rows.size());
  }

  @Test
  @DisplayName("Large events end a bundle by their bytes, however few they are.")
  void bytesMax() throws Exception {
    Bundles bundles = new Bundles(KEYS, 1, 10, this::receive);
    bundles.add(0, frame("x".repeat(Bundles.BYTES_MAX / 2)), 1);
    assertEquals(0, rows.size());
    bundles.add(1, frame("x".repeat(Bundles.BYTES_MAX / 2)), 1);
    assertEquals(1, rows.size());
  }

  @Test
  @DisplayName("Where nothing has been added nothing leaves.")
  void empty() throws Exception {
    Bundles bundles = new Bundles(KEYS, 2, 1, this::receive);
    bundles.finish();
    bundles.add(7, frame("a"), 1);
    bundles.finish();
    bundles.finish();
    assertEquals(List.of(KEYS[7] + "=a"), unpacked());
    assertEquals(1, rows.size());
  }

  @Test
  @DisplayName("Nothing is lost and the order is kept, round after round; every limit holds.")
  void everything() throws Exception {
    Random random = new Random(7);
    for (int round = 0; round < 200; round++) {
      int keyedSubtasks = 1 + random.nextInt(SHARDS);
      int recordsMax = 1 + random.nextInt(30);
      Bundles bundles = new Bundles(KEYS, keyedSubtasks, recordsMax, this::receive);
      for (int flush = 0; flush < 3; flush++) {
        rows.clear();
        List<String> added = new ArrayList<>();
        for (int shard = random.nextInt(3); shard < SHARDS; shard += 1 + random.nextInt(3)) {
          String text = "x".repeat(1 + random.nextInt(15));
          bundles.add(shard, frame(text), text.length());
          added.add(KEYS[shard] + "=" + text);
        }
        bundles.finish();
        assertEquals(added, unpacked());
        for (Row row : rows) {
          List<Row> frames = Samples.framesOf(row);
          assertEquals(frames.get(0).getField(0), row.getField(0));
          assertEquals(1, Samples.subtasksOf(row, SHARDS, keyedSubtasks).size());
          assertTrue(recordsIn(frames.subList(0, frames.size() - 1)) < recordsMax);
        }
      }
    }
  }

  private void receive(String shardKey, byte[] bundle) {
    rows.add(Row.of(shardKey, bundle));
  }

  /** All frames that have left, each as "shard key=frame". */
  private List<String> unpacked() {
    return rows.stream()
        .flatMap(row -> Samples.framesOf(row).stream())
        .map(row -> row.getField(0) + "=" + textOf(row))
        .toList();
  }

  /** In {@link #everything} a frame has as many bytes as records. */
  private static int recordsIn(List<Row> frames) {
    return frames.stream().mapToInt(row -> textOf(row).length()).sum();
  }

  private static String textOf(Row row) {
    return new String((byte[]) row.getField(1), StandardCharsets.UTF_8);
  }

  /** With room behind its end, as a frame that has been longer before. */
  private static DataOutputSerializer frame(String text) throws IOException {
    DataOutputSerializer frame = new DataOutputSerializer(2 * text.length() + 1);
    frame.write(utf8(text));
    return frame;
  }
}
