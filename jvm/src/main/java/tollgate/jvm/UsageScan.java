package tollgate.jvm;

import static tollgate.jvm.WireReader.DELIMITED;
import static tollgate.jvm.WireReader.VARINT;

import java.util.Arrays;
import tollgate.jvm.WireReader.MalformedMessage;
import tollgate.v1.Retraction;
import tollgate.v1.SessionEvent;
import tollgate.v1.UsageEvent;

/**
 * What the framer needs of a {@code UsageEvent}, read from its bytes as Python reads them.
 *
 * <p>Every string of the message, and of those inside it, is named here: it must be UTF-8. Where
 * one is forgotten, tests/properties/test_jvm_reads_what_python_reads.py finds it.
 */
final class UsageScan implements EventScan {
  private static final int EVENT_ID = UsageEvent.EVENT_ID_FIELD_NUMBER << 3 | DELIMITED;
  private static final int CUSTOMER_ID = UsageEvent.CUSTOMER_ID_FIELD_NUMBER << 3 | DELIMITED;
  private static final int METER = UsageEvent.METER_FIELD_NUMBER << 3 | DELIMITED;
  private static final int QUANTITY = UsageEvent.QUANTITY_FIELD_NUMBER << 3 | VARINT;
  private static final int SESSION = UsageEvent.SESSION_FIELD_NUMBER << 3 | DELIMITED;
  private static final int RETRACTION = UsageEvent.RETRACTION_FIELD_NUMBER << 3 | DELIMITED;
  private static final int HEARTBEAT = UsageEvent.HEARTBEAT_FIELD_NUMBER << 3 | DELIMITED;
  private static final int EVENT_TIME = UsageEvent.EVENT_TIME_MS_FIELD_NUMBER << 3 | VARINT;
  private static final int DIMENSION = UsageEvent.DIMENSIONS_FIELD_NUMBER << 3 | DELIMITED;
  private static final int SOURCE = UsageEvent.SOURCE_FIELD_NUMBER << 3 | DELIMITED;

  private static final int[] SESSION_TEXTS = {
    SessionEvent.SESSION_ID_FIELD_NUMBER << 3 | DELIMITED
  };
  private static final int[] RETRACTION_TEXTS = {
    Retraction.EVENT_ID_FIELD_NUMBER << 3 | DELIMITED,
    Retraction.REASON_FIELD_NUMBER << 3 | DELIMITED
  };
  private static final int[] HEARTBEAT_TEXTS = {};
  /** Key and value of a map's entry. */
  private static final int[] DIMENSION_TEXTS = {1 << 3 | DELIMITED, 2 << 3 | DELIMITED};

  private final byte[] value;
  private final WireReader wire;
  private int customerFrom;
  private int customerTo;
  private int measure;
  private long eventTimeMs;

  private UsageScan(byte[] value) {
    this.value = value;
    this.wire = new WireReader(value);
  }

  /** Null for what is MALFORMED in contract section 5 rule 12: no protobuf, or no measure. */
  static UsageScan ofOrNull(byte[] value) {
    UsageScan scan = new UsageScan(value);
    try {
      scan.readFields();
    } catch (MalformedMessage e) {
      return null;
    }
    return scan.measure == 0 ? null : scan;
  }

  @Override
  public byte[] customerId() {
    return Arrays.copyOfRange(value, customerFrom, customerTo);
  }

  @Override
  public boolean isHeartbeat() {
    return measure == HEARTBEAT;
  }

  @Override
  public long eventTimeMs(long recordTimestampMs) {
    return eventTimeMs;
  }

  private void readFields() throws MalformedMessage {
    while (!wire.atEnd()) {
      readField(wire.tag());
    }
  }

  private void readField(int tag) throws MalformedMessage {
    switch (tag) {
      case EVENT_ID, METER, SOURCE -> wire.text();
      case CUSTOMER_ID -> {
        int length = wire.text();
        customerTo = wire.position();
        customerFrom = customerTo - length;
      }
      case EVENT_TIME -> eventTimeMs = wire.varint();
      case DIMENSION -> wire.nested(DIMENSION_TEXTS);
      case QUANTITY -> {
        wire.varint();
        measure = tag;
      }
      case SESSION -> readMeasure(tag, SESSION_TEXTS);
      case RETRACTION -> readMeasure(tag, RETRACTION_TEXTS);
      case HEARTBEAT -> readMeasure(tag, HEARTBEAT_TEXTS);
      default -> wire.skip(tag);
    }
  }

  private void readMeasure(int tag, int[] texts) throws MalformedMessage {
    wire.nested(texts);
    measure = tag;
  }
}
