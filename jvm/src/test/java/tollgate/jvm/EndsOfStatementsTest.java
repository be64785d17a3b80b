package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.TableConfig;
import org.apache.flink.table.api.ValidationException;
import org.junit.jupiter.api.Test;

class EndsOfStatementsTest {
  private static final Map<String, String> RECORDS =
      Map.of(
          "topic", "billing.records",
          "end-together", "billing.records;billing.charges",
          "properties.bootstrap.servers", "somewhere:9092",
          "scan.startup.mode", "earliest-offset");

  private final List<Properties> clients = new ArrayList<>();
  private long end = 5;

  /** A log that grows by one record a partition whenever somebody looks. */
  private Map<String, Map<Integer, Long>> look(Collection<String> topics, Properties client) {
    clients.add(client);
    end++;
    Map<String, Map<Integer, Long>> found = new HashMap<>();
    topics.forEach(topic -> found.put(topic, Map.of(1, end, 0, 0L)));
    found.remove("billing.none");
    return found;
  }

  private final EndsOfStatements ends = new EndsOfStatements(this::look);

  private static Map<String, String> of(String topic) {
    Map<String, String> options = new HashMap<>(RECORDS);
    options.put("topic", topic);
    return options;
  }

  @Test
  void aStatementLooksOnceForAllItsTables() {
    TableConfig statement = TableConfig.getDefault();
    assertEquals("partition:0,offset:0;partition:1,offset:6", ends.of(statement, RECORDS));
    assertEquals("partition:0,offset:0;partition:1,offset:6", ends.of(statement, of("billing.charges")));
    assertEquals(1, clients.size());
  }

  @Test
  void aTableThatIsNotLookedAtWithTheOthersChangesNothingForThem() {
    TableConfig statement = TableConfig.getDefault();
    ends.of(statement, RECORDS);
    assertEquals("partition:0,offset:0;partition:1,offset:7", ends.of(statement, of("billing.alerts")));
    assertEquals("partition:0,offset:0;partition:1,offset:6", ends.of(statement, of("billing.charges")));
  }

  @Test
  void theNextStatementLooksAgain() {
    ends.of(TableConfig.getDefault(), RECORDS);
    assertEquals("partition:0,offset:0;partition:1,offset:7", ends.of(TableConfig.getDefault(), RECORDS));
  }

  @Test
  void configurationsThatAreMerelyEqualAreNoStatement() {
    ends.of(new Configuration(), RECORDS);
    assertEquals("partition:0,offset:0;partition:1,offset:7", ends.of(new Configuration(), RECORDS));
  }

  @Test
  void theClientIsWhatTheTableSays() {
    ends.of(TableConfig.getDefault(), RECORDS);
    assertEquals("somewhere:9092", clients.get(0).get("bootstrap.servers"));
    assertEquals(null, clients.get(0).get("scan.startup.mode"));
  }

  @Test
  void aTopicThatDoesNotExistIsNamed() {
    ValidationException caught =
        assertThrows(
            ValidationException.class, () -> ends.of(TableConfig.getDefault(), of("billing.none")));
    assertEquals("topic billing.none does not exist", caught.getMessage());
  }
}
