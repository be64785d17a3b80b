package tollgate.jvm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.catalog.CatalogTable;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.catalog.ObjectIdentifier;
import org.apache.flink.table.catalog.ResolvedCatalogTable;
import org.apache.flink.table.catalog.ResolvedSchema;
import org.apache.flink.table.factories.CatalogStoreFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What needs no planner; the tables are made, and asked, in tests/integration/test_sql_gateway.py. */
class SqlCatalogTest {
  private Path file;

  @BeforeEach
  void definitions(@TempDir Path directory) throws IOException {
    file = directory.resolve("definitions.json");
    write("first", 1);
  }

  private void write(String function, long modifiedMs) throws IOException {
    String pickled = Base64.getEncoder().encodeToString(function.getBytes(UTF_8));
    Files.writeString(
        file,
        ("{'database': 'billing', 'statements': ['CREATE DATABASE topics'],"
                + " 'functions': {'quote': {'result': 'STRING', 'pickled': '" + pickled + "'}}}")
            .replace('\'', '"'));
    Files.setLastModifiedTime(file, FileTime.fromMillis(modifiedMs));
  }

  @Test
  void definitionsAreThoseOfTheFileAsItIsNow() throws IOException {
    assertEquals("billing", SqlDefinitions.of(file).database());
    assertEquals(List.of("CREATE DATABASE topics"), SqlDefinitions.of(file).statements());
    assertArrayEquals("first".getBytes(UTF_8), SqlDefinitions.of(file).function("Quote").getSerializedPythonFunction());
    write("second", 2);
    assertArrayEquals("second".getBytes(UTF_8), SqlDefinitions.of(file).function("quote").getSerializedPythonFunction());
  }

  @Test
  void aSessionBeginsWithTheCatalogInItsStore() throws Exception {
    SqlCatalogStoreFactory factory = new SqlCatalogStoreFactory();
    factory.open(
        new CatalogStoreFactory.Context() {
          @Override
          public Map<String, String> getOptions() {
            return Map.of("definitions", file.toString());
          }

          @Override
          public ReadableConfig getConfiguration() {
            return Configuration.fromMap(Map.of("table.builtin-catalog-name", "tollgate"));
          }

          @Override
          public ClassLoader getClassLoader() {
            return getClass().getClassLoader();
          }
        });
    Configuration stored =
        factory.createCatalogStore().getCatalog("tollgate").orElseThrow().getConfiguration();
    var made = FactoryUtil.createCatalog("tollgate", stored.toMap(), new Configuration(), getClass().getClassLoader());
    assertEquals(SqlCatalog.class, made.getClass());
    assertEquals("billing", made.getDefaultDatabase());
  }

  @Test
  void aTopicIsNoSink() {
    Schema schema = Schema.newBuilder().column("a", DataTypes.STRING()).build();
    CatalogTable table =
        CatalogTable.newBuilder()
            .schema(schema)
            .options(Map.of("connector", "tollgate-topic", "topic", "billing.records"))
            .build();
    ValidationException caught =
        assertThrows(
            ValidationException.class,
            () ->
                FactoryUtil.createDynamicTableSink(
                    null,
                    ObjectIdentifier.of("tollgate", "topics", "billing_records"),
                    new ResolvedCatalogTable(
                        table, ResolvedSchema.of(Column.physical("a", DataTypes.STRING()))),
                    Map.of(),
                    new Configuration(),
                    getClass().getClassLoader(),
                    false));
    assertTrue(caught.getCause().getMessage().contains("can only be used as a source"), caught.getCause().toString());
  }
}
