package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static tollgate.jvm.Samples.utf8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tollgate.v1.SubscriptionEvent;

class SubscriptionScanTest {
  private static final Path READINGS =
      Path.of("..", "tests", "golden", "subscription_bytes.txt");

  static Stream<UsageScanTest.Reading> readings() throws IOException {
    return Files.readAllLines(READINGS).stream()
        .filter(line -> !line.startsWith("#"))
        .map(UsageScanTest.Reading::ofLine);
  }

  private static UsageLogRecord read(byte[] key, byte[] value) {
    return read(key, value, Long.MAX_VALUE);
  }

  private static UsageLogRecord read(byte[] key, byte[] value, long timestampMs) {
    Samples.Collected<UsageLogRecord> out = new Samples.Collected<>();
    new UsageLogDeserializer(EventLog.SUBSCRIPTIONS)
        .deserialize(Samples.kafkaRecord(0, 0, timestampMs, key, value), out);
    return out.only();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("readings")
  @DisplayName("Bytes that parsers may see in different ways are read as Python reads them.")
  void asPythonReads(UsageScanTest.Reading reading) {
    UsageLogRecord record = read(null, reading.value());
    String heartbeat = record.heartbeat ? " heartbeat" : "";
    assertEquals(reading.expected(), record.readable ? record.eventTimeMs + heartbeat : "-");
  }

  @Test
  @DisplayName("A change planned ahead was made by its record's timestamp; a heartbeat plans nothing.")
  void plannedAhead() {
    SubscriptionEvent.Builder event = SubscriptionEvent.newBuilder().setEffectiveTimeMs(70);
    byte[] cancel = event.setType(SubscriptionEvent.Type.CANCEL).build().toByteArray();
    assertEquals(50, read(null, cancel, 50).eventTimeMs);
    byte[] beat = event.setType(SubscriptionEvent.Type.HEARTBEAT).build().toByteArray();
    assertEquals(70, read(null, beat, 50).eventTimeMs);
    byte[] said = event.setCreatedTimeMs(60).build().toByteArray();
    assertEquals(60, read(null, said, 50).eventTimeMs);
  }

  @Test
  @DisplayName("The customer decides the shard, and the key is left out where it is the customer.")
  void customer() {
    byte[] value =
        SubscriptionEvent.newBuilder()
            .setCustomerId("tenant/acmé")
            .setType(SubscriptionEvent.Type.START)
            .setEffectiveTimeMs(7)
            .build()
            .toByteArray();
    UsageLogRecord own = read(utf8("tenant/acmé"), value);
    assertTrue(own.keyIsCustomerId);
    assertNull(own.key);
    assertEquals(ShardHash.of(utf8("tenant/acmé")), own.shardHash);
    UsageLogRecord other = read(utf8("other"), value);
    assertFalse(other.keyIsCustomerId);
    assertArrayEquals(utf8("other"), other.key);
  }
}
