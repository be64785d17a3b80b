package tollgate.jvm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.flink.table.functions.python.PythonEnv;
import org.apache.flink.table.functions.python.PythonFunctionKind;
import org.apache.flink.table.functions.python.PythonScalarFunction;

/**
 * What {@link SqlCatalog} holds, as the command line has written it into a file: {@code {"database":
 * ..., "statements": [...], "functions": {NAME: {"result": TYPE, "pickled": BASE64}}}}.
 *
 * <p>The file is replaced as a whole while the gateway runs, when the functions know newer prices.
 *
 * @param database the default database, which the functions are in
 * @param statements what makes the databases, tables and views
 * @param functions the functions by their names
 */
record SqlDefinitions(String database, List<String> statements, Map<String, Function> functions) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Map<Path, Dated> READ = new LinkedHashMap<>();

  /** A Python function: the SQL type of what it returns, and the function itself, pickled. */
  record Function(String result, byte[] pickled) {}

  private record Dated(FileTime modified, SqlDefinitions definitions) {}

  /** Returns what the file says now; it is parsed again only where it has been replaced. */
  static SqlDefinitions of(Path file) {
    synchronized (READ) {
      try {
        FileTime modified = Files.getLastModifiedTime(file);
        Dated known = READ.get(file);
        if (known == null || !known.modified.equals(modified)) {
          known = new Dated(modified, parse(JSON.readTree(file.toFile())));
          READ.put(file, known);
        }
        return known.definitions;
      } catch (IOException e) {
        throw new UncheckedIOException("the definitions of the catalog cannot be read", e);
      }
    }
  }

  private static SqlDefinitions parse(JsonNode whole) throws IOException {
    List<String> statements = new ArrayList<>();
    whole.required("statements").forEach(one -> statements.add(one.asText()));
    Map<String, Function> functions = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> one : whole.required("functions").properties()) {
      JsonNode function = one.getValue();
      functions.put(
          one.getKey(),
          new Function(
              function.required("result").asText(), function.required("pickled").binaryValue()));
    }
    return new SqlDefinitions(whole.required("database").asText(), statements, functions);
  }

  /** Returns a function as Flink runs it. */
  PythonScalarFunction function(String name) {
    Function known = functions.get(name.toLowerCase(Locale.ROOT));
    return new PythonScalarFunction(
        name,
        known.pickled,
        (String[]) null,
        known.result,
        PythonFunctionKind.GENERAL,
        true,
        false,
        new PythonEnv(PythonEnv.ExecType.PROCESS));
  }
}
