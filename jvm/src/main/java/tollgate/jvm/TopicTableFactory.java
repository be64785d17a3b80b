package tollgate.jvm;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.streaming.connectors.kafka.table.KafkaDynamicTableFactory;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;

/**
 * Topics as tables that are only read: Flink's Kafka connector without its sink. In batch mode a topic
 * ends behind what is committed at the moment of the query; in streaming mode it does not end.
 */
public final class TopicTableFactory implements DynamicTableSourceFactory {
  static final String IDENTIFIER = "tollgate-topic";
  static final String BOUNDED = "scan.bounded.mode";

  /** The topics whose ends are looked up in one go, so that the tables of a query end together. */
  static final ConfigOption<List<String>> TOGETHER =
      ConfigOptions.key("end-together").stringType().asList().noDefaultValue();

  private static final EndsOfStatements ENDS = new EndsOfStatements(TopicEnds::look);

  private final KafkaDynamicTableFactory kafka = new KafkaDynamicTableFactory();

  @Override
  public String factoryIdentifier() {
    return IDENTIFIER;
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return kafka.requiredOptions();
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    Set<ConfigOption<?>> all = new HashSet<>(kafka.optionalOptions());
    all.add(TOGETHER);
    return all;
  }

  @Override
  public Set<ConfigOption<?>> forwardOptions() {
    return kafka.forwardOptions();
  }

  @Override
  public DynamicTableSource createDynamicTableSource(Context context) {
    Map<String, String> options = new HashMap<>(context.getCatalogTable().getOptions());
    options.put(FactoryUtil.CONNECTOR.key(), KafkaDynamicTableFactory.IDENTIFIER);
    if (isBatch(context) && !options.containsKey(BOUNDED)) {
      options.put(BOUNDED, "specific-offsets");
      options.put("scan.bounded.specific-offsets", ENDS.of(context.getConfiguration(), options));
    }
    options.remove(TOGETHER.key());
    return kafka.createDynamicTableSource(
        new FactoryUtil.DefaultDynamicTableContext(
            context.getObjectIdentifier(),
            context.getCatalogTable().copy(options),
            context.getEnrichmentOptions(),
            context.getConfiguration(),
            context.getClassLoader(),
            context.isTemporary()));
  }

  private static boolean isBatch(Context context) {
    return context.getConfiguration().get(ExecutionOptions.RUNTIME_MODE) == RuntimeExecutionMode.BATCH;
  }
}
