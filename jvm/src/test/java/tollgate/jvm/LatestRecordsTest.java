package tollgate.jvm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static tollgate.jvm.Samples.utf8;

import com.google.protobuf.InvalidProtocolBufferException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tollgate.v1.BillingRecord;
import tollgate.v1.OpenSessions;
import tollgate.v1.PriceBookRef;

class LatestRecordsTest {
  private static final int SIDE = 1;
  private static final int SHARDS = 8;
  private static final int KEYED_SUBTASKS = 2;
  private static final int RECORDS_MAX = 5;
  private static final long LINGER_MS = 100;

  @Test
  @DisplayName("Of each customer, price book, cycle and meter the latest record passes, unchanged.")
  void latest() throws Exception {
    try (Harness operator = new Harness()) {
      operator.send(record("a", "x", 1), record("a", "y", 2), record("a", "x", 3));
      operator.send(record("a", "x", 4).setCycle("2026-12"));
      operator.send(record("b", "x", 1));
      operator.checkpoint();
      assertEquals(List.of("a#2", "a#3", "a#4", "b#1"), operator.passed());
      assertEquals(
          List.of(record("a", "x", 3).build()),
          operator.entries().stream()
              .map(Entry::record)
              .filter(one -> one.getSequence() == 3)
              .toList());
    }
  }

  @Test
  @DisplayName("Records of another price book are kept apart: its coming takes the meters away.")
  void priceBook() throws Exception {
    try (Harness operator = new Harness()) {
      PriceBookRef other = PriceBookRef.newBuilder().setId("euro").build();
      operator.send(record("a", "x", 1), record("a", "x", 2).setPriceBook(other));
      operator.checkpoint();
      assertEquals(List.of("a#1", "a#2"), operator.passed());
    }
  }

  @Test
  @DisplayName("Of what runs the latest message of each customer passes, whatever it costs.")
  void openSessions() throws Exception {
    try (Harness operator = new Harness()) {
      OpenSessions first = running("a", 1).setCurrency("USD").setAmount("7").build();
      OpenSessions last = running("a", 2).setChange(Long.MAX_VALUE).setAsOfMs(1).build();
      for (OpenSessions one : List.of(first, last, running("b", 1).build())) {
        operator.harness.processElement(new StreamRecord<>(one.toByteArray()));
      }
      operator.checkpoint();
      assertEquals(List.of("a#2", "b#1"), operator.passed());
    }
  }

  @Test
  @DisplayName("Versions of one price book share their totals.")
  void version() throws Exception {
    try (Harness operator = new Harness()) {
      PriceBookRef later = PriceBookRef.newBuilder().setId("standard").setVersion(2).build();
      operator.send(record("a", "x", 1), record("a", "x", 2).setPriceBook(later));
      operator.checkpoint();
      assertEquals(List.of("a#2"), operator.passed());
    }
  }

  @Test
  @DisplayName("Every entry says its side, and is in the frame of its customer's shard.")
  void shard() throws Exception {
    try (Harness operator = new Harness()) {
      operator.send(record("tenant/acmé", "x", 1), record("b", "x", 1), record("b", "y", 2));
      operator.checkpoint();
      for (Row row : operator.frames()) {
        for (Entry entry : entriesOf(row)) {
          byte[] customer = entry.record().getCustomerId().getBytes(UTF_8);
          int shard = Math.floorMod(ShardHash.of(customer), SHARDS);
          assertEquals(ShardKeys.of(SHARDS)[shard], row.getField(0));
          assertEquals(SIDE, entry.side());
        }
      }
      assertEquals(3, operator.entries().size());
      assertEquals(2, operator.frames().stream().map(row -> row.getField(0)).distinct().count());
    }
  }

  @Test
  @DisplayName("In turns a burst leaves part by part within the linger, and a barrier takes the rest.")
  void turns() throws Exception {
    try (Harness operator = new Harness(1000, 4)) {
      for (int customer = 0; customer < 100; customer++) {
        operator.send(record("c" + customer, "x", 1), record("c" + customer, "x", 2));
      }
      int before = 0;
      for (int turn = 1; turn <= 4; turn++) {
        operator.passTime(LINGER_MS / 4);
        int passed = operator.entries().size();
        assertTrue(passed > before, "turn " + turn);
        assertTrue(passed - before < 60, "turn " + turn);
        before = passed;
      }
      assertEquals(100, before);
      operator.send(record("late", "x", 1));
      operator.checkpoint();
      assertEquals(101, operator.entries().size());
    }
  }

  @Test
  @DisplayName("What leaves at once is one row for each keyed subtask, or more where it is much.")
  void bundles() throws Exception {
    int most = 4 * Bundles.RECORDS_MAX;
    try (Harness operator = new Harness(most, 1)) {
      for (int customer = 0; customer < 100; customer++) {
        operator.send(record("c" + customer, "x", 1), record("c" + customer, "x", 2));
      }
      operator.checkpoint();
      assertEquals(2, operator.bundles().size());
      for (int customer = 0; customer < most; customer++) {
        operator.send(record("c" + customer, "x", 3));
      }
      assertEquals(100 + most, operator.entries().size());
      // Each subtask has four shards of some 256 records, so two or three of them fill a bundle.
      assertEquals(2 + 4, operator.bundles().size());
      for (Row row : operator.bundles()) {
        assertEquals(1, Samples.subtasksOf(row, SHARDS, KEYED_SUBTASKS).size());
      }
    }
  }

  @Test
  @DisplayName("A record waits for the linger and no longer, time after time; the rest is skipped.")
  void linger() throws Exception {
    try (Harness operator = new Harness()) {
      for (int round = 1; round <= 3; round++) {
        operator.send(record("a", "x", 2 * round), record("a", "x", 2 * round + 1));
        operator.passTime(LINGER_MS - 1);
        assertEquals(round - 1, operator.entries().size());
        operator.passTime(1);
        assertEquals(round, operator.entries().size());
      }
      assertEquals(List.of("a#3", "a#5", "a#7"), operator.passed());
    }
  }

  @Test
  @DisplayName("A frame leaves at once when the most wait; a record in another's place does not count.")
  void recordsMax() throws Exception {
    try (Harness operator = new Harness()) {
      for (int i = 1; i < RECORDS_MAX; i++) {
        operator.send(record("a", "m" + i, i), record("a", "m" + i, 100 + i));
      }
      assertEquals(0, operator.entries().size());
      operator.send(record("a", "last", 999));
      assertEquals(RECORDS_MAX, operator.entries().size());
      operator.passTime(LINGER_MS);
      assertEquals(RECORDS_MAX, operator.entries().size());
    }
  }

  @Test
  @DisplayName("Everything that waits leaves before the barrier, and once: nothing is kept in state.")
  void beforeBarrier() throws Exception {
    try (Harness operator = new Harness()) {
      operator.send(record("a", "x", 1));
      operator.harness.prepareSnapshotPreBarrier(1);
      assertEquals(List.of("a#1"), operator.passed());
      operator.checkpoint();
      operator.passTime(LINGER_MS);
      assertEquals(1, operator.entries().size());
      operator.send(record("a", "x", 2));
      operator.passTime(LINGER_MS);
      assertEquals(List.of("a#1", "a#2"), operator.passed());
    }
  }

  @Test
  @DisplayName("The end of the log passes what waits.")
  void endOfInput() throws Exception {
    try (Harness operator = new Harness()) {
      operator.send(record("a", "x", 1));
      operator.harness.endInput();
      assertEquals(List.of("a#1"), operator.passed());
    }
  }

  @Test
  @DisplayName("Watermarks are not passed on.")
  void watermark() throws Exception {
    try (Harness operator = new Harness()) {
      operator.harness.processWatermark(new Watermark(7));
      assertEquals(0, operator.harness.getOutput().size());
    }
  }

  @Test
  @DisplayName("What is no billing record stops the job: nobody else may write to its topic.")
  void garbage() throws Exception {
    try (Harness operator = new Harness()) {
      assertThrows(
          InvalidProtocolBufferException.class,
          () -> operator.harness.processElement(new StreamRecord<>(utf8("garbage"))));
    }
  }

  @Test
  @DisplayName("ValueDeserializer emits the value as it is; a record without one says nothing.")
  void values() {
    Samples.Collected<byte[]> out = new Samples.Collected<>();
    new ValueDeserializer().deserialize(Samples.kafkaRecord(0, 1, 2, utf8("k"), null), out);
    assertEquals(0, out.values.size());
    new ValueDeserializer().deserialize(Samples.kafkaRecord(0, 1, 2, null, utf8("v")), out);
    assertArrayEquals(utf8("v"), out.only());
    byte[] empty = new byte[0];
    new ValueDeserializer().deserialize(Samples.kafkaRecord(0, 1, 2, null, empty), out);
    assertEquals(2, out.values.size());
    assertEquals(byte[].class, new ValueDeserializer().getProducedType().getTypeClass());
  }

  private static BillingRecord.Builder record(String customer, String meter, long sequence) {
    return BillingRecord.newBuilder()
        .setCustomerId(customer)
        .setMeter(meter)
        .setCycle("2026-11")
        .setSequence(sequence)
        .setPriceBook(PriceBookRef.newBuilder().setId("standard").setVersion(1));
  }

  private static OpenSessions.Builder running(String customer, long sequence) {
    return OpenSessions.newBuilder().setCustomerId(customer).setSequence(sequence).setSessions(3);
  }

  /** A frame's entries, read the way the Python side reads them. */
  private static List<Entry> entriesOf(Row row) throws InvalidProtocolBufferException {
    ByteBuffer in = ByteBuffer.wrap((byte[]) row.getField(1));
    List<Entry> entries = new ArrayList<>();
    while (in.hasRemaining()) {
      byte[] value = new byte[in.getInt() - 1];
      int side = in.get();
      in.get(value);
      entries.add(new Entry(side, BillingRecord.parseFrom(value)));
    }
    return entries;
  }

  private record Entry(int side, BillingRecord record) {
    String name() {
      return record.getCustomerId() + "#" + record.getSequence();
    }
  }

  /** One subtask in Flink's operator harness. */
  private static final class Harness implements AutoCloseable {
    final OneInputStreamOperatorTestHarness<byte[], Row> harness;
    private long checkpoints;

    Harness() throws Exception {
      this(RECORDS_MAX, 1);
    }

    Harness(int recordsMax, int turns) throws Exception {
      LatestRecords operator = 
          new LatestRecords(SIDE, SHARDS, KEYED_SUBTASKS, recordsMax, LINGER_MS, turns);
      harness = new OneInputStreamOperatorTestHarness<>(operator, SHARDS, 1, 0);
      harness.setup(
          UsageFramer.OUTPUT_TYPE.createSerializer(
              harness.getExecutionConfig().getSerializerConfig()));
      harness.open();
    }

    void send(BillingRecord.Builder... records) throws Exception {
      for (BillingRecord.Builder record : records) {
        harness.processElement(new StreamRecord<>(record.build().toByteArray()));
      }
    }

    void passTime(long ms) throws Exception {
      harness.setProcessingTime(harness.getProcessingTime() + ms);
    }

    void checkpoint() throws Exception {
      harness.prepareSnapshotPreBarrier(++checkpoints);
      harness.snapshot(checkpoints, 0);
    }

    /** The rows as they were emitted: shard key and bundle. */
    List<Row> bundles() {
      return harness.extractOutputValues();
    }

    /** What is in the bundles: rows of shard key and frame. */
    List<Row> frames() {
      return bundles().stream().flatMap(row -> Samples.framesOf(row).stream()).toList();
    }

    List<Entry> entries() throws InvalidProtocolBufferException {
      List<Entry> entries = new ArrayList<>();
      for (Row row : frames()) {
        entries.addAll(entriesOf(row));
      }
      return entries;
    }

    /** The names of all entries, in the order of customer and number. */
    List<String> passed() throws InvalidProtocolBufferException {
      return entries().stream().map(Entry::name).sorted().toList();
    }

    @Override
    public void close() throws Exception {
      harness.close();
    }
  }
}
