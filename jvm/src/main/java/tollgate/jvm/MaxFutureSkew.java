package tollgate.jvm;

import com.google.protobuf.InvalidProtocolBufferException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tollgate.v1.PriceBook;

/** Reads {@code max_future_skew} (contract section 4) from published price books. */
final class MaxFutureSkew {
  /** 9000-01-01: later times are no times of usage, whatever the record's timestamp says. */
  private static final long END_OF_TIME_MS = 221_845_392_000_000L;

  private static final long DEFAULT_MS = Duration.ofMinutes(10).toMillis();
  /** Price books may name no longer duration. */
  private static final long LONGEST_MS = Duration.ofDays(3660).toMillis();

  private static final Pattern DURATION = Pattern.compile("([0-9]+)(ms|s|m|h|d|w)");
  private static final Map<String, Duration> UNITS =
      Map.of(
          "ms", ChronoUnit.MILLIS.getDuration(),
          "s", ChronoUnit.SECONDS.getDuration(),
          "m", ChronoUnit.MINUTES.getDuration(),
          "h", ChronoUnit.HOURS.getDuration(),
          "d", ChronoUnit.DAYS.getDuration(),
          "w", ChronoUnit.WEEKS.getDuration());

  private MaxFutureSkew() {}

  /**
   * The skew that a record of {@code pricing.books} sets, if it sets one.
   *
   * @param keyedRecord a {@link KeyedRecord} whose value is a price book
   * @param bookId the book that counts, or "" when any does
   */
  static OptionalLong ofBook(byte[] keyedRecord, String bookId) {
    PriceBook book = parseOrNull(KeyedRecord.valueOf(keyedRecord));
    if (book == null || book.getPriceBook().isEmpty()) {
      return OptionalLong.empty();
    }
    if (!bookId.isEmpty() && !bookId.equals(book.getPriceBook())) {
      return OptionalLong.empty();
    }
    String text = book.getMaxFutureSkew();
    return text.isEmpty() ? OptionalLong.of(DEFAULT_MS) : parse(text);
  }

  /** Milliseconds of a text such as {@code 10m}; empty when it is not a duration. */
  static OptionalLong parse(String text) {
    Matcher matcher = DURATION.matcher(text);
    if (!matcher.matches()) {
      return OptionalLong.empty();
    }
    try {
      Duration unit = UNITS.get(matcher.group(2));
      long millis = unit.multipliedBy(Long.parseLong(matcher.group(1))).toMillis();
      return millis > LONGEST_MS ? OptionalLong.empty() : OptionalLong.of(millis);
    } catch (NumberFormatException | ArithmeticException | DateTimeException e) {
      return OptionalLong.empty();
    }
  }

  /** Whether an event is in the future of the Kafka record that carries it, or of any calendar. */
  static boolean isFuture(long eventTimeMs, long recordTimestampMs, long skewMs) {
    long limitMs = recordTimestampMs + skewMs;
    boolean overflown = recordTimestampMs > 0 && limitMs < 0;
    return eventTimeMs >= END_OF_TIME_MS || (!overflown && eventTimeMs > limitMs);
  }

  private static PriceBook parseOrNull(byte[] value) {
    try {
      return value == null ? null : PriceBook.parseFrom(value);
    } catch (InvalidProtocolBufferException e) {
      return null;
    }
  }
}
