package tollgate.jvm;

import java.nio.file.Path;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.table.catalog.Catalog;
import org.apache.flink.table.factories.CatalogFactory;
import org.apache.flink.table.factories.FactoryUtil;

/** Makes {@link SqlCatalog}: {@code CREATE CATALOG ... WITH ('type' = 'tollgate', 'definitions' = ...)}. */
public final class SqlCatalogFactory implements CatalogFactory {
  static final String IDENTIFIER = "tollgate";
  static final ConfigOption<String> DEFINITIONS =
      ConfigOptions.key("definitions")
          .stringType()
          .noDefaultValue()
          .withDescription("the file of what is in the catalog");

  @Override
  public String factoryIdentifier() {
    return IDENTIFIER;
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(DEFINITIONS);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return Set.of();
  }

  @Override
  public Catalog createCatalog(Context context) {
    FactoryUtil.CatalogFactoryHelper helper = FactoryUtil.createCatalogFactoryHelper(this, context);
    helper.validate();
    return new SqlCatalog(context.getName(), Path.of(helper.getOptions().get(DEFINITIONS)));
  }
}
