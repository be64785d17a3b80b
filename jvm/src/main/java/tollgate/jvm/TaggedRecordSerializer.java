package tollgate.jvm;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Turns an entry of an outgoing frame into a Kafka record for the topic that its tag names.
 *
 * <p>An entry is: u8 topic tag, u8 flags, u32 key length, key, value. A key length of 0xFFFFFFFF
 * stands for no key (a dead letter keeps the key that it came with, even none). Kafka chooses the
 * partition by its own hash of the key and sets the timestamp.
 *
 * <p>A marker of progress has the number of its partition (i32) where others have their key; it gets
 * no key, and a header to be skipped by.
 */
public final class TaggedRecordSerializer implements KafkaRecordSerializationSchema<byte[]> {
  private static final long serialVersionUID = 1L;
  private static final int REPLAY = 1;
  private static final int PROGRESS = 2;
  private static final String REPLAY_HEADER = "replay";
  /** Tells markers of progress from records. */
  static final String PROGRESS_HEADER = "progress";

  private static final byte[] TRUE = "true".getBytes(StandardCharsets.US_ASCII);

  private final String[] topics;

  /** @param topics the topic of each tag: tag 0 is the first */
  public TaggedRecordSerializer(String[] topics) {
    this.topics = topics.clone();
  }

  @Override
  public ProducerRecord<byte[], byte[]> serialize(
      byte[] entry, KafkaSinkContext context, Long timestampMs) {
    ByteBuffer in = ByteBuffer.wrap(entry);
    String topic = topicOf(in.get() & 0xFF);
    int flags = in.get();
    byte[] key = KeyedRecord.getNullable(in);
    byte[] value = new byte[in.remaining()];
    in.get(value);
    if ((flags & PROGRESS) != 0) {
      return marker(topic, ByteBuffer.wrap(key).getInt(), value);
    }
    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, null, null, key, value);
    if ((flags & REPLAY) != 0) {
      record.headers().add(REPLAY_HEADER, TRUE);
    }
    return record;
  }

  /** The entry of a marker of progress for one partition. */
  static byte[] markerEntry(int tag, int partition, byte[] value) {
    return ByteBuffer.allocate(1 + 1 + 4 + Integer.BYTES + value.length)
        .put((byte) tag)
        .put((byte) PROGRESS)
        .putInt(Integer.BYTES)
        .putInt(partition)
        .put(value)
        .array();
  }

  private static ProducerRecord<byte[], byte[]> marker(String topic, int partition, byte[] value) {
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(topic, partition, null, null, value);
    record.headers().add(PROGRESS_HEADER, TRUE);
    return record;
  }

  private String topicOf(int tag) {
    if (tag >= topics.length) {
      throw new IllegalArgumentException("no topic for tag " + tag + " of " + topics.length);
    }
    return topics[tag];
  }
}
