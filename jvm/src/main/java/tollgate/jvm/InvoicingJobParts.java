package tollgate.jvm;

import java.util.Map;
import java.util.Properties;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.types.Row;

/** The JVM parts of the invoicing job; see {@link UsageJobParts} for how they are used. */
public final class InvoicingJobParts {
  private InvoicingJobParts() {}

  /** Reads the committed records of all topics, and their markers of progress, on one subtask. */
  public static SingleOutputStreamOperator<byte[]> readFacts(
      StreamExecutionEnvironment env,
      String bootstrapServers,
      String recordsTopic,
      String chargesTopic,
      String notesTopic,
      String groupId,
      Map<String, String> extra,
      String name) {
    FactDeserializer deserializer =
        new FactDeserializer(
            Map.of(
                recordsTopic, FactFramer.RECORDS,
                chargesTopic, FactFramer.CHARGES,
                notesTopic, FactFramer.NOTES));
    Properties client = UsageJobParts.consumerProperties(extra);
    KafkaSource<byte[]> source =
        KafkaSource.<byte[]>builder()
            .setProperties(client)
            .setBootstrapServers(bootstrapServers)
            .setTopics(recordsTopic, chargesTopic, notesTopic)
            .setGroupId(groupId)
            .setStartingOffsets(new EveryRecord(client))
            .setDeserializer(deserializer)
            .build();
    return env.fromSource(new PromptSource<>(source), new NeverBehind(), name).setParallelism(1);
  }

  /** Packs facts into frames by shard, on the subtask that reads them. */
  public static SingleOutputStreamOperator<Row> frame(
      DataStream<byte[]> facts, FactFramer framer, String name) {
    return facts.transform(name, UsageFramer.OUTPUT_TYPE, framer).setParallelism(1);
  }
}
