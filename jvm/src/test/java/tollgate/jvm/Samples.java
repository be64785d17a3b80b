package tollgate.jvm;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.types.Row;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import tollgate.v1.Heartbeat;
import tollgate.v1.UsageEvent;

/** Builds what the tests feed in, naming only what matters, and reads frames back. */
final class Samples {
  private Samples() {}

  static UsageEvent.Builder usage(String customerId, long eventTimeMs) {
    return UsageEvent.newBuilder()
        .setEventId("e")
        .setCustomerId(customerId)
        .setMeter("sms.outbound")
        .setQuantity(1)
        .setEventTimeMs(eventTimeMs);
  }

  /** A record of the log as the source emits it; its Kafka timestamp is the event time. */
  static UsageLogRecord logged(int partition, long offset, String customerId, long eventTimeMs) {
    return logged(partition, offset, usage(customerId, eventTimeMs).build(), eventTimeMs);
  }

  static UsageLogRecord logged(
      int partition, long offset, UsageEvent event, long recordTimestampMs) {
    return deserialized(
        kafkaRecord(
            partition,
            offset,
            recordTimestampMs,
            utf8(event.getCustomerId()),
            event.toByteArray()));
  }

  static UsageLogRecord heartbeat(int partition, long eventTimeMs, long recordTimestampMs) {
    UsageEvent event =
        usage("hb", eventTimeMs).setHeartbeat(Heartbeat.getDefaultInstance()).build();
    return logged(partition, 0, event, recordTimestampMs);
  }

  static UsageLogRecord garbage(int partition, long offset) {
    return deserialized(kafkaRecord(partition, offset, 5, utf8("k"), utf8("garbage")));
  }

  static ConsumerRecord<byte[], byte[]> kafkaRecord(
      int partition, long offset, long timestampMs, byte[] key, byte[] value) {
    return new ConsumerRecord<>(
        "topic",
        partition,
        offset,
        timestampMs,
        TimestampType.CREATE_TIME,
        key == null ? -1 : key.length,
        value == null ? -1 : value.length,
        key,
        value,
        new RecordHeaders(),
        Optional.empty());
  }

  static UsageLogRecord deserialized(ConsumerRecord<byte[], byte[]> record) {
    Collected<UsageLogRecord> out = new Collected<>();
    new UsageLogDeserializer(EventLog.USAGE).deserialize(record, out);
    return out.only();
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** A bundle's frames as rows (shard key, frame), read the way the Python side reads them. */
  static List<Row> framesOf(Row row) {
    ByteBuffer in = ByteBuffer.wrap((byte[]) row.getField(1));
    List<Row> frames = new ArrayList<>();
    while (in.hasRemaining()) {
      byte[] shardKey = new byte[in.getShort() & 0xFFFF];
      in.get(shardKey);
      byte[] frame = new byte[in.getInt()];
      in.get(frame);
      frames.add(Row.of(new String(shardKey, StandardCharsets.UTF_8), frame));
    }
    return frames;
  }

  /** The subtasks of a row of {@link Bundles} and of all shards in it: one, if all is well. */
  static List<Integer> subtasksOf(Row row, int shards, int keyedSubtasks) {
    return Stream.concat(Stream.of(row), framesOf(row).stream())
        .map(one -> Row.of(one.getField(0)))
        .map(key -> KeyGroupRangeAssignment.assignKeyToParallelOperator(key, shards, keyedSubtasks))
        .distinct()
        .toList();
  }

  /** A frame's entries, read the way the Python side reads them. */
  static List<Entry> entriesOf(Row row) {
    ByteBuffer in = ByteBuffer.wrap((byte[]) row.getField(1));
    List<Entry> entries = new ArrayList<>();
    while (in.hasRemaining()) {
      int end = in.getInt() + in.position();
      Entry entry =
          new Entry(
              in.getInt(), in.getLong(), in.getLong(), in.getLong(), in.get(), nullable(in), null);
      byte[] value = new byte[end - in.position()];
      in.get(value);
      entries.add(entry.withValue(value));
    }
    return entries;
  }

  private static byte[] nullable(ByteBuffer in) {
    int length = in.getInt();
    byte[] bytes = length == -1 ? null : new byte[length];
    if (bytes != null) {
      in.get(bytes);
    }
    return bytes;
  }

  record Entry(
      int partition,
      long offset,
      long recordTimestampMs,
      long clockMs,
      int flags,
      byte[] key,
      byte[] value) {
    Entry withValue(byte[] other) {
      return new Entry(partition, offset, recordTimestampMs, clockMs, flags, key, other);
    }
  }

  /** Keeps what a function emits. */
  static final class Collected<T> implements Collector<T> {
    final List<T> values = new ArrayList<>();

    @Override
    public void collect(T value) {
      values.add(value);
    }

    @Override
    public void close() {
      // Nothing is held open.
    }

    T only() {
      if (values.size() != 1) {
        throw new AssertionError("expected one value, got " + values.size());
      }
      return values.get(0);
    }
  }
}
