package tollgate.jvm;

import java.util.Map;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Emits every record of several topics whole, as a {@link KeyedRecord}, with its topic's tag; those
 * of markers of progress have {@link #MARKER} added.
 */
public final class FactDeserializer implements KafkaRecordDeserializationSchema<byte[]> {
  /** Is added to the tag of markers of progress. */
  static final int MARKER = 0x80;

  private static final long serialVersionUID = 1L;

  private final Map<String, Integer> tags;

  /**
   * @param tags what readers tell topics by, 0 to 127
   */
  public FactDeserializer(Map<String, Integer> tags) {
    this.tags = Map.copyOf(tags);
  }

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> in, Collector<byte[]> out) {
    int topic = tags.get(in.topic());
    boolean marker = in.headers().lastHeader(TaggedRecordSerializer.PROGRESS_HEADER) != null;
    int tag = marker && topic != FactFramer.NOTES ? topic | MARKER : topic;
    out.collect(
        KeyedRecord.encode(
            tag, in.partition(), in.offset(), in.timestamp(), in.key(), in.value()));
  }

  @Override
  public TypeInformation<byte[]> getProducedType() {
    return PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;
  }
}
