package tollgate.jvm;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.SortedSet;
import java.util.TreeSet;
import org.apache.flink.types.Row;
import org.apache.flink.util.OutputTag;

/**
 * A second set of frames, for the counter of demand: of records that name a meter with a surge rule, and of no others.
 *
 * <p>A record is looked through for the bytes of a meter's name. One that has them elsewhere comes along, and
 * counts nothing there; while no meter has a rule none is looked at.
 */
final class DemandFrames {
  /** Rows (shard key, bundle), see {@link Bundles}. */
  static final OutputTag<Row> OUTPUT = new OutputTag<>("demand", UsageFramer.OUTPUT_TYPE);

  private final FrameBuffers frames;
  private final SortedSet<String> meters = new TreeSet<>();
  private byte[][] names = {};

  DemandFrames(int shards) {
    frames = new FrameBuffers(shards);
  }

  /** From now on these meters have a surge rule as well. */
  void learn(Collection<String> more) {
    if (meters.addAll(more)) {
      names =
          meters.stream()
              .map(meter -> meter.getBytes(StandardCharsets.UTF_8))
              .toArray(byte[][]::new);
    }
  }

  /** All meters that are known to have one. */
  SortedSet<String> meters() {
    return meters;
  }

  /** Adds a record, if it may be demand. */
  void append(UsageLogRecord record, long clockMs) throws IOException {
    for (byte[] name : names) {
      if (holds(record.value, name)) {
        frames.append(record, clockMs);
        return;
      }
    }
  }

  /** Hands over every frame that is not empty, in bundles, and starts anew. */
  void drainTo(Bundles bundles) throws IOException {
    frames.drainTo(bundles);
  }

  private static boolean holds(byte[] value, byte[] name) {
    for (int from = 0; from <= value.length - name.length; from++) {
      int at = 0;
      while (at < name.length && value[from + at] == name[at]) {
        at++;
      }
      if (at == name.length) {
        return true;
      }
    }
    return false;
  }
}
