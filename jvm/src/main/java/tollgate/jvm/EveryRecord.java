package tollgate.jvm;

import java.util.Collection;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.TopicPartition;

/**
 * Starts at the earliest record, and never passes over one that is gone.
 *
 * <p>Where the next offset is no longer there (retention, deleted records, a topic made anew, a broker that
 * lost its end), Kafka's client would go on at the earliest record there is: usage would be given away, or
 * billed again, by a job that runs. With this it fails instead. Whoever has decided what to do about the loss
 * sets {@code auto.offset.reset} (the jobs' {@code --skip-lost}).
 */
@SuppressWarnings("deprecation") // the connector's interface has Kafka's old type
final class EveryRecord implements OffsetsInitializer {
  private static final long serialVersionUID = 1L;

  private final OffsetResetStrategy whereGone;

  /**
   * @param properties those of the client
   */
  EveryRecord(Properties properties) {
    String chosen = properties.getProperty(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
    whereGone = OffsetResetStrategy.valueOf(chosen.toUpperCase(Locale.ROOT));
  }

  @Override
  public Map<TopicPartition, Long> getPartitionOffsets(
      Collection<TopicPartition> partitions, PartitionOffsetsRetriever retriever) {
    Map<TopicPartition, Long> offsets = new HashMap<>();
    for (TopicPartition partition : partitions) {
      offsets.put(partition, KafkaPartitionSplit.EARLIEST_OFFSET);
    }
    return offsets;
  }

  @Override
  public OffsetResetStrategy getAutoOffsetResetStrategy() {
    return whereGone;
  }
}
