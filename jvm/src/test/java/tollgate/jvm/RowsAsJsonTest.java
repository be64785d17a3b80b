package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDateTime;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.apache.flink.types.RowUtils;
import org.junit.jupiter.api.Test;

class RowsAsJsonTest {
  private static String read(Object... values) throws IOException {
    return RowsAsJson.read(List.of(Row.of(values)).iterator(), 10);
  }

  @Test
  void decimalsAreExactTextWithoutTrailingZeros() throws IOException {
    assertEquals(
        "[[\"+I\",\"100\",\"0\",\"99999999999999999999999999.000000000001\"]]",
        read(
            new BigDecimal("100.000000000000"),
            new BigDecimal("0.000000000000"),
            new BigDecimal("99999999999999999999999999.000000000001")));
  }

  @Test
  void timesNumbersAndBytes() throws IOException {
    assertEquals(
        "[[\"+I\",\"2026-11-01T00:00:00.250Z\",\"2026-11-20 10:01:00\",9007199254740993,1.5,true,\"/w==\"]]",
        read(
            Instant.ofEpochMilli(1_793_491_200_250L),
            LocalDateTime.of(2026, 11, 20, 10, 1),
            9_007_199_254_740_993L,
            1.5,
            true,
            new byte[] {-1}));
  }

  @Test
  void nullInsideRowsListsAndMaps() throws IOException {
    LinkedHashMap<String, Integer> positions = new LinkedHashMap<>(Map.of("id", 0));
    positions.put("free_units", 1);
    Row inner =
        RowUtils.createRowWithNamedPositions(RowKind.INSERT, new Object[] {null, 3L}, positions);
    assertEquals(
        "[[\"+I\",[{\"id\":null,\"free_units\":3}],{\"eu\":null},[1,2]]]",
        read(
            new Row[] {inner},
            java.util.Collections.singletonMap("eu", null),
            new int[] {1, 2}));
  }

  @Test
  void rowsComeInPortionsAndTheLastIsEmpty() throws IOException {
    Iterator<Row> rows =
        List.of(Row.of(1), Row.ofKind(RowKind.UPDATE_BEFORE, 1), Row.of(2)).iterator();
    assertEquals("[[\"+I\",1],[\"-U\",1]]", RowsAsJson.read(rows, 2));
    assertEquals("[[\"+I\",2]]", RowsAsJson.read(rows, 2));
    assertEquals("[]", RowsAsJson.read(rows, 2));
  }
}
