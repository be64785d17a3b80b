package tollgate.jvm;

/**
 * One record of the usage log on its way from the source to the framer.
 *
 * <p>Public fields and a public empty constructor make it a Flink POJO, so that it crosses the
 * network in Flink's own format and never in Kryo's.
 */
public final class UsageLogRecord {
  public int partition;
  public long offset;

  /** The Kafka record's timestamp: what "in the future" is measured against. */
  public long recordTimestampMs;

  /** 0 when the value is not readable. */
  public long eventTimeMs;

  /** The value is a {@code UsageEvent} that has a measure. */
  public boolean readable;

  /** Readable, and its measure is a heartbeat. */
  public boolean heartbeat;

  /** See {@link ShardHash}. */
  public int shardHash;

  /** The Kafka key is the customer id in UTF-8; {@link #key} is then left out. */
  public boolean keyIsCustomerId;

  /** The Kafka key; null where there is none and where {@link #keyIsCustomerId}. */
  public byte[] key;

  /** The Kafka value as it came; empty where there is none. */
  public byte[] value;
}
