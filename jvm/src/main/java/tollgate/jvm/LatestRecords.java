package tollgate.jvm;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.types.Row;
import tollgate.v1.BillingRecord;
import tollgate.v1.PriceBookRef;

/**
 * Passes on the latest billing record of each customer, cycle and meter, in frames by shard and
 * these in {@link Bundles}; of messages of open sessions, which have the customer's id in the same
 * field, the latest of each customer.
 *
 * <p>Records carry absolute totals, so that the ones in between say nothing that the latest does not
 * say. The more records wait, the fewer of them need to pass: a reader that has fallen behind
 * catches up by itself.
 *
 * <p>An entry of a frame is: u32 length of the rest, u8 side, the record's bytes. Frames leave
 * after a linger, when enough records wait, before every checkpoint barrier and at the end of input.
 * The shards may take turns within the linger: what comes in one burst then leaves little by little.
 */
public final class LatestRecords extends AbstractStreamOperator<Row>
    implements OneInputStreamOperator<byte[], Row>, BoundedOneInput {
  private static final long serialVersionUID = 1L;
  private static final int INITIAL_BYTES = 1024;

  private final int side;
  private final int shards;
  private final int keyedSubtasks;
  private final int recordsMax;
  private final long lingerMs;
  private final int turnsPerLinger;

  private transient List<Map<Key, byte[]>> turns;
  private transient int next;
  private transient int waiting;
  private transient Bundles bundles;
  private transient boolean lingering;

  /** What a record's totals are of; the price book is part of it since it sets the currency. */
  private record Key(String customerId, String priceBook, String cycle, String meter) {}

  /**
   * @param side what the reader tells records from committed and from open transactions by
   * @param shards the number of shards, which is the keyed operator's maximum parallelism
   * @param keyedSubtasks how many subtasks the keyed operator behind it has
   * @param recordsMax how many records wait at most
   * @param lingerMs how long a record waits at most, in milliseconds of processing time
   * @param turnsPerLinger in how many parts the shards leave; with 1 all of them leave at once
   */
  public LatestRecords(
      int side,
      int shards,
      int keyedSubtasks,
      int recordsMax,
      long lingerMs,
      int turnsPerLinger) {
    this.side = side;
    this.shards = shards;
    this.keyedSubtasks = keyedSubtasks;
    this.recordsMax = recordsMax;
    this.lingerMs = lingerMs;
    this.turnsPerLinger = turnsPerLinger;
  }

  @Override
  public void open() throws Exception {
    super.open();
    turns = new ArrayList<>();
    for (int turn = 0; turn < turnsPerLinger; turn++) {
      turns.add(new LinkedHashMap<>());
    }
    bundles =
        new Bundles(
            ShardKeys.of(shards),
            keyedSubtasks,
            Bundles.RECORDS_MAX,
            (shard, bundle) -> output.collect(new StreamRecord<>(Row.of(shard, bundle))));
  }

  @Override
  public void processElement(StreamRecord<byte[]> element) throws Exception {
    byte[] value = element.getValue();
    Key key = keyOf(value);
    if (turns.get(shardOf(key) % turnsPerLinger).put(key, value) == null) {
      waiting++;
    }
    if (waiting >= recordsMax) {
      flushAll();
    } else {
      linger();
    }
  }

  /** Reads the four fields of the key and skips the others, which are most of a record. */
  private static Key keyOf(byte[] value) throws IOException {
    CodedInputStream in = CodedInputStream.newInstance(value);
    String customerId = "";
    String priceBook = "";
    String cycle = "";
    String meter = "";
    int tag;
    while ((tag = in.readTag()) != 0) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case BillingRecord.CUSTOMER_ID_FIELD_NUMBER -> customerId = in.readStringRequireUtf8();
        case BillingRecord.PRICE_BOOK_FIELD_NUMBER ->
            priceBook = PriceBookRef.parseFrom(in.readByteArray()).getId();
        case BillingRecord.CYCLE_FIELD_NUMBER -> cycle = in.readStringRequireUtf8();
        case BillingRecord.METER_FIELD_NUMBER -> meter = in.readStringRequireUtf8();
        default -> in.skipField(tag);
      }
    }
    return new Key(customerId, priceBook, cycle, meter);
  }

  private void linger() {
    if (lingering) {
      return;
    }
    lingering = true;
    long dueMs = getProcessingTimeService().getCurrentProcessingTime() + Math.max(1, lingerMs / turnsPerLinger);
    getProcessingTimeService().registerTimer(dueMs, this::onLingerOver);
  }

  private void onLingerOver(long timeMs) throws Exception {
    lingering = false;
    flush(turns.get(next));
    next = (next + 1) % turnsPerLinger;
    if (waiting > 0) {
      linger();
    }
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    flushAll();
  }

  @Override
  public void endInput() throws Exception {
    flushAll();
  }

  private void flushAll() throws IOException {
    for (Map<Key, byte[]> latest : turns) {
      flush(latest);
    }
  }

  private void flush(Map<Key, byte[]> latest) throws IOException {
    if (latest.isEmpty()) {
      return;
    }
    DataOutputSerializer[] frames = new DataOutputSerializer[shards];
    int[] records = new int[shards];
    for (Map.Entry<Key, byte[]> entry : latest.entrySet()) {
      int shard = shardOf(entry.getKey());
      append(frames, shard, entry.getValue());
      records[shard]++;
    }
    waiting -= latest.size();
    latest.clear();
    for (int shard = 0; shard < shards; shard++) {
      if (frames[shard] != null) {
        bundles.add(shard, frames[shard], records[shard]);
      }
    }
    bundles.finish();
  }

  private int shardOf(Key key) {
    return ShardKeys.shardOf(ShardHash.of(key.customerId.getBytes(UTF_8)), shards);
  }

  private void append(DataOutputSerializer[] frames, int shard, byte[] value) throws IOException {
    if (frames[shard] == null) {
      frames[shard] = new DataOutputSerializer(INITIAL_BYTES);
    }
    frames[shard].writeInt(1 + value.length);
    frames[shard].writeByte(side);
    frames[shard].write(value);
  }

  @Override
  public void processWatermark(Watermark mark) {
    // Balances know no event time of their own.
  }
}
