package tollgate.jvm;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Properties;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceOptions;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.types.Row;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;

/**
 * The JVM parts of a job, ready for the Python side to wire.
 *
 * <p>Arguments are strings, numbers, maps and arrays, as Py4J passes them. Uids and names are the
 * caller's to set, next to each other in the job's {@code main}. What billing depends on (isolation,
 * offsets, guarantee) overrides the caller's client properties.
 */
public final class UsageJobParts {
  private UsageJobParts() {}

  /** The source of the usage log. Start it with {@link #readUsage}. */
  public static PromptSource<UsageLogRecord> usageSource(
      String bootstrapServers, String topic, String groupId, Map<String, String> properties) {
    return source(
        bootstrapServers, topic, groupId, properties, new UsageLogDeserializer(EventLog.USAGE));
  }

  /** The source of the log of subscription events. Start it with {@link #readUsage}. */
  public static PromptSource<UsageLogRecord> subscriptionSource(
      String bootstrapServers, String topic, String groupId, Map<String, String> properties) {
    return source(
        bootstrapServers,
        topic,
        groupId,
        properties,
        new UsageLogDeserializer(EventLog.SUBSCRIPTIONS));
  }

  /** The source of a topic of few records, each emitted whole as a {@link KeyedRecord}. */
  public static PromptSource<byte[]> keyedSource(
      String bootstrapServers,
      String topic,
      String groupId,
      int tag,
      Map<String, String> properties) {
    return source(bootstrapServers, topic, groupId, properties, new KeyedRecordDeserializer(tag));
  }

  /** Reads a log of events, its watermarks being mere signals for the framer. */
  public static SingleOutputStreamOperator<UsageLogRecord> readUsage(
      StreamExecutionEnvironment env, PromptSource<UsageLogRecord> source, String name) {
    return env.fromSource(source, new SourceProgress(), name);
  }

  /** Reads a topic that is to be broadcast and must not hold back event time. */
  public static SingleOutputStreamOperator<byte[]> readNeverBehind(
      StreamExecutionEnvironment env, PromptSource<byte[]> source, String name) {
    return env.fromSource(source, new NeverBehind(), name);
  }

  /**
   * Connects the framer, with as many subtasks as the source has, so that a partition's records
   * stay in one place and in order.
   *
   * <p>Every subtask must read at least one partition: one that reads none has no clock, and holds
   * back the watermark for ever.
   */
  public static SingleOutputStreamOperator<Row> connectFramer(
      DataStream<UsageLogRecord> records, DataStream<byte[]> terms, UsageFramer framer) {
    return records
        .connect(terms.broadcast())
        .transform("frame usage by shard", UsageFramer.OUTPUT_TYPE, framer)
        .setParallelism(records.getParallelism());
  }

  /** The bundles of what may be demand, beside those of everything. */
  public static DataStream<Row> demandOf(SingleOutputStreamOperator<Row> frames) {
    return frames.getSideOutput(DemandFrames.OUTPUT);
  }

  /** Gives everything one key, in the rows that {@link UsageFramer} emits, for what is decided in one place. */
  public static SingleOutputStreamOperator<Row> underOneKey(DataStream<byte[]> stream, String key) {
    return stream
        .map(element -> Row.of(key, element))
        .returns(UsageFramer.OUTPUT_TYPE)
        .setParallelism(stream.getParallelism());
  }

  /** Puts a byte in front of everything, by which the reader of a union tells where it is from. */
  public static SingleOutputStreamOperator<byte[]> marked(DataStream<byte[]> stream, String mark) {
    byte first = (byte) mark.charAt(0);
    return stream
        .map(element -> ByteBuffer.allocate(element.length + 1).put(first).put(element).array())
        .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
        .setParallelism(stream.getParallelism());
  }

  /** Splits outgoing frames into entries for {@link #exactlyOnceSink}. */
  public static SingleOutputStreamOperator<byte[]> split(DataStream<byte[]> frames) {
    return frames
        .flatMap(new FrameSplitter())
        .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);
  }

  /**
   * Adds markers of progress to entries, on the subtasks that split them.
   *
   * @param content one of {@link ProgressMarkers.Content}, by name
   */
  public static SingleOutputStreamOperator<byte[]> markProgress(
      DataStream<byte[]> entries, int tag, int partitions, String content) {
    return entries
        .transform(
            "mark progress",
            PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO,
            new ProgressMarkers(tag, partitions, content))
        .setParallelism(entries.getParallelism());
  }

  /**
   * Writes entries to the topics that their tags name, in transactions, and stops the job when one
   * is lost.
   *
   * @param transactionTimeoutMs far above the checkpoint interval plus the time of a restart, and
   *     not above the broker's {@code transaction.max.timeout.ms}
   * @param topics the topic of each tag
   */
  public static LoudKafkaSink<byte[]> exactlyOnceSink(
      String bootstrapServers,
      String transactionalIdPrefix,
      long transactionTimeoutMs,
      Map<String, String> properties,
      String[] topics) {
    KafkaSink<byte[]> sink =
        KafkaSink.<byte[]>builder()
            .setKafkaProducerConfig(propertiesOf(properties))
            .setProperty(
                ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, Long.toString(transactionTimeoutMs))
            .setBootstrapServers(bootstrapServers)
            .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
            .setTransactionalIdPrefix(transactionalIdPrefix)
            .setTransactionNamingStrategy(TransactionNamingStrategy.INCREMENTING)
            .setRecordSerializer(new TaggedRecordSerializer(topics))
            .build();
    Properties admin = propertiesOf(properties);
    admin.setProperty(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
    return new LoudKafkaSink<>(sink, admin);
  }

  /**
   * Without state a source starts at the earliest record, never at the group's committed offsets:
   * these are for monitoring, and to skip what they skip would be to give usage away.
   */
  private static <T> PromptSource<T> source(
      String bootstrapServers,
      String topic,
      String groupId,
      Map<String, String> properties,
      KafkaRecordDeserializationSchema<T> deserializer) {
    Properties client = consumerProperties(properties);
    KafkaSource<T> source =
        KafkaSource.<T>builder()
        .setProperties(client)
        .setBootstrapServers(bootstrapServers)
        .setTopics(topic)
        .setGroupId(groupId)
        .setStartingOffsets(new EveryRecord(client))
        .setDeserializer(deserializer)
        .build();
    return new PromptSource<>(source);
  }

  /** The caller's properties, under those that billing depends on. */
  static Properties consumerProperties(Map<String, String> extra) {
    Properties properties = propertiesOf(extra);
    properties.setProperty(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    // A partition that appears is a migration (contract section 2), not something to discover.
    properties.setProperty(KafkaSourceOptions.PARTITION_DISCOVERY_INTERVAL_MS.key(), "-1");
    properties.setProperty(KafkaSourceOptions.COMMIT_OFFSETS_ON_CHECKPOINT.key(), "true");
    return properties;
  }

  private static Properties propertiesOf(Map<String, String> map) {
    Properties properties = new Properties();
    properties.putAll(map);
    return properties;
  }
}
