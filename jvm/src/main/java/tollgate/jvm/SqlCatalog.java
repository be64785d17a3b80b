package tollgate.jvm;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.catalog.CatalogBaseTable;
import org.apache.flink.table.catalog.CatalogFunctionImpl;
import org.apache.flink.table.catalog.FunctionLanguage;
import org.apache.flink.table.catalog.GenericInMemoryCatalog;
import org.apache.flink.table.catalog.ObjectPath;
import org.apache.flink.table.catalog.ResolvedCatalogBaseTable;
import org.apache.flink.table.catalog.exceptions.CatalogException;
import org.apache.flink.table.catalog.exceptions.DatabaseAlreadyExistException;
import org.apache.flink.table.catalog.exceptions.DatabaseNotExistException;
import org.apache.flink.table.catalog.exceptions.FunctionAlreadyExistException;
import org.apache.flink.table.catalog.exceptions.TableAlreadyExistException;
import org.apache.flink.table.catalog.exceptions.TableNotExistException;
import org.apache.flink.table.factories.FunctionDefinitionFactory;
import org.apache.flink.table.functions.UserDefinedFunctionHelper;

/**
 * A session's own catalog in Flink's SQL gateway, with all tables, views and functions in it when the
 * session opens. What a session adds or drops is its own affair.
 *
 * <p>The statements of {@link SqlDefinitions} run once a process, in a Flink that is used for nothing
 * else; each session takes over what they have made.
 */
public final class SqlCatalog extends GenericInMemoryCatalog {
  private static final String OURS = SqlDefinitions.Function.class.getName();

  private static List<String> madeOf = List.of();
  private static SqlCatalog made;

  private final Path file;
  private final boolean filled;

  /** A catalog of what a file defines. */
  SqlCatalog(String name, Path file) {
    this(name, file, true);
  }

  private SqlCatalog(String name, Path file, boolean filled) {
    super(name, SqlDefinitions.of(file).database());
    this.file = file;
    this.filled = filled;
  }

  @Override
  public void open() {
    super.open();
    try {
      SqlDefinitions definitions = SqlDefinitions.of(file);
      for (String name : definitions.functions().keySet()) {
        ObjectPath path = new ObjectPath(definitions.database(), name);
        createFunction(path, new CatalogFunctionImpl(OURS, FunctionLanguage.JAVA), true);
      }
      if (filled) {
        takeOver(made(getName(), file, definitions.statements()));
      }
    } catch (DatabaseNotExistException
        | DatabaseAlreadyExistException
        | FunctionAlreadyExistException
        | TableAlreadyExistException
        | TableNotExistException e) {
      throw new CatalogException("the catalog cannot be filled", e);
    }
  }

  private static synchronized SqlCatalog made(String name, Path file, List<String> statements) {
    if (made == null || !madeOf.equals(statements)) {
      SqlCatalog fresh = new SqlCatalog(name, file, false);
      run(fresh, statements);
      made = fresh;
      madeOf = statements;
    }
    return made;
  }

  @SuppressWarnings("deprecation") // what stands in its place takes no catalog that is there already
  private static void run(SqlCatalog catalog, List<String> statements) {
    TableEnvironment flink =
        TableEnvironment.create(
            EnvironmentSettings.newInstance()
                .inBatchMode()
                .withClassLoader(SqlCatalog.class.getClassLoader())
                .build());
    flink.registerCatalog(catalog.getName(), catalog);
    flink.useCatalog(catalog.getName());
    statements.forEach(flink::executeSql);
  }

  private void takeOver(SqlCatalog other)
      throws DatabaseNotExistException,
          DatabaseAlreadyExistException,
          TableAlreadyExistException,
          TableNotExistException {
    for (String database : other.listDatabases()) {
      createDatabase(database, other.getDatabase(database), true);
      for (String name : other.listTables(database)) {
        ObjectPath path = new ObjectPath(database, name);
        createTable(path, asWritten(other.getTable(path)), true);
      }
    }
  }

  /** Returns a table without what the Flink that made it has worked out: the session's does so anew. */
  private static CatalogBaseTable asWritten(CatalogBaseTable table) {
    return table instanceof ResolvedCatalogBaseTable<?> resolved ? resolved.getOrigin() : table;
  }

  /** What the functions of the core are when a statement asks for them; those of a session stay as they are. */
  @Override
  public Optional<FunctionDefinitionFactory> getFunctionDefinitionFactory() {
    return Optional.of(
        (name, function, context) ->
            function.getClassName().equals(OURS)
                ? SqlDefinitions.of(file).function(name)
                : UserDefinedFunctionHelper.instantiateFunction(
                    context.getClassLoader(), new Configuration(), name, function));
  }
}
