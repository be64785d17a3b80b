package tollgate.jvm;

import java.util.Arrays;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Reads of a record of an event log what the framer needs: its time, its customer's shard, whether it can be
 * read at all.
 *
 * <p>It drops nothing. A record that cannot be read travels on with its coordinates, for Python to
 * dead-letter it.
 */
public final class UsageLogDeserializer implements KafkaRecordDeserializationSchema<UsageLogRecord> {
  private static final long serialVersionUID = 1L;
  private static final byte[] NO_BYTES = {};

  private final EventLog log;

  /** @param log whose events the records are */
  public UsageLogDeserializer(EventLog log) {
    this.log = log;
  }

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> in, Collector<UsageLogRecord> out) {
    UsageLogRecord record = new UsageLogRecord();
    record.partition = in.partition();
    record.offset = in.offset();
    record.recordTimestampMs = in.timestamp();
    record.value = in.value() == null ? NO_BYTES : in.value();
    EventScan event = log.scanOrNull(record.value);
    if (event == null) {
      describeUnreadable(record, in.key());
    } else {
      describeReadable(record, in.key(), event);
    }
    out.collect(record);
  }

  private static void describeReadable(UsageLogRecord record, byte[] key, EventScan event) {
    byte[] customerId = event.customerId();
    record.readable = true;
    record.heartbeat = event.isHeartbeat();
    record.eventTimeMs = event.eventTimeMs(record.recordTimestampMs);
    record.shardHash = ShardHash.of(customerId);
    record.keyIsCustomerId = Arrays.equals(key, customerId);
    record.key = record.keyIsCustomerId ? null : key;
  }

  private static void describeUnreadable(UsageLogRecord record, byte[] key) {
    record.shardHash = key == null ? 0 : ShardHash.of(key);
    record.key = key;
  }

  @Override
  public TypeInformation<UsageLogRecord> getProducedType() {
    return TypeInformation.of(UsageLogRecord.class);
  }
}
