package tollgate.jvm;

import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** Emits every record whole, as a {@link KeyedRecord}: for price books, contracts and the like. */
public final class KeyedRecordDeserializer implements KafkaRecordDeserializationSchema<byte[]> {
  private static final long serialVersionUID = 1L;

  private final int tag;

  /**
   * @param tag what readers of several topics tell this one by, 0 to 255
   */
  public KeyedRecordDeserializer(int tag) {
    this.tag = tag;
  }

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> in, Collector<byte[]> out) {
    out.collect(
        KeyedRecord.encode(
            tag, in.partition(), in.offset(), in.timestamp(), in.key(), in.value()));
  }

  @Override
  public TypeInformation<byte[]> getProducedType() {
    return PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;
  }
}
