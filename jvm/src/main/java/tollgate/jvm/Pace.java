package tollgate.jvm;

import java.util.concurrent.TimeUnit;

/**
 * How many records a reader may pass on in each slice of time, so that a burst is spread.
 *
 * <p>Where slice after slice is used up for {@link #PATIENCE}, what a slice may have doubles: a reader
 * that has fallen behind catches up at full speed. A slice that was not used up halves it. After a slice
 * without any record, or a second in which nobody asked, as after a burst, it begins anew; a shorter stall
 * after one that was used up is none of the reader's making, and changes nothing.
 */
final class Pace {
  /** The length of a slice. */
  static final long SLICE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  /** For how many slices in a row it may be too little. */
  static final int PATIENCE = 20;

  private static final int MOST = 1 << 20;

  private final int atFirst;
  private int perSlice;
  private int left;
  private int usedUp;
  private long sliceEndsNanos;

  /**
   * @param atFirst how many records a slice may have where there is no need of more
   * @param nowNanos the present, as of {@link System#nanoTime}
   */
  Pace(int atFirst, long nowNanos) {
    this.atFirst = atFirst;
    this.perSlice = atFirst;
    this.left = atFirst;
    this.sliceEndsNanos = nowNanos + SLICE_NANOS;
  }

  /** Returns in how many milliseconds the next record may pass; 0: now. */
  long delayMs(long nowNanos) {
    long overNanos = nowNanos - sliceEndsNanos;
    if (overNanos >= 0) {
      boolean withoutAny = overNanos >= SLICE_NANOS && left == perSlice;
      beginSlice(nowNanos, withoutAny || overNanos >= PATIENCE * SLICE_NANOS);
    }
    return left > 0 ? 0 : Math.max(1, TimeUnit.NANOSECONDS.toMillis(sliceEndsNanos - nowNanos));
  }

  /** Notes that a record has passed. */
  void passed() {
    left--;
  }

  private void beginSlice(long nowNanos, boolean afterPause) {
    if (afterPause) {
      perSlice = atFirst;
      usedUp = 0;
    } else if (left > 0) {
      perSlice = Math.max(atFirst, perSlice / 2);
      usedUp = 0;
    } else if (++usedUp >= PATIENCE) {
      perSlice = Math.min(MOST, perSlice * 2);
      usedUp = 0;
    }
    left = perSlice;
    sliceEndsNanos = nowNanos + SLICE_NANOS;
  }
}
