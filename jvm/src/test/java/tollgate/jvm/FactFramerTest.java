package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static tollgate.jvm.Samples.utf8;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tollgate.v1.BillingRecord;
import tollgate.v1.Charge;
import tollgate.v1.Progress;

class FactFramerTest {
  private static final int SHARDS = 8;

  @Test
  @DisplayName("Facts leave in one frame per shard, whole, before the barrier.")
  void frames() throws Exception {
    try (OneInputStreamOperatorTestHarness<byte[], Row> operator = harness()) {
      byte[] fact = fact(FactFramer.RECORDS, 0, "acme", "one");
      send(operator, fact, fact(FactFramer.CHARGES, 1, "acme", "two"));
      assertEquals(List.of(), rows(operator));
      operator.prepareSnapshotPreBarrier(1);
      assertEquals(1, rows(operator).size());
      ByteBuffer frame = ByteBuffer.wrap((byte[]) rows(operator).get(0).getField(1));
      byte[] first = new byte[frame.getInt()];
      frame.get(first);
      assertArrayEquals(fact, first);
    }
  }

  @Test
  @DisplayName("Time is the least clock of all shards, partitions and topics, and passes after the facts before it.")
  void leastOfAll() throws Exception {
    try (OneInputStreamOperatorTestHarness<byte[], Row> operator = harness()) {
      send(operator, record(0, 500, 0, 8), record(1, 300, 0, 4), charge(0, 900));
      send(operator, record(1, 200, 4, 8), fact(FactFramer.RECORDS, 0, "acme", "one"));
      operator.prepareSnapshotPreBarrier(1);
      assertEquals(List.of(), watermarks(operator), "a partition of charges has told nothing yet");
      send(operator, charge(1, 400));
      operator.prepareSnapshotPreBarrier(2);
      assertEquals(List.of(200L), watermarks(operator));
      send(operator, record(1, 250, 0, 8)); // of an earlier checkpoint: clocks only rise
      operator.prepareSnapshotPreBarrier(3);
      assertEquals(List.of(200L, 250L), watermarks(operator));
    }
  }

  @Test
  @DisplayName("Progress outlives a restore, and needs no marker anew.")
  void restore() throws Exception {
    OperatorSubtaskState state;
    try (OneInputStreamOperatorTestHarness<byte[], Row> operator = harness()) {
      send(operator, record(0, 500, 0, 8), record(1, 300, 0, 8), charge(0, 900), charge(1, 800));
      operator.prepareSnapshotPreBarrier(1);
      state = operator.snapshot(1, 0);
    }
    try (OneInputStreamOperatorTestHarness<byte[], Row> operator = made()) {
      operator.initializeState(state);
      operator.open();
      operator.setProcessingTime(1000);
      assertEquals(List.of(300L), watermarks(operator));
    }
  }

  @Test
  @DisplayName("A request for a note is framed with or without a key, and no clock waits for its topic.")
  void notes() throws Exception {
    try (OneInputStreamOperatorTestHarness<byte[], Row> operator = harness()) {
      byte[] keyless = KeyedRecord.encode(FactFramer.NOTES, 3, 0, 0, null, utf8("note"));
      send(operator, fact(FactFramer.NOTES, 3, "acme", "note"), keyless);
      send(operator, record(0, 500, 0, 8), record(1, 300, 0, 8), charge(0, 900), charge(1, 800));
      operator.prepareSnapshotPreBarrier(1);
      int bytes =
          rows(operator).stream().mapToInt(row -> ((byte[]) row.getField(1)).length).sum();
      assertEquals(2 * 4 + fact(FactFramer.NOTES, 3, "acme", "note").length + keyless.length, bytes);
      assertEquals(List.of(300L), watermarks(operator));
    }
  }

  @Test
  @DisplayName("A marker of another number of shards fails: it would be taken for something else.")
  void otherShards() throws Exception {
    try (OneInputStreamOperatorTestHarness<byte[], Row> operator = harness()) {
      byte[] other =
          BillingRecord.newBuilder()
              .setProgress(Progress.newBuilder().setClockMs(1).setShardTo(4).setShards(4))
              .build()
              .toByteArray();
      byte[] element =
          KeyedRecord.encode(FactFramer.RECORDS | FactDeserializer.MARKER, 0, 0, 0, null, other);
      assertThrows(IllegalStateException.class, () -> send(operator, element));
    }
  }

  private static OneInputStreamOperatorTestHarness<byte[], Row> made() throws Exception {
    return new OneInputStreamOperatorTestHarness<>(new FactFramer(2, 2, SHARDS, 100, 50));
  }

  private static OneInputStreamOperatorTestHarness<byte[], Row> harness() throws Exception {
    OneInputStreamOperatorTestHarness<byte[], Row> operator = made();
    operator.open();
    return operator;
  }

  private static void send(OneInputStreamOperatorTestHarness<byte[], Row> operator, byte[]... elements)
      throws Exception {
    for (byte[] element : elements) {
      operator.processElement(new StreamRecord<>(element));
    }
  }

  private static byte[] fact(int topic, int partition, String customer, String value) {
    return KeyedRecord.encode(topic, partition, 0, 0, utf8(customer), utf8(value));
  }

  private static byte[] record(int partition, long clockMs, int from, int to) {
    byte[] value =
        BillingRecord.newBuilder().setProgress(progress(clockMs, from, to)).build().toByteArray();
    return KeyedRecord.encode(
        FactFramer.RECORDS | FactDeserializer.MARKER, partition, 0, 0, null, value);
  }

  private static byte[] charge(int partition, long clockMs) {
    byte[] value =
        Charge.newBuilder().setProgress(progress(clockMs, 0, SHARDS)).build().toByteArray();
    return KeyedRecord.encode(
        FactFramer.CHARGES | FactDeserializer.MARKER, partition, 0, 0, null, value);
  }

  private static Progress.Builder progress(long clockMs, int from, int to) {
    return Progress.newBuilder()
        .setClockMs(clockMs)
        .setShardFrom(from)
        .setShardTo(to)
        .setShards(SHARDS);
  }

  private static List<Row> rows(OneInputStreamOperatorTestHarness<byte[], Row> operator) {
    List<Row> found = new ArrayList<>();
    for (Object one : operator.getOutput()) {
      if (one instanceof StreamRecord<?> record) {
        found.add((Row) record.getValue());
      }
    }
    return found;
  }

  private static List<Long> watermarks(OneInputStreamOperatorTestHarness<byte[], Row> operator) {
    List<Long> found = new ArrayList<>();
    for (Object one : operator.getOutput()) {
      if (one instanceof Watermark mark) {
        found.add(mark.getTimestamp());
      }
    }
    return found;
  }
}
