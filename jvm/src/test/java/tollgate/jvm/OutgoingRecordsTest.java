package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static tollgate.jvm.Samples.utf8;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class OutgoingRecordsTest {
  private static final TaggedRecordSerializer SERIALIZER =
      new TaggedRecordSerializer(new String[] {"records", "alerts"});

  @Test
  @DisplayName("A frame becomes Kafka records: topic by tag, key and value whole, replay as a header.")
  void roundTrip() {
    byte[] frame =
        concat(
            entry(0, 0, utf8("acme"), utf8("one")),
            entry(1, 1, utf8("acme"), new byte[0]),
            entry(0, 0, null, utf8("three")));
    List<ProducerRecord<byte[], byte[]>> records =
        split(frame).stream().map(e -> SERIALIZER.serialize(e, null, 5L)).toList();
    assertEquals(List.of("records", "alerts", "records"), records.stream().map(ProducerRecord::topic).toList());
    assertArrayEquals(utf8("acme"), records.get(0).key());
    assertArrayEquals(utf8("one"), records.get(0).value());
    assertEquals(0, records.get(0).headers().toArray().length);
    assertEquals(0, records.get(1).value().length);
    assertArrayEquals(utf8("true"), records.get(1).headers().lastHeader("replay").value());
    assertNull(records.get(2).key());
    assertNull(records.get(0).partition());
    assertNull(records.get(0).timestamp());
  }

  @Test
  @DisplayName("An empty frame is no record.")
  void emptyFrame() {
    assertEquals(List.of(), split(new byte[0]));
  }

  @Test
  @DisplayName("A frame that is cut off fails instead of losing its last record.")
  void truncatedFrame() {
    byte[] frame = entry(0, 0, utf8("acme"), utf8("one"));
    for (int length = 1; length < frame.length; length++) {
      byte[] cut = Arrays.copyOf(frame, length);
      assertThrows(IllegalArgumentException.class, () -> split(cut));
    }
  }

  @Test
  @DisplayName("A tag without a topic fails instead of choosing one.")
  void unknownTag() {
    byte[] entry = split(entry(2, 0, null, utf8("x"))).get(0);
    assertThrows(IllegalArgumentException.class, () -> SERIALIZER.serialize(entry, null, null));
  }

  private static List<byte[]> split(byte[] frame) {
    Samples.Collected<byte[]> out = new Samples.Collected<>();
    new FrameSplitter().flatMap(frame, out);
    return out.values;
  }

  private static byte[] entry(int tag, int flags, byte[] key, byte[] value) {
    int keyBytes = key == null ? 0 : key.length;
    ByteBuffer out = ByteBuffer.allocate(4 + 1 + 1 + 4 + keyBytes + value.length);
    out.putInt(out.capacity() - 4).put((byte) tag).put((byte) flags);
    out.putInt(key == null ? -1 : keyBytes).put(key == null ? new byte[0] : key).put(value);
    return out.array();
  }

  private static byte[] concat(byte[]... parts) {
    ByteBuffer out = ByteBuffer.allocate(Arrays.stream(parts).mapToInt(p -> p.length).sum());
    for (byte[] part : parts) {
      out.put(part);
    }
    return out.array();
  }
}
