package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static tollgate.jvm.Samples.garbage;
import static tollgate.jvm.Samples.heartbeat;
import static tollgate.jvm.Samples.logged;
import static tollgate.jvm.Samples.usage;
import static tollgate.jvm.Samples.utf8;

import java.util.List;
import java.util.stream.LongStream;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class UsageFramerTest {
  @Test
  @DisplayName("A customer's records leave in the order of the log, over several frames.")
  void order() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      for (long offset = 0; offset < 350; offset++) {
        framer.send(logged(0, offset, "customer-" + offset % 7, 1_000 + offset));
      }
      framer.checkpoint();
      assertEquals(350, framer.entries().size());
      for (int customer = 0; customer < 7; customer++) {
        long remainder = customer;
        assertEquals(
            LongStream.range(0, 350).filter(o -> o % 7 == remainder).boxed().toList(),
            framer.entries().stream()
                .map(Samples.Entry::offset)
                .filter(offset -> offset % 7 == remainder)
                .toList());
      }
    }
  }

  @Test
  @DisplayName("Every record is in the frame of its customer's shard.")
  void shard() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      framer.send(logged(0, 0, "acme", 1_000));
      framer.checkpoint();
      int shard = Math.floorMod(ShardHash.of(utf8("acme")), FramerHarness.SHARDS);
      assertEquals(
          ShardKeys.of(FramerHarness.SHARDS)[shard], framer.frames().get(0).getField(0));
    }
  }

  @Test
  @DisplayName("A flush is one row for each keyed subtask, and each shard has one frame in it.")
  void bundles() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      for (int i = 0; i < FramerHarness.RECORDS_MAX; i++) {
        framer.send(logged(0, i, "customer-" + i, 1_000));
      }
      assertEquals(
          List.of(List.of(0), List.of(1)),
          framer.bundles().stream()
              .map(row -> Samples.subtasksOf(row, FramerHarness.SHARDS, FramerHarness.KEYED_SUBTASKS))
              .toList());
      assertEquals(
          List.of((Object[]) ShardKeys.of(FramerHarness.SHARDS)),
          framer.frames().stream().map(row -> row.getField(0)).toList());
    }
  }

  @Test
  @DisplayName("A bundle closes by the records that are in it, flush by flush.")
  void bundleCloses() throws Exception {
    int recordsMax = 4 * Bundles.RECORDS_MAX;
    UsageFramer large =
        new UsageFramer(
            FramerHarness.SHARDS,
            FramerHarness.KEYED_SUBTASKS,
            recordsMax,
            FramerHarness.LINGER_MS,
            FramerHarness.SKEW_MS,
            true,
            new String[0]);
    try (FramerHarness framer = FramerHarness.open(large)) {
      for (int flush = 1; flush <= 2; flush++) {
        for (int i = 0; i < recordsMax; i++) {
          framer.send(logged(0, i, "customer-" + i % 1000, 1_000));
        }
        // Each subtask has four shards of some 256 records, so two or three of them fill a bundle.
        assertEquals(4 * flush, framer.bundles().size());
        assertEquals(recordsMax * flush, framer.entries().size());
      }
    }
  }

  @Test
  @DisplayName("An entry carries the record's coordinates, timestamp, key and value unchanged.")
  void entry() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      byte[] value = usage("acme", 7).build().toByteArray();
      framer.send(
          logged(3, 42, usage("acme", 7).build(), 9),
          Samples.deserialized(Samples.kafkaRecord(3, 43, 9, utf8("other"), value)),
          Samples.deserialized(Samples.kafkaRecord(3, 44, 9, null, value)));
      framer.checkpoint();
      Samples.Entry same = framer.entries().get(0);
      assertEquals(List.of(3, 42L, 9L), List.of(same.partition(), same.offset(), same.recordTimestampMs()));
      assertEquals(FrameBuffers.KEY_IS_CUSTOMER_ID, same.flags());
      assertArrayEquals(new byte[0], same.key());
      assertArrayEquals(value, same.value());
      assertArrayEquals(utf8("other"), framer.entries().get(1).key());
      assertEquals(0, framer.entries().get(1).flags());
      assertNull(framer.entries().get(2).key());
    }
  }

  @Test
  @DisplayName("Everything that waits leaves before the checkpoint barrier, its watermark after it.")
  void beforeBarrier() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      framer.send(logged(0, 0, "a", 1_000));
      framer.allPartitionsDelivered();
      assertTrue(framer.raw().getOutput().isEmpty());
      framer.raw().prepareSnapshotPreBarrier(1);
      List<Object> output = List.copyOf(framer.raw().getOutput());
      assertTrue(output.get(0) instanceof StreamRecord);
      assertEquals(new Watermark(1_000), output.get(1));
    }
  }

  @Test
  @DisplayName("A frame leaves at once when the most records wait, and not one record earlier.")
  void recordsMax() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      for (int i = 1; i < FramerHarness.RECORDS_MAX; i++) {
        framer.send(logged(0, i, "a", 1_000));
      }
      assertEquals(0, framer.entries().size());
      framer.send(logged(0, FramerHarness.RECORDS_MAX, "a", 1_000));
      assertEquals(FramerHarness.RECORDS_MAX, framer.entries().size());
    }
  }

  @Test
  @DisplayName("A record waits for the linger and no longer, time after time.")
  void linger() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      for (int round = 1; round <= 3; round++) {
        framer.send(logged(0, round, "a", 1_000));
        framer.passTime(FramerHarness.LINGER_MS - 1);
        assertEquals(round - 1, framer.entries().size());
        framer.passTime(1);
        assertEquals(round, framer.entries().size());
      }
    }
  }

  @Test
  @DisplayName("The end of the log flushes; the end of the price books does not.")
  void endOfInput() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      framer.send(logged(0, 0, "a", 1_000));
      framer.raw().endInput2();
      assertEquals(0, framer.entries().size());
      framer.raw().endInput1();
      assertEquals(1, framer.entries().size());
    }
  }

  @Test
  @DisplayName("The end of time on a bounded log is passed on, after what still waits.")
  void endOfTime() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      framer.send(logged(0, 0, "a", 1_000));
      framer.allPartitionsDelivered();
      framer.raw().processWatermark1(Watermark.MAX_WATERMARK);
      framer.raw().endInput1();
      assertEquals(List.of(1_000L, Long.MAX_VALUE), framer.watermarks());
      assertTrue(framer.raw().getOutput().peek() instanceof StreamRecord);
    }
  }

  @Test
  @DisplayName("There is no watermark while a partition of the subtask has delivered nothing.")
  void gate() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      framer.send(logged(0, 0, "a", 1_000));
      framer.checkpoint();
      assertEquals(List.of(), framer.watermarks());
      framer.allPartitionsDelivered();
      framer.passTime(FramerHarness.LINGER_MS);
      assertEquals(List.of(1_000L), framer.watermarks());
    }
  }

  @Test
  @DisplayName("The watermark is the least clock of the partitions, and never goes back or repeats.")
  void leastClock() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      framer.send(logged(0, 0, "a", 1_000), logged(1, 0, "b", 400));
      framer.allPartitionsDelivered();
      framer.checkpoint();
      framer.send(logged(0, 1, "a", 9_000));
      framer.checkpoint();
      framer.send(logged(1, 1, "b", 300));
      framer.checkpoint();
      framer.send(logged(1, 2, "b", 2_000));
      framer.checkpoint();
      assertEquals(List.of(400L, 2_000L), framer.watermarks());
    }
  }

  @Test
  @DisplayName("A partition whose records have no time holds the watermark back.")
  void partitionWithoutClock() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      framer.send(logged(0, 0, "a", 1_000), garbage(1, 0));
      framer.allPartitionsDelivered();
      framer.checkpoint();
      assertEquals(List.of(), framer.watermarks());
    }
  }

  @Test
  @DisplayName("Price book watermarks and idleness, of either input, are not forwarded.")
  void otherSignals() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      framer.send(logged(0, 0, "a", 1_000));
      framer.raw().processWatermark2(Watermark.MAX_WATERMARK);
      framer.raw().processWatermarkStatus1(WatermarkStatus.IDLE);
      framer.raw().processWatermarkStatus2(WatermarkStatus.IDLE);
      framer.checkpoint();
      assertEquals(1, framer.raw().getOutput().size());
    }
  }

  @Test
  @DisplayName("A header has the clock from before its own record: the largest earlier event time.")
  void clockBefore() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      framer.send(
          logged(0, 0, "a", 1_000),
          logged(0, 1, "a", 3_000),
          logged(0, 2, "a", 2_000),
          logged(0, 3, "a", 4_000),
          logged(1, 0, "a", 50));
      framer.checkpoint();
      assertEquals(List.of(0L, 1_000L, 3_000L, 3_000L, 0L), framer.clocks());
    }
  }

  @Test
  @DisplayName("A future record travels on but moves neither clock nor watermark; the limit is not future.")
  void futureRecord() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      long limitMs = 10_000 + FramerHarness.SKEW_MS;
      framer.send(
          logged(0, 0, usage("a", 500).build(), 10_000),
          logged(0, 1, usage("a", limitMs + 1).build(), 10_000),
          logged(0, 2, usage("a", limitMs).build(), 10_000),
          logged(0, 3, usage("a", 500).build(), 10_000));
      framer.allPartitionsDelivered();
      framer.checkpoint();
      assertEquals(List.of(0L, 500L, 500L, limitMs), framer.clocks());
      assertEquals(List.of(limitMs), framer.watermarks());
    }
  }

  @Test
  @DisplayName("An unreadable record travels on, flagged and with the clock, and moves nothing.")
  void unreadable() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      framer.send(logged(0, 0, "k", 1_000), garbage(0, 1), logged(0, 2, "k", 900));
      framer.checkpoint();
      assertEquals(List.of(0L, 1_000L, 1_000L), framer.clocks());
      assertEquals(FrameBuffers.NOT_READABLE, framer.entries().get(1).flags());
      assertArrayEquals(utf8("garbage"), framer.entries().get(1).value());
      assertArrayEquals(utf8("k"), framer.entries().get(1).key());
    }
  }

  @Test
  @DisplayName("Heartbeats alone move the watermark, after the linger and before a barrier, unframed.")
  void heartbeats() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      framer.send(heartbeat(0, 5_000, 5_000));
      framer.allPartitionsDelivered();
      framer.passTime(FramerHarness.LINGER_MS);
      assertEquals(List.of(5_000L), framer.watermarks());
      framer.send(heartbeat(0, 6_000, 6_000));
      framer.checkpoint();
      assertEquals(List.of(5_000L, 6_000L), framer.watermarks());
      assertEquals(List.of(), framer.bundles());
    }
  }

  @Test
  @DisplayName("A heartbeat from the future, or without a time, is framed for Python to judge.")
  void badHeartbeats() throws Exception {
    try (FramerHarness framer = FramerHarness.open()) {
      framer.send(heartbeat(0, 99_000, 1_000), heartbeat(0, 0, 1_000), heartbeat(0, -5, 1_000));
      framer.allPartitionsDelivered();
      framer.checkpoint();
      assertEquals(List.of(0L, 0L, 0L), framer.clocks());
      assertEquals(List.of(), framer.watermarks());
    }
  }
}
