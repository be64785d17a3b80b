package tollgate.jvm;

import static tollgate.jvm.WireReader.DELIMITED;
import static tollgate.jvm.WireReader.VARINT;

import java.util.Arrays;
import tollgate.jvm.WireReader.MalformedMessage;
import tollgate.v1.Discount;
import tollgate.v1.SubscriptionEvent;

/**
 * What the framer needs of a {@code SubscriptionEvent}, read from its bytes as Python reads them.
 *
 * <p>As in {@link UsageScan}, every string of the message is named here, for it must be UTF-8.
 */
final class SubscriptionScan implements EventScan {
  private static final int EVENT_ID = SubscriptionEvent.EVENT_ID_FIELD_NUMBER << 3 | DELIMITED;
  private static final int CUSTOMER_ID =
      SubscriptionEvent.CUSTOMER_ID_FIELD_NUMBER << 3 | DELIMITED;
  private static final int SUBSCRIPTION_ID =
      SubscriptionEvent.SUBSCRIPTION_ID_FIELD_NUMBER << 3 | DELIMITED;
  private static final int TYPE = SubscriptionEvent.TYPE_FIELD_NUMBER << 3 | VARINT;
  private static final int PREVIOUS_EVENT_ID =
      SubscriptionEvent.PREVIOUS_EVENT_ID_FIELD_NUMBER << 3 | DELIMITED;
  private static final int EFFECTIVE_TIME =
      SubscriptionEvent.EFFECTIVE_TIME_MS_FIELD_NUMBER << 3 | VARINT;
  private static final int CREATED_TIME =
      SubscriptionEvent.CREATED_TIME_MS_FIELD_NUMBER << 3 | VARINT;
  private static final int PLAN = SubscriptionEvent.PLAN_FIELD_NUMBER << 3 | DELIMITED;
  private static final int DISCOUNT = SubscriptionEvent.DISCOUNTS_FIELD_NUMBER << 3 | DELIMITED;

  private static final int[] DISCOUNT_TEXTS = {
    Discount.ID_FIELD_NUMBER << 3 | DELIMITED,
    Discount.PERCENT_FIELD_NUMBER << 3 | DELIMITED,
    Discount.AMOUNT_FIELD_NUMBER << 3 | DELIMITED
  };

  private final byte[] value;
  private final WireReader wire;
  private int customerFrom;
  private int customerTo;
  private int type;
  private long effectiveTimeMs;
  private long createdTimeMs;

  private SubscriptionScan(byte[] value) {
    this.value = value;
    this.wire = new WireReader(value);
  }

  /** Null for what is MALFORMED: no protobuf, or of no type that is known here. */
  static SubscriptionScan ofOrNull(byte[] value) {
    SubscriptionScan scan = new SubscriptionScan(value);
    try {
      scan.readFields();
    } catch (MalformedMessage e) {
      return null;
    }
    return scan.hasType() ? scan : null;
  }

  private boolean hasType() {
    return type >= SubscriptionEvent.Type.START_VALUE
        && type <= SubscriptionEvent.Type.HEARTBEAT_VALUE;
  }

  @Override
  public byte[] customerId() {
    return Arrays.copyOfRange(value, customerFrom, customerTo);
  }

  /** One whose times are wrong is left to Python, to dead-letter it. */
  @Override
  public boolean isHeartbeat() {
    return type == SubscriptionEvent.Type.HEARTBEAT_VALUE
        && effectiveTimeMs > 0
        && effectiveTimeMs < MaxFutureSkew.END_OF_TIME_MS
        && createdTimeMs >= 0
        && createdTimeMs < MaxFutureSkew.END_OF_TIME_MS;
  }

  /**
   * When it was made, where it says so: effects may be planned ahead, and move no clock. A change
   * that does not say so was made at its effect, at the latest by the record's timestamp.
   */
  @Override
  public long eventTimeMs(long recordTimestampMs) {
    if (createdTimeMs != 0) {
      return createdTimeMs;
    }
    boolean beat = type == SubscriptionEvent.Type.HEARTBEAT_VALUE;
    return beat ? effectiveTimeMs : Math.min(effectiveTimeMs, recordTimestampMs);
  }

  private void readFields() throws MalformedMessage {
    while (!wire.atEnd()) {
      readField(wire.tag());
    }
  }

  private void readField(int tag) throws MalformedMessage {
    switch (tag) {
      case EVENT_ID, SUBSCRIPTION_ID, PREVIOUS_EVENT_ID, PLAN -> wire.text();
      case CUSTOMER_ID -> {
        int length = wire.text();
        customerTo = wire.position();
        customerFrom = customerTo - length;
      }
      case TYPE -> type = (int) wire.varint(); // an enum has 32 bits, whatever the varint has
      case EFFECTIVE_TIME -> effectiveTimeMs = wire.varint();
      case CREATED_TIME -> createdTimeMs = wire.varint();
      case DISCOUNT -> wire.nested(DISCOUNT_TEXTS);
      default -> wire.skip(tag);
    }
  }
}
