package tollgate.jvm;

/**
 * The hash that a customer's shard follows from: FNV-1a over the bytes, then murmur3's 32-bit
 * finaliser, which spreads FNV's weak high bits.
 *
 * <p>It is part of the state's format: another hash would look for a customer's state in a shard
 * where it is not. A test pins its values.
 */
final class ShardHash {
  private static final int FNV_OFFSET_BASIS = 0x811C9DC5;
  private static final int FNV_PRIME = 0x01000193;

  private ShardHash() {}

  /** The hash of {@code bytes}: a customer id in UTF-8, or the Kafka key of an unreadable record. */
  static int of(byte[] bytes) {
    int hash = FNV_OFFSET_BASIS;
    for (byte b : bytes) {
      hash = (hash ^ (b & 0xFF)) * FNV_PRIME;
    }
    hash = (hash ^ (hash >>> 16)) * 0x85EBCA6B;
    hash = (hash ^ (hash >>> 13)) * 0xC2B2AE35;
    return hash ^ (hash >>> 16);
  }
}
