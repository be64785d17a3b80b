package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Properties;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class UsageJobPartsTest {
  private static final Map<String, String> PROPERTIES = Map.of("client.id", "x");

  @Test
  @DisplayName("The parts fit: both sources, framer, splitter and sink make one serialisable job graph.")
  void partsFit() {
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(new Configuration());
    env.setParallelism(2);
    DataStream<UsageLogRecord> records =
        UsageJobParts.readUsage(
            env, UsageJobParts.usageSource("broker:1", "usage.events", "g", PROPERTIES), "usage");
    DataStream<byte[]> books =
        UsageJobParts.readNeverBehind(
            env, UsageJobParts.keyedSource("broker:1", "pricing.books", "g", 1, PROPERTIES), "books");
    SingleOutputStreamOperator<Row> frames =
        UsageJobParts.connectFramer(records, books, FramerHarness.framer());
    assertEquals(UsageFramer.OUTPUT_TYPE, UsageJobParts.demandOf(frames).getType());
    DataStream<byte[]> outgoing = frames.map(row -> (byte[]) row.getField(1)).returns(byte[].class);
    UsageJobParts.split(outgoing)
        .sinkTo(
            UsageJobParts.exactlyOnceSink(
                "broker:1", "prefix", 60_000, PROPERTIES, new String[] {"billing.records"}));
    assertEquals(UsageFramer.OUTPUT_TYPE, frames.getType());
    assertEquals(2, frames.getParallelism());
    assertTrue(env.getStreamGraph().getJobGraph().getNumberOfVertices() >= 3);
  }

  @Test
  @DisplayName("What billing depends on cannot be overridden by client properties.")
  void billingSettingsWin() {
    Properties properties =
        UsageJobParts.consumerProperties(
            Map.of("isolation.level", "read_uncommitted", "fetch.min.bytes", "7"));
    assertEquals("read_committed", properties.getProperty("isolation.level"));
    assertEquals("7", properties.getProperty("fetch.min.bytes"));
  }
}
