package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class PaceTest {
  private static final int AT_FIRST = 100;

  private long nowNanos = 7;
  private final Pace pace = new Pace(AT_FIRST, nowNanos);

  @Test
  @DisplayName("A slice has so many records, and the next one is told when it begins.")
  void slice() {
    assertEquals(AT_FIRST, pass());
    assertEquals(50, pace.delayMs(nowNanos));
    nowNanos += Pace.SLICE_NANOS - 1;
    assertEquals(1, pace.delayMs(nowNanos));
    nowNanos++;
    assertEquals(0, pace.delayMs(nowNanos));
    assertEquals(AT_FIRST, pass());
  }

  @Test
  @DisplayName("What is too little for a second doubles, and doubles again, until it is enough.")
  void catchingUp() {
    int slices = 0;
    for (long passed = 0; passed < 1_000_000; slices++) {
      passed += pass();
      nowNanos += Pace.SLICE_NANOS;
    }
    assertTrue(slices < 11 * Pace.PATIENCE, slices + " slices for a million records");
  }

  @Test
  @DisplayName("A slice that is not used up halves the pace, never below that at first.")
  void enough() {
    fallBehind();
    assertEquals(8 * AT_FIRST, pass(8 * AT_FIRST));
    pass();
    nowNanos += Pace.SLICE_NANOS;
    for (int most : new int[] {8 * AT_FIRST, 4 * AT_FIRST, 2 * AT_FIRST, AT_FIRST, AT_FIRST}) {
      assertEquals(0, pace.delayMs(nowNanos));
      assertEquals(most - 1, pass(most - 1));
      nowNanos += Pace.SLICE_NANOS;
    }
  }

  @Test
  @DisplayName("After a pause the pace is that at first.")
  void pause() {
    fallBehind();
    nowNanos += (Pace.PATIENCE + 2) * Pace.SLICE_NANOS;
    assertEquals(AT_FIRST, pass());
  }

  @Test
  @DisplayName("A reader that is behind catches up although its thread is stalled once a second.")
  void stalls() {
    long passed = 0;
    for (int slices = 0; slices < 200; slices++) {
      passed += pass();
      nowNanos += (slices % 19 == 0 ? 3 : 1) * Pace.SLICE_NANOS;
    }
    assertTrue(passed > 1_000_000, passed + " records in ten seconds");
  }

  /** Uses up slice after slice, until what one may have has doubled three times. */
  private void fallBehind() {
    for (int slice = 0; slice < 3 * Pace.PATIENCE; slice++) {
      pass();
      nowNanos += Pace.SLICE_NANOS;
    }
  }

  /** Passes all that may pass now. */
  private int pass() {
    return pass(Integer.MAX_VALUE);
  }

  private int pass(int most) {
    int passed = 0;
    while (passed < most && pace.delayMs(nowNanos) == 0) {
      pace.passed();
      passed++;
    }
    return passed;
  }
}
