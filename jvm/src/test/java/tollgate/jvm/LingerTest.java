package tollgate.jvm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class LingerTest {
  @Test
  @DisplayName("The wait grows with the frames of the last time, and is never less than the least.")
  void follows() {
    Linger linger = new Linger(20, 0.5);
    assertEquals(20, linger.ms());
    linger.sent(128);
    assertEquals(64, linger.ms());
    linger.sent(3);
    assertEquals(20, linger.ms());
    linger.sent(0);
    assertEquals(20, linger.ms());
  }
}
