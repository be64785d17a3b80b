package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@SuppressWarnings("deprecation")
class EveryRecordTest {
  @Test
  @DisplayName("A start is at the beginning, and what is gone is not passed over.")
  void fails() {
    EveryRecord offsets = new EveryRecord(new Properties());
    TopicPartition partition = new TopicPartition("usage.events", 3);
    assertEquals(
        Map.of(partition, KafkaPartitionSplit.EARLIEST_OFFSET),
        offsets.getPartitionOffsets(List.of(partition), null));
    assertEquals(OffsetResetStrategy.NONE, offsets.getAutoOffsetResetStrategy());
  }

  @Test
  @DisplayName("Who has decided about a loss says so, in Kafka's words.")
  void decided() {
    assertEquals(OffsetResetStrategy.EARLIEST, with("earliest").getAutoOffsetResetStrategy());
    assertThrows(IllegalArgumentException.class, () -> with("somewhere"));
  }

  private static EveryRecord with(String reset) {
    Properties properties = new Properties();
    properties.setProperty("auto.offset.reset", reset);
    return new EveryRecord(properties);
  }
}
