package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class MaxFutureSkewTest {
  @Test
  @DisplayName("Timestamps at the ends of their range overflow into no false verdict.")
  void extremes() {
    assertFalse(MaxFutureSkew.isFuture(1, Long.MAX_VALUE, 1));
    assertTrue(MaxFutureSkew.isFuture(Long.MAX_VALUE, 0, 1));
    assertFalse(MaxFutureSkew.isFuture(Long.MIN_VALUE, -1, 600_000));
  }

  @Test
  @DisplayName("From the year 9000 on every time is future, whatever timestamp a record carries.")
  void endOfTime() {
    long end = Instant.parse("9000-01-01T00:00:00Z").toEpochMilli();
    assertTrue(MaxFutureSkew.isFuture(end, Long.MAX_VALUE, 1));
    assertFalse(MaxFutureSkew.isFuture(end - 1, Long.MAX_VALUE, 1));
  }
}
