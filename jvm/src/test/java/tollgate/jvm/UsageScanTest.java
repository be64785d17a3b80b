package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static tollgate.jvm.Samples.usage;
import static tollgate.jvm.Samples.utf8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tollgate.v1.UsageEvent;

class UsageScanTest {
  private static final Path READINGS = Path.of("..", "tests", "golden", "usage_bytes.txt");

  record Reading(String expected, byte[] value, String name) {
    static Reading ofLine(String line) {
      String[] parts = line.split("; ", -1);
      return new Reading(parts[0], HexFormat.of().parseHex(parts[1]), parts[2]);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Reading> readings() throws IOException {
    return Files.readAllLines(READINGS).stream()
        .filter(line -> !line.startsWith("#"))
        .map(Reading::ofLine);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("readings")
  @DisplayName("Bytes that parsers see in different ways are read as Python reads them.")
  void asPythonReads(Reading reading) {
    UsageLogRecord record =
        Samples.deserialized(Samples.kafkaRecord(0, 0, 0, null, reading.value()));
    String heartbeat = record.heartbeat ? " heartbeat" : "";
    assertEquals(reading.expected(), record.readable ? record.eventTimeMs + heartbeat : "-");
  }

  @Test
  @DisplayName("The customer is the last one that the bytes name; nobody where they name none.")
  void customer() throws IOException {
    ByteArrayOutputStream twice = new ByteArrayOutputStream();
    usage("first", 1).build().writeTo(twice);
    usage("tenant/acmé", 2).build().writeTo(twice);
    assertArrayEquals(utf8("tenant/acmé"), UsageScan.ofOrNull(twice.toByteArray()).customerId());
    byte[] nobody = UsageEvent.newBuilder().setQuantity(1).build().toByteArray();
    assertArrayEquals(new byte[0], UsageScan.ofOrNull(nobody).customerId());
  }
}
