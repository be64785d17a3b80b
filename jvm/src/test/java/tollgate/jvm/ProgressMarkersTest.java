package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static tollgate.jvm.Samples.utf8;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import tollgate.v1.BillingRecord;
import tollgate.v1.Charge;
import tollgate.v1.Progress;

class ProgressMarkersTest {
  private static final TaggedRecordSerializer SERIALIZER =
      new TaggedRecordSerializer(new String[] {"records", "other"});

  @Test
  @DisplayName("A barrier is preceded by a marker for every partition, after all that was decided before.")
  void markers() throws Exception {
    try (OneInputStreamOperatorTestHarness<byte[], byte[]> operator = harness(8, 2, 1)) {
      byte[] entry = utf8("an entry");
      operator.processElement(new StreamRecord<>(entry));
      operator.processWatermark(new Watermark(1000));
      operator.processWatermark(new Watermark(2000));
      operator.prepareSnapshotPreBarrier(1);
      List<byte[]> out = out(operator);
      assertArrayEquals(entry, out.get(0));
      assertEquals(List.of(0, 1, 2), out.subList(1, 4).stream().map(ProgressMarkersTest::partition).toList());
      assertEquals(4, out.size());
      ProducerRecord<byte[], byte[]> marker = SERIALIZER.serialize(out.get(1), null, null);
      assertNull(marker.key());
      assertArrayEquals(utf8("true"), marker.headers().lastHeader("progress").value());
      BillingRecord record = BillingRecord.parseFrom(marker.value());
      Progress progress =
          Progress.newBuilder().setClockMs(2000).setShardFrom(4).setShardTo(8).setShards(8).build();
      assertEquals(
          BillingRecord.newBuilder()
              .setKind(BillingRecord.Kind.PROGRESS)
              .setProgress(progress)
              .build(),
          record);
    }
  }

  @Test
  @DisplayName("Where the watermark has not moved, nothing is told.")
  void silence() throws Exception {
    try (OneInputStreamOperatorTestHarness<byte[], byte[]> operator = harness(8, 1, 0)) {
      operator.prepareSnapshotPreBarrier(1);
      operator.processWatermark(new Watermark(1000));
      operator.prepareSnapshotPreBarrier(2);
      operator.prepareSnapshotPreBarrier(3);
      assertEquals(3, out(operator).size());
    }
  }

  @Test
  @DisplayName("A topic is complete up to what was put off at most, also after a restore, until something else is said.")
  void putOff() throws Exception {
    OperatorSubtaskState state;
    try (OneInputStreamOperatorTestHarness<byte[], byte[]> operator = harness(8, 1, 0)) {
      operator.processElement(new StreamRecord<>(putOff(1500)));
      operator.processWatermark(new Watermark(2000));
      operator.prepareSnapshotPreBarrier(1);
      assertEquals(List.of(1499L, 1499L, 1499L), clocks(operator));
      operator.processElement(new StreamRecord<>(putOff(1700)));
      operator.prepareSnapshotPreBarrier(2);
      assertEquals(1699L, clocks(operator).get(3));
      state = operator.snapshot(2, 0);
    }
    try (OneInputStreamOperatorTestHarness<byte[], byte[]> operator = unopened(8, 1, 0)) {
      operator.initializeState(state);
      operator.open();
      operator.processWatermark(new Watermark(2000));
      operator.prepareSnapshotPreBarrier(3);
      assertEquals(1699L, clocks(operator).get(0));
      operator.processElement(new StreamRecord<>(putOff(1L << 62)));
      operator.prepareSnapshotPreBarrier(4);
      assertEquals(2000L, clocks(operator).get(3));
    }
  }

  private static byte[] putOff(long clockMs) {
    return ByteBuffer.allocate(14).put((byte) 255).put((byte) 0).putInt(-1).putLong(clockMs).array();
  }

  private static List<Long> clocks(OneInputStreamOperatorTestHarness<byte[], byte[]> operator) throws Exception {
    List<Long> found = new ArrayList<>();
    for (byte[] entry : out(operator)) {
      found.add(BillingRecord.parseFrom(SERIALIZER.serialize(entry, null, null).value()).getProgress().getClockMs());
    }
    return found;
  }

  @Test
  @DisplayName("The end of bounded input tells of the time reached, not of the end of all time.")
  void endOfInput() throws Exception {
    try (OneInputStreamOperatorTestHarness<byte[], byte[]> operator =
        new OneInputStreamOperatorTestHarness<>(new ProgressMarkers(0, 1, "CHARGES"), 8, 1, 0)) {
      operator.open();
      operator.processWatermark(new Watermark(1000));
      operator.processWatermark(Watermark.MAX_WATERMARK);
      operator.endInput();
      byte[] value = SERIALIZER.serialize(out(operator).get(0), null, null).value();
      assertEquals(1000, Charge.parseFrom(value).getProgress().getClockMs());
    }
  }

  @Test
  @DisplayName("Balances see no markers; the reader of facts sees them as such.")
  void readers() {
    ConsumerRecord<byte[], byte[]> marker = Samples.kafkaRecord(2, 0, 0, null, utf8("value"));
    marker.headers().add("progress", utf8("true"));
    Samples.Collected<byte[]> values = new Samples.Collected<>();
    new ValueDeserializer().deserialize(marker, values);
    assertEquals(0, values.values.size());
    Samples.Collected<byte[]> facts = new Samples.Collected<>();
    FactDeserializer reader = new FactDeserializer(Map.of("topic", FactFramer.CHARGES));
    reader.deserialize(marker, facts);
    reader.deserialize(Samples.kafkaRecord(2, 0, 0, null, utf8("value")), facts);
    assertEquals(
        List.of(FactFramer.CHARGES | FactDeserializer.MARKER, FactFramer.CHARGES),
        facts.values.stream().map(one -> one[0] & 0xFF).toList());
  }

  private static OneInputStreamOperatorTestHarness<byte[], byte[]> harness(
      int shards, int subtasks, int subtask) throws Exception {
    OneInputStreamOperatorTestHarness<byte[], byte[]> operator = unopened(shards, subtasks, subtask);
    operator.open();
    return operator;
  }

  private static OneInputStreamOperatorTestHarness<byte[], byte[]> unopened(
      int shards, int subtasks, int subtask) throws Exception {
    return new OneInputStreamOperatorTestHarness<>(
        new ProgressMarkers(0, 3, "RECORDS"), shards, subtasks, subtask);
  }

  private static List<byte[]> out(OneInputStreamOperatorTestHarness<byte[], byte[]> operator) {
    List<byte[]> found = new ArrayList<>();
    for (Object one : operator.getOutput()) {
      if (one instanceof StreamRecord<?> record) {
        found.add((byte[]) record.getValue());
      }
    }
    return found;
  }

  private static int partition(byte[] entry) {
    return SERIALIZER.serialize(entry, null, null).partition();
  }
}
