package tollgate.jvm;

import java.util.Map;
import java.util.Properties;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.types.Row;
import org.apache.kafka.clients.consumer.ConsumerConfig;

/** The JVM parts of the balances job; see {@link UsageJobParts} for how they are used. */
public final class BalanceJobParts {
  /**
   * How many settled records a reader passes on in each slice of its {@link Pace}: 5,000 a second, unless
   * that is too little. They come in one burst per checkpoint of the rating job, and live ones, for which
   * somebody waits, would wait behind them.
   */
  private static final int SETTLED_PER_SLICE = 250;

  private BalanceJobParts() {}

  /**
   * Reads the values of a topic: billing.records, billing.sessions, or pricing.surge.
   *
   * @param committed whether records of open and of aborted transactions are left out
   */
  public static SingleOutputStreamOperator<byte[]> readRecords(
      StreamExecutionEnvironment env,
      String bootstrapServers,
      String topic,
      String groupId,
      boolean committed,
      Map<String, String> extra,
      String name) {
    Properties properties = UsageJobParts.consumerProperties(extra);
    properties.setProperty(
        ConsumerConfig.ISOLATION_LEVEL_CONFIG, committed ? "read_committed" : "read_uncommitted");
    KafkaSource<byte[]> source =
        KafkaSource.<byte[]>builder()
            .setProperties(properties)
            .setBootstrapServers(bootstrapServers)
            .setTopics(topic)
            .setGroupId(groupId)
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setDeserializer(new ValueDeserializer())
            .build();
    PromptSource<byte[]> prompt = new PromptSource<>(source, committed ? SETTLED_PER_SLICE : 0);
    return env.fromSource(prompt, new NeverBehind(), name);
  }

  /** Keeps the latest record of each customer, cycle and meter, on the subtask that reads them. */
  public static SingleOutputStreamOperator<Row> latest(
      DataStream<byte[]> records, LatestRecords operator, String name) {
    return records
        .transform(name, UsageFramer.OUTPUT_TYPE, operator)
        .setParallelism(records.getParallelism());
  }

  /**
   * Writes entries to the topics that their tags name, at least once.
   *
   * <p>That is enough for a compacted topic of absolute values: what is repeated after a restart
   * ends with the same latest value.
   */
  public static KafkaSink<byte[]> atLeastOnceSink(
      String bootstrapServers, Map<String, String> extra, String[] topics) {
    Properties properties = new Properties();
    properties.putAll(extra);
    return KafkaSink.<byte[]>builder()
        .setKafkaProducerConfig(properties)
        .setBootstrapServers(bootstrapServers)
        .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
        .setRecordSerializer(new TaggedRecordSerializer(topics))
        .build();
  }
}
