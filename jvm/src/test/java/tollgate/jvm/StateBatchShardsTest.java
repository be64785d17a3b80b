package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static tollgate.jvm.Samples.utf8;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.KeyedStateBackend;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.SimpleTimerService;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.streaming.api.functions.python.KeyByKeySelector;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** {@link StateBatch} on the maps of many shards, in RocksDB. */
class StateBatchShardsTest {
  private static final int SHARDS = 8;
  private static final String[] KEYS = ShardKeys.of(SHARDS);
  private static final String ABSENT = "FFFFFFFF";

  @Test
  @DisplayName("What is written to many shards is read back from them, each value from its own.")
  void putAndGet() throws Exception {
    try (Subtask subtask = new Subtask(1, 0)) {
      subtask.putAll(
          section(0, 2) + key("k") + value("zero") + key("only") + value("")
              + section(5, 1) + key("k") + value("five"));
      assertArrayEquals(
          hex(value("five") + ABSENT + value("zero") + value("") + ABSENT),
          subtask.getAll(
              section(5, 2) + key("k") + key("only")
                  + section(0, 2) + key("k") + key("only")
                  + section(6, 1) + key("k")));
    }
  }

  @Test
  @DisplayName("It is what Flink itself has under the key of a row that PyFlink keys.")
  void asFlinkKeys() throws Exception {
    try (Subtask subtask = new Subtask(1, 0)) {
      for (int shard = 0; shard < SHARDS; shard++) {
        subtask.harness.processElement(new StreamRecord<>(Row.of(KEYS[shard], utf8("" + shard))));
      }
      for (int shard = 0; shard < SHARDS; shard++) {
        assertArrayEquals(
            hex(value("" + shard)), subtask.getAll(section(shard, 1) + key(Subtask.WRITTEN)));
      }
    }
  }

  @Test
  @DisplayName("Writes and removals happen in order, in every shard; a shard may come back.")
  void inOrder() throws Exception {
    try (Subtask subtask = new Subtask(1, 0)) {
      subtask.putAll(
          section(1, 3) + key("a") + value("1") + key("a") + value("2") + key("b") + value("1")
              + section(2, 2) + key("a") + value("1") + key("a") + ABSENT
              + section(1, 1) + key("b") + ABSENT);
      assertArrayEquals(
          hex(value("2") + ABSENT + ABSENT),
          subtask.getAll(section(1, 2) + key("a") + key("b") + section(2, 1) + key("a")));
    }
  }

  @Test
  @DisplayName("No section reads and writes nothing; one without keys does, and selects its shard.")
  void nothing() throws Exception {
    try (Subtask subtask = new Subtask(1, 0)) {
      subtask.select(3);
      subtask.putAll("");
      assertEquals(0, subtask.getAll("").length);
      assertEquals(Row.of(KEYS[3]), subtask.backend().getCurrentKey());
      subtask.putAll(section(4, 0) + section(5, 0));
      assertEquals(Row.of(KEYS[5]), subtask.backend().getCurrentKey());
      assertTrue(subtask.map().isEmpty());
      assertEquals(0, subtask.getAll(section(6, 0)).length);
      assertEquals(Row.of(KEYS[6]), subtask.backend().getCurrentKey());
    }
  }

  @Test
  @DisplayName("Afterwards the last section's shard is selected; select goes to any other.")
  void currentKey() throws Exception {
    try (Subtask subtask = new Subtask(1, 0)) {
      subtask.putAll(section(7, 1) + key("k") + value("seven") + section(2, 1) + key("k") + value("two"));
      assertArrayEquals(utf8("two"), subtask.map().get(utf8("k")));
      subtask.select(7);
      assertArrayEquals(utf8("seven"), subtask.map().get(utf8("k")));
      subtask.getAll(section(7, 1) + key("k") + section(0, 1) + key("k"));
      assertTrue(subtask.map().isEmpty());
    }
  }

  @Test
  @DisplayName("Flink refuses a shard of another subtask, in the middle of a batch as well.")
  void anotherSubtask() throws Exception {
    try (Subtask subtask = new Subtask(2, 1)) {
      subtask.select(SHARDS / 2);
      assertThrows(IllegalArgumentException.class, () -> subtask.select(SHARDS / 2 - 1));
      String foreign = section(SHARDS - 1, 0) + section(0, 1) + key("k");
      assertThrows(IllegalArgumentException.class, () -> subtask.getAll(foreign));
      assertThrows(IllegalArgumentException.class, () -> subtask.putAll(foreign + value("v")));
    }
  }

  @Test
  @DisplayName("Entries of many shards' agendas come from their own.")
  void agendas() throws Exception {
    try (Subtask subtask = new Subtask(1, 0)) {
      Agenda.addOf(
          subtask.backend(),
          subtask.map(),
          hex(
              section(4, 3) + key("ann") + deadline(9) + key("ann") + deadline(7) + key("bob") + deadline(8)
                  + section(1, 1) + key("ann") + deadline(5)));
      assertArrayEquals(hex(time(-1) + deadline(5)), taken(subtask, "ann", 5));
      subtask.select(4);
      assertArrayEquals(hex(time(9) + deadline(7)), taken(subtask, "ann", 8));
      assertArrayEquals(hex(time(-1) + deadline(8)), taken(subtask, "bob", 8));
      Agenda.addOf(subtask.backend(), subtask.map(), hex(section(2, 0)));
      assertEquals(Row.of(KEYS[2]), subtask.backend().getCurrentKey());
    }
  }

  @Test
  @DisplayName("Timers of many shards fire under their own keys, at their times.")
  void timers() throws Exception {
    try (Subtask subtask = new Subtask(1, 0)) {
      subtask.registerTimers(section(6, 2) + time(30) + time(10) + section(3, 1) + time(20));
      subtask.registerTimers("");
      assertEquals(Row.of(KEYS[3]), subtask.backend().getCurrentKey());
      subtask.harness.processWatermark(20);
      assertEquals(List.of(KEYS[6] + "@10", KEYS[3] + "@20"), subtask.fired());
      subtask.harness.processWatermark(30);
      assertEquals(List.of(KEYS[6] + "@10", KEYS[3] + "@20", KEYS[6] + "@30"), subtask.fired());
    }
  }

  private static byte[] taken(Subtask subtask, String owner, long bound) throws Exception {
    return Agenda.takeDue(subtask.map(), utf8(owner), bound);
  }

  private static String deadline(long ms) {
    return "0008" + time(ms);
  }

  private static String time(long ms) {
    return String.format("%016X", ms);
  }

  private static String section(int shard, int count) {
    return key(KEYS[shard]) + String.format("%08X", count);
  }

  private static String key(String text) {
    return String.format("%04X", utf8(text).length) + HexFormat.of().formatHex(utf8(text));
  }

  private static String value(String text) {
    return String.format("%08X", utf8(text).length) + HexFormat.of().formatHex(utf8(text));
  }

  private static byte[] hex(String text) {
    return HexFormat.of().parseHex(text);
  }

  /** One keyed subtask in Flink's operator harness, keyed as PyFlink keys it. */
  private static final class Subtask implements AutoCloseable {
    static final String WRITTEN = "written";

    final KeyedOneInputStreamOperatorTestHarness<Row, Row, Row> harness;
    private final Writer operator = new Writer();

    Subtask(int subtasks, int subtask) throws Exception {
      harness =
          new KeyedOneInputStreamOperatorTestHarness<>(
              operator,
              new KeyByKeySelector(),
              Types.ROW(Types.STRING),
              SHARDS,
              subtasks,
              subtask);
      harness.setStateBackend(new EmbeddedRocksDBStateBackend());
      harness.open();
    }

    KeyedStateBackend<Row> backend() {
      return operator.getKeyedStateBackend();
    }

    MapState<byte[], byte[]> map() {
      return operator.map;
    }

    void select(int shard) {
      StateBatch.select(backend(), KEYS[shard]);
    }

    byte[] getAll(String sections) throws Exception {
      return StateBatch.getAllOf(backend(), map(), hex(sections));
    }

    void putAll(String sections) throws Exception {
      StateBatch.putAllOf(backend(), map(), hex(sections));
    }

    void registerTimers(String sections) {
      StateBatch.registerTimersOf(backend(), operator.timers, hex(sections));
    }

    List<String> fired() {
      return operator.fired;
    }

    @Override
    public void close() throws Exception {
      harness.close();
    }
  }

  /** Writes a row's bytes to the map of the row's key. */
  private static final class Writer extends AbstractStreamOperator<Row>
      implements OneInputStreamOperator<Row, Row>, Triggerable<Row, VoidNamespace> {
    private static final long serialVersionUID = 1L;

    private transient MapState<byte[], byte[]> map;
    private transient TimerService timers;
    private transient List<String> fired;

    @Override
    public void open() throws Exception {
      super.open();
      fired = new ArrayList<>();
      timers =
          new SimpleTimerService(
              getInternalTimerService("timers", VoidNamespaceSerializer.INSTANCE, this));
      map =
          getKeyedStateStore()
              .getMapState(
                  new MapStateDescriptor<>(
                      "map",
                      PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO,
                      PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
    }

    @Override
    public void processElement(StreamRecord<Row> element) throws Exception {
      map.put(utf8(Subtask.WRITTEN), (byte[]) element.getValue().getField(1));
    }

    @Override
    public void onEventTime(InternalTimer<Row, VoidNamespace> timer) {
      fired.add(timer.getKey().getField(0) + "@" + timer.getTimestamp());
    }

    @Override
    public void onProcessingTime(InternalTimer<Row, VoidNamespace> timer) {
      throw new AssertionError("timers are of event time");
    }
  }
}
