import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Scanner;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import tollgate.jvm.EventLog;
import tollgate.jvm.UsageLogDeserializer;
import tollgate.jvm.UsageLogRecord;

/**
 * Reads events of a log (the first argument) from standard input, one in hex a line, the way a job's source does
 * from records with a timestamp (the second).
 *
 * <p>Prints for each {@code -} where it is unreadable; else its event time, whether it is a
 * heartbeat, and whether the record's key, which is the line before its first space, is the
 * customer id.
 */
final class PrintReadings implements Collector<UsageLogRecord> {
  private static final HexFormat HEX = HexFormat.of();
  private final StringBuilder out = new StringBuilder();

  public static void main(String[] arguments) {
    UsageLogDeserializer deserializer = new UsageLogDeserializer(EventLog.valueOf(arguments[0]));
    long timestampMs = Long.parseLong(arguments[1]);
    PrintReadings readings = new PrintReadings();
    try (Scanner lines = new Scanner(System.in, StandardCharsets.US_ASCII)) {
      while (lines.hasNextLine()) {
        String[] parts = lines.nextLine().split(" ", -1);
        byte[] key = HEX.parseHex(parts[0]);
        byte[] value = HEX.parseHex(parts[1]);
        deserializer.deserialize(
            new ConsumerRecord<>(
                "usage", 0, 0, timestampMs, TimestampType.CREATE_TIME, key.length, value.length, key,
                value, new RecordHeaders(), Optional.empty()),
            readings);
      }
    }
    System.out.print(readings.out);
  }

  @Override
  public void collect(UsageLogRecord record) {
    if (record.readable) {
      out.append(record.eventTimeMs).append(' ').append(record.heartbeat);
      out.append(' ').append(record.keyIsCustomerId).append('\n');
    } else {
      out.append("-\n");
    }
  }

  @Override
  public void close() {}
}
