package tollgate.jvm;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.flink.table.api.TableException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Asks Kafka where topics end: behind the last stable record, as readers of committed ones see it. */
final class TopicEnds {
  private TopicEnds() {}

  /** Returns the ends by topic and partition, without topics that do not exist. */
  static Map<String, Map<Integer, Long>> look(Collection<String> topics, Properties client) {
    try (Admin admin = Admin.create(client)) {
      return look(admin, topics);
    } catch (ExecutionException e) {
      throw new TableException("Kafka does not say where topics end: " + e.getCause().getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TableException("interrupted while Kafka was asked where topics end", e);
    }
  }

  private static Map<String, Map<Integer, Long>> look(Admin admin, Collection<String> topics)
      throws ExecutionException, InterruptedException {
    Map<String, Map<Integer, Long>> ends = new HashMap<>();
    Map<TopicPartition, OffsetSpec> wanted = new HashMap<>();
    for (KafkaFuture<TopicDescription> described : admin.describeTopics(topics).topicNameValues().values()) {
      TopicDescription topic = ifKnown(described);
      if (topic != null) {
        ends.put(topic.name(), new HashMap<>());
        topic
            .partitions()
            .forEach(
                part -> wanted.put(new TopicPartition(topic.name(), part.partition()), OffsetSpec.latest()));
      }
    }
    ListOffsetsOptions committed = new ListOffsetsOptions(IsolationLevel.READ_COMMITTED);
    Map<TopicPartition, ListOffsetsResultInfo> found = admin.listOffsets(wanted, committed).all().get();
    found.forEach((part, end) -> ends.get(part.topic()).put(part.partition(), end.offset()));
    return ends;
  }

  private static TopicDescription ifKnown(KafkaFuture<TopicDescription> described)
      throws ExecutionException, InterruptedException {
    try {
      return described.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof UnknownTopicOrPartitionException) {
        return null;
      }
      throw e;
    }
  }
}
