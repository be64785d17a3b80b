package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static tollgate.jvm.Samples.deserialized;
import static tollgate.jvm.Samples.kafkaRecord;
import static tollgate.jvm.Samples.usage;
import static tollgate.jvm.Samples.utf8;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.java.typeutils.GenericTypeInfo;
import org.apache.flink.api.java.typeutils.PojoTypeInfo;
import org.apache.flink.api.java.typeutils.runtime.PojoSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeserializersTest {
  private static final byte[] VALUE = usage("tenant/acmé", 77).build().toByteArray();

  @Test
  @DisplayName("A readable record yields its coordinates, times, customer's hash and a short key.")
  void readable() {
    UsageLogRecord record = deserialized(kafkaRecord(2, 30, 400, utf8("tenant/acmé"), VALUE));
    assertEquals(2, record.partition);
    assertEquals(30, record.offset);
    assertEquals(400, record.recordTimestampMs);
    assertEquals(77, record.eventTimeMs);
    assertTrue(record.readable);
    assertFalse(record.heartbeat);
    assertTrue(record.keyIsCustomerId);
    assertNull(record.key);
    assertEquals(ShardHash.of(utf8("tenant/acmé")), record.shardHash);
    assertArrayEquals(VALUE, record.value);
  }

  @Test
  @DisplayName("A key other than the customer id is kept; the shard stays the customer's.")
  void keyMismatch() {
    UsageLogRecord record = deserialized(kafkaRecord(0, 0, 0, utf8("other"), VALUE));
    assertFalse(record.keyIsCustomerId);
    assertArrayEquals(utf8("other"), record.key);
    assertEquals(ShardHash.of(utf8("tenant/acmé")), record.shardHash);
  }

  @Test
  @DisplayName("A missing key is not taken for an empty one.")
  void noKey() {
    assertFalse(deserialized(kafkaRecord(0, 0, 0, null, VALUE)).keyIsCustomerId);
    byte[] nameless = usage("", 1).build().toByteArray();
    assertFalse(deserialized(kafkaRecord(0, 0, 0, null, nameless)).keyIsCustomerId);
    assertTrue(deserialized(kafkaRecord(0, 0, 0, new byte[0], nameless)).keyIsCustomerId);
  }

  @Test
  @DisplayName("Garbage, a cut off message and wrong UTF-8 travel on unreadable, in the key's shard.")
  void notParseable() {
    byte[] badUtf8 = {(2 << 3) | 2, 1, (byte) 0xFF};
    for (byte[] value :
        new byte[][] {utf8("garbage"), Arrays.copyOf(VALUE, VALUE.length - 1), badUtf8}) {
      UsageLogRecord record = deserialized(kafkaRecord(0, 0, 9, utf8("k"), value));
      assertFalse(record.readable);
      assertEquals(0, record.eventTimeMs);
      assertEquals(ShardHash.of(utf8("k")), record.shardHash);
      assertArrayEquals(utf8("k"), record.key);
      assertArrayEquals(value, record.value);
    }
  }

  @Test
  @DisplayName("A message without a measure is unreadable, whatever else it says.")
  void noMeasure() {
    byte[] value = usage("acme", 5).clearMeasure().build().toByteArray();
    UsageLogRecord record = deserialized(kafkaRecord(0, 0, 0, utf8("acme"), value));
    assertFalse(record.readable);
    assertEquals(0, record.eventTimeMs);
    assertFalse(record.keyIsCustomerId);
  }

  @Test
  @DisplayName("Empty and absent values are unreadable and empty; without a key the hash is 0.")
  void empty() {
    for (byte[] value : new byte[][] {{}, null}) {
      UsageLogRecord record = deserialized(kafkaRecord(0, 0, 0, null, value));
      assertFalse(record.readable);
      assertEquals(0, record.value.length);
      assertEquals(0, record.shardHash);
    }
  }

  @Test
  @DisplayName("Flink serialises the record as a POJO, with no Kryo in any field, nulls included.")
  void noKryo() throws Exception {
    PojoTypeInfo<?> type = (PojoTypeInfo<?>) new UsageLogDeserializer(EventLog.USAGE).getProducedType();
    for (int field = 0; field < type.getArity(); field++) {
      assertFalse(type.getTypeAt(field) instanceof GenericTypeInfo);
    }
    SerializerConfigImpl config = new SerializerConfigImpl();
    config.setGenericTypes(false);
    @SuppressWarnings("unchecked")
    PojoSerializer<UsageLogRecord> serializer =
        (PojoSerializer<UsageLogRecord>) type.createSerializer(config);
    DataOutputSerializer out = new DataOutputSerializer(64);
    serializer.serialize(deserialized(kafkaRecord(2, 3, 4, utf8("tenant/acmé"), VALUE)), out);
    UsageLogRecord copy = serializer.deserialize(new DataInputDeserializer(out.getCopyOfBuffer()));
    assertNull(copy.key);
    assertArrayEquals(VALUE, copy.value);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  @DisplayName("A keyed record keeps key and value apart, and a tombstone from an empty value.")
  void keyedRecord(boolean tombstone) {
    byte[] value = tombstone ? null : new byte[0];
    Samples.Collected<byte[]> out = new Samples.Collected<>();
    new KeyedRecordDeserializer(9).deserialize(kafkaRecord(1, 2, 3, utf8("k"), value), out);
    ByteBuffer in = ByteBuffer.wrap(out.only());
    assertEquals(9, in.get());
    assertEquals(1, in.getInt());
    assertEquals(2, in.getLong());
    assertEquals(3, in.getLong());
    assertEquals(1, in.getInt());
    assertEquals('k', in.get());
    assertEquals(tombstone ? -1 : 0, in.getInt());
    assertFalse(in.hasRemaining());
  }
}
