package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.OptionalLong;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MaxFutureSkewTest {
  @ParameterizedTest
  @CsvSource({"0s,0", "250ms,250", "3s,3000", "10m,600000", "2h,7200000", "1d,86400000", "1w,604800000"})
  @DisplayName("Durations are a whole number and a unit.")
  void durations(String text, long expectedMs) {
    assertEquals(OptionalLong.of(expectedMs), MaxFutureSkew.parse(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"10", "m", "-1m", "1.5h", "10 m", "10M", "1y", "99999999999999999999s", "9223372036854775807w"})
  @DisplayName("What is not a duration, or too long for one, is none.")
  void notDurations(String text) {
    assertEquals(OptionalLong.empty(), MaxFutureSkew.parse(text));
  }

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
