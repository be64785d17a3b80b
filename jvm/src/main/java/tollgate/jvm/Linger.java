package tollgate.jvm;

/**
 * How long a framer waits for more records before its frames leave.
 *
 * <p>A frame costs Python about as much as several records. Few frames leave soon; where many leave at
 * once they are to be large, or their number alone would keep Python busy: so the wait follows how
 * many left the last time.
 */
final class Linger {
  private final long leastMs;
  private final double msPerFrame;
  private long nextMs;

  /**
   * @param leastMs how long a record waits in any case
   * @param msPerFrame what each frame that left the last time adds up to, where that is more
   */
  Linger(long leastMs, double msPerFrame) {
    this.leastMs = leastMs;
    this.msPerFrame = msPerFrame;
    this.nextMs = leastMs;
  }

  /** How long to wait now, in milliseconds. */
  long ms() {
    return nextMs;
  }

  /** Says how many frames have left. */
  void sent(int frames) {
    nextMs = Math.max(leastMs, Math.round(frames * msPerFrame));
  }
}
