package tollgate.jvm;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Steps through the bytes of a protobuf message, accepting what Python's protobuf (upb) accepts and
 * nothing else.
 *
 * <p>protobuf-java is more lenient (tags of more than 32 bits) and in places stricter (nesting), so
 * it cannot say what Python will find readable. docs/reference/messages.md states the rules.
 */
final class WireReader {
  static final int VARINT = 0;
  static final int FIXED64 = 1;
  static final int DELIMITED = 2;
  static final int GROUP = 3;
  static final int GROUP_END = 4;
  static final int FIXED32 = 5;

  private static final int VARINT_BYTES_MAX = 10;
  private static final int TAG_BYTES_MAX = 5;
  private static final long TAG_MAX = 0xFFFFFFFFL;
  private static final int NESTING_MAX = 100;

  private final byte[] bytes;
  private int position;
  private int end;
  private int nesting;

  WireReader(byte[] bytes) {
    this.bytes = bytes;
    this.end = bytes.length;
  }

  /** The index of the byte that is read next. */
  int position() {
    return position;
  }

  /** Whether the message, or the nested one that was entered last, has been read whole. */
  boolean atEnd() {
    return position == end;
  }

  /** Field number and wire type, unsigned; the field number is not 0. */
  int tag() throws MalformedMessage {
    long tag = varint(TAG_BYTES_MAX);
    if (tag > TAG_MAX || tag >>> 3 == 0) {
      throw MalformedMessage.INSTANCE;
    }
    return (int) tag;
  }

  /** A varint of at most ten bytes; what exceeds 64 bits is lost. */
  long varint() throws MalformedMessage {
    return varint(VARINT_BYTES_MAX);
  }

  /** Reads a string, which must be UTF-8; returns its length in bytes. */
  int text() throws MalformedMessage {
    int length = size();
    requireUtf8(length);
    position += length;
    return length;
  }

  private int enter() throws MalformedMessage {
    int size = size();
    nest();
    int outerEnd = end;
    end = position + size;
    return outerEnd;
  }

  private void leave(int outerEnd) {
    end = outerEnd;
    nesting--;
  }

  /** Reads a nested message of which the fields with these tags are strings, and must be UTF-8. */
  void nested(int... textTags) throws MalformedMessage {
    int outerEnd = enter();
    while (!atEnd()) {
      int tag = tag();
      if (contains(textTags, tag)) {
        text();
      } else {
        skip(tag);
      }
    }
    leave(outerEnd);
  }

  private static boolean contains(int[] tags, int tag) {
    for (int one : tags) {
      if (one == tag) {
        return true;
      }
    }
    return false;
  }

  /** Passes over the value of a field that is not known, or not of its own wire type. */
  void skip(int tag) throws MalformedMessage {
    switch (tag & 7) {
      case VARINT -> varint();
      case FIXED64 -> advance(Long.BYTES);
      case DELIMITED -> advance(size());
      case GROUP -> skipGroup(tag >>> 3);
      case FIXED32 -> advance(Integer.BYTES);
      default -> throw MalformedMessage.INSTANCE;
    }
  }

  private void skipGroup(int fieldNumber) throws MalformedMessage {
    nest();
    int groupEnd = fieldNumber << 3 | GROUP_END;
    for (int tag = tag(); tag != groupEnd; tag = tag()) {
      skip(tag);
    }
    nesting--;
  }

  private void nest() throws MalformedMessage {
    if (++nesting > NESTING_MAX) {
      throw MalformedMessage.INSTANCE;
    }
  }

  private int size() throws MalformedMessage {
    long size = varint();
    if (size < 0 || size > end - position) {
      throw MalformedMessage.INSTANCE;
    }
    return (int) size;
  }

  private void advance(int count) throws MalformedMessage {
    if (count > end - position) {
      throw MalformedMessage.INSTANCE;
    }
    position += count;
  }

  private long varint(int bytesMax) throws MalformedMessage {
    long value = 0;
    int stop = Math.min(end, position + bytesMax);
    for (int shift = 0; position < stop; shift += 7) {
      byte next = bytes[position++];
      value |= (next & 0x7FL) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw MalformedMessage.INSTANCE;
  }

  private void requireUtf8(int length) throws MalformedMessage {
    int stop = position + length;
    int at = position;
    while (at < stop && bytes[at] >= 0) {
      at++;
    }
    if (at < stop) {
      decode(at, stop - at);
    }
  }

  private void decode(int from, int length) throws MalformedMessage {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, from, length));
    } catch (CharacterCodingException e) {
      throw MalformedMessage.INSTANCE;
    }
  }

  /** The bytes are no protobuf message. Made once, without a stack trace: logs hold many of these. */
  static final class MalformedMessage extends Exception {
    private static final long serialVersionUID = 1L;
    private static final MalformedMessage INSTANCE = new MalformedMessage();

    private MalformedMessage() {
      super("no protobuf message", null, false, false);
    }
  }
}
