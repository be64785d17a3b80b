package tollgate.jvm;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.java.tuple.Tuple3;
import tollgate.v1.Progress;

/**
 * How far topics are complete, by partition and shard, as their markers of progress say.
 *
 * <p>The least of all is what time is here: all that was decided before it has been read.
 */
final class TopicProgress {
  /** The clock of what no marker has spoken of. */
  static final long NONE = 0L;

  private final long[][][] clocksMs;

  /**
   * @param partitions how many each topic has
   * @param shards how many there are
   */
  TopicProgress(int[] partitions, int shards) {
    clocksMs = new long[partitions.length][][];
    for (int topic = 0; topic < partitions.length; topic++) {
      clocksMs[topic] = new long[partitions[topic]][shards];
    }
  }

  /** Takes a marker in. Clocks only rise: of two statements the larger is the newer one. */
  void advance(int topic, int partition, Progress progress) {
    long[] own = clocksMs[topic][partition];
    if (progress.getShards() != own.length) {
      throw new IllegalStateException(
          "a marker speaks of " + progress.getShards() + " shards; there are " + own.length);
    }
    for (int shard = progress.getShardFrom(); shard < progress.getShardTo(); shard++) {
      own[shard] = Math.max(own[shard], progress.getClockMs());
    }
  }

  /** The least clock of all, {@link #NONE} while something has none. */
  long leastMs() {
    return Arrays.stream(clocksMs)
        .flatMap(Arrays::stream)
        .flatMapToLong(Arrays::stream)
        .min()
        .orElse(NONE);
  }

  /** What a checkpoint keeps: topic, partition, and the clocks of its shards. */
  List<Tuple3<Integer, Integer, long[]>> entries() {
    List<Tuple3<Integer, Integer, long[]>> entries = new ArrayList<>();
    for (int topic = 0; topic < clocksMs.length; topic++) {
      for (int partition = 0; partition < clocksMs[topic].length; partition++) {
        entries.add(Tuple3.of(topic, partition, clocksMs[topic][partition].clone()));
      }
    }
    return entries;
  }

  void restore(Iterable<Tuple3<Integer, Integer, long[]>> entries) {
    for (Tuple3<Integer, Integer, long[]> entry : entries) {
      long[] own = clocksMs[entry.f0][entry.f1];
      System.arraycopy(entry.f2, 0, own, 0, own.length);
    }
  }
}
