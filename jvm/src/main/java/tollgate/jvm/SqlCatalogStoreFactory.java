package tollgate.jvm;

import java.util.Map;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.config.TableConfigOptions;
import org.apache.flink.table.catalog.CatalogDescriptor;
import org.apache.flink.table.catalog.CatalogStore;
import org.apache.flink.table.catalog.CommonCatalogOptions;
import org.apache.flink.table.catalog.GenericInMemoryCatalogStore;
import org.apache.flink.table.factories.CatalogStoreFactory;

/**
 * Lets each session of Flink's SQL gateway begin in a {@link SqlCatalog}: {@code
 * table.catalog-store.kind: tollgate}. Catalogs that a session adds are gone with it.
 */
public final class SqlCatalogStoreFactory implements CatalogStoreFactory {
  private String name;
  private Map<String, String> options;

  @Override
  public String factoryIdentifier() {
    return SqlCatalogFactory.IDENTIFIER;
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(SqlCatalogFactory.DEFINITIONS);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return Set.of();
  }

  @Override
  public void open(Context context) {
    name = context.getConfiguration().get(TableConfigOptions.TABLE_CATALOG_NAME);
    options =
        Map.of(
            CommonCatalogOptions.CATALOG_TYPE.key(),
            SqlCatalogFactory.IDENTIFIER,
            SqlCatalogFactory.DEFINITIONS.key(),
            context.getOptions().get(SqlCatalogFactory.DEFINITIONS.key()));
  }

  @Override
  public CatalogStore createCatalogStore() {
    GenericInMemoryCatalogStore store = new GenericInMemoryCatalogStore();
    store.open();
    store.storeCatalog(name, CatalogDescriptor.of(name, Configuration.fromMap(options)));
    return store;
  }

  @Override
  public void close() {
    // The store is in memory, and goes with the session.
  }
}
