package tollgate.jvm;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Collection;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import org.apache.flink.types.Row;

/**
 * Reads the answer to a SQL query for Python, many rows a call: {@code [["+I", value, ...], ...]}.
 *
 * <p>PyFlink's own way fails on timestamps with a time zone and on NULL inside a row. Values are as
 * everywhere in Tollgate: decimals are text without trailing zeros, instants ISO 8601 in UTC, bytes
 * base64, rows objects by the names of their fields.
 */
public final class RowsAsJson {
  private static final JsonFactory JSON = new JsonFactory();

  private RowsAsJson() {}

  /**
   * Returns the next rows; fewer than {@code most} only at the end, where the array is empty.
   *
   * @param rows of {@code TableResult.collect()}
   * @param most how many to wait for
   */
  public static String read(Iterator<Row> rows, int most) throws IOException {
    StringWriter text = new StringWriter();
    try (JsonGenerator out = JSON.createGenerator(text)) {
      out.writeStartArray();
      for (int count = 0; count < most && rows.hasNext(); count++) {
        Row row = rows.next();
        out.writeStartArray();
        out.writeString(row.getKind().shortString());
        for (int index = 0; index < row.getArity(); index++) {
          write(out, row.getField(index));
        }
        out.writeEndArray();
      }
      out.writeEndArray();
    }
    return text.toString();
  }

  private static void write(JsonGenerator out, Object value) throws IOException {
    if (value == null) {
      out.writeNull();
    } else if (value instanceof Row row) {
      writeRow(out, row);
    } else if (value instanceof Map<?, ?> map) {
      writeMap(out, map);
    } else if (value instanceof byte[] bytes) {
      out.writeBinary(bytes);
    } else if (value instanceof Collection<?> collection) {
      writeArray(out, collection.toArray());
    } else if (value.getClass().isArray()) {
      writeArray(out, value);
    } else {
      writeAtom(out, value);
    }
  }

  private static void writeRow(JsonGenerator out, Row row) throws IOException {
    Set<String> names = row.getFieldNames(true);
    if (names == null) {
      Object[] values = new Object[row.getArity()];
      for (int index = 0; index < values.length; index++) {
        values[index] = row.getField(index);
      }
      writeArray(out, values);
      return;
    }
    out.writeStartObject();
    for (String name : names) {
      out.writeFieldName(name);
      write(out, row.getField(name));
    }
    out.writeEndObject();
  }

  private static void writeMap(JsonGenerator out, Map<?, ?> map) throws IOException {
    out.writeStartObject();
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      out.writeFieldName(String.valueOf(entry.getKey()));
      write(out, entry.getValue());
    }
    out.writeEndObject();
  }

  private static void writeArray(JsonGenerator out, Object array) throws IOException {
    out.writeStartArray();
    for (int index = 0; index < Array.getLength(array); index++) {
      write(out, Array.get(array, index));
    }
    out.writeEndArray();
  }

  private static void writeAtom(JsonGenerator out, Object value) throws IOException {
    if (value instanceof Boolean truth) {
      out.writeBoolean(truth);
    } else if (value instanceof BigDecimal decimal) {
      out.writeString(decimal.stripTrailingZeros().toPlainString());
    } else if (value instanceof Double || value instanceof Float) {
      double number = ((Number) value).doubleValue();
      out.writeNumber(number);
    } else if (value instanceof Number number) {
      out.writeNumber(number.longValue());
    } else if (value instanceof Instant instant) {
      out.writeString(instant.toString());
    } else if (value instanceof LocalDateTime time) {
      out.writeString(DateTimeFormatter.ISO_LOCAL_DATE_TIME.format(time).replace('T', ' '));
    } else {
      out.writeString(value.toString());
    }
  }
}
