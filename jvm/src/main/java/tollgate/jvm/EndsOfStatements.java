package tollgate.jvm;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.TableConfig;
import org.apache.flink.table.api.ValidationException;

/**
 * Where the topics of each statement end: all its tables, and all readings of one table, end where
 * the first of them found it. Else a join could have a record's line and not the record.
 *
 * <p>Flink's gateway gives each statement a {@link TableConfig} of its own, which is how statements
 * are told apart here. With any other configuration, each table is looked at for itself.
 */
final class EndsOfStatements {
  private static final String PROPERTIES = "properties.";
  private static final int TIMEOUT_MS = 15_000;

  private final Look look;
  private final Map<TableConfig, Map<String, Map<Integer, Long>>> seen = new WeakHashMap<>();

  /** Asks Kafka where topics end: the offset behind what is committed, by topic and partition. */
  @FunctionalInterface
  interface Look {
    Map<String, Map<Integer, Long>> at(Collection<String> topics, Properties client);
  }

  EndsOfStatements(Look look) {
    this.look = look;
  }

  /** Returns where the topic of a table ends, as the Kafka connector takes it. */
  String of(ReadableConfig statement, Map<String, String> options) {
    String topic = options.get("topic");
    Map<Integer, Long> ends = ends(statement, options).get(topic);
    if (ends == null) {
      throw new ValidationException("topic " + topic + " does not exist");
    }
    return new TreeMap<>(ends)
        .entrySet().stream()
            .map(end -> "partition:" + end.getKey() + ",offset:" + end.getValue())
            .collect(Collectors.joining(";"));
  }

  private Map<String, Map<Integer, Long>> ends(ReadableConfig statement, Map<String, String> options) {
    if (!(statement instanceof TableConfig config)) {
      return lookAt(options);
    }
    Map<String, Map<Integer, Long>> ends;
    synchronized (seen) {
      ends = seen.computeIfAbsent(config, one -> new ConcurrentHashMap<>());
    }
    if (!ends.containsKey(options.get("topic"))) {
      lookAt(options).forEach(ends::putIfAbsent);
    }
    return ends;
  }

  private Map<String, Map<Integer, Long>> lookAt(Map<String, String> options) {
    Collection<String> topics = new LinkedHashSet<>();
    topics.add(options.get("topic"));
    Configuration.fromMap(options).getOptional(TopicTableFactory.TOGETHER).ifPresent(topics::addAll);
    Properties client = new Properties();
    client.put("default.api.timeout.ms", TIMEOUT_MS);
    client.put("request.timeout.ms", TIMEOUT_MS);
    options.forEach(
        (key, value) -> {
          if (key.startsWith(PROPERTIES)) {
            client.put(key.substring(PROPERTIES.length()), value);
          }
        });
    return look.at(topics, client);
  }
}
