package tollgate.jvm;

import java.io.IOException;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.common.errors.TransactionalIdNotFoundException;

/**
 * Asks Kafka what became of a transaction. Needs the permission to describe transactional ids.
 *
 * <p>A transactional id of the sink serves one transaction ({@code INCREMENTING} names), so the state
 * of the id is that of the transaction, as long as nobody has taken the id over since.
 */
final class TransactionOutcomes implements LoudCommitter.Outcomes<KafkaCommittable> {
  private final Properties clientProperties;
  private Admin admin;

  /** Nothing is connected until the first question: it is seldom asked. */
  TransactionOutcomes(Properties clientProperties) {
    this.clientProperties = clientProperties;
  }

  @Override
  public boolean isCommitted(KafkaCommittable committable) throws IOException {
    String id = committable.getTransactionalId();
    try {
      return isCommitted(committable, admin().describeTransactions(List.of(id)).description(id).get());
    } catch (ExecutionException e) {
      if (e.getCause() instanceof TransactionalIdNotFoundException) {
        return false; // Kafka forgets ids after days; what it has forgotten it cannot vouch for
      }
      throw new IOException("Kafka cannot tell what became of transaction " + id, e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while asking for transaction " + id, e);
    }
  }

  /**
   * Under transaction.version 2 the end of a transaction raises the epoch by one; a further raise
   * means that another producer has taken the id over.
   */
  static boolean isCommitted(KafkaCommittable committable, TransactionDescription found) {
    boolean committed =
        found.state() == TransactionState.COMPLETE_COMMIT
            || found.state() == TransactionState.PREPARE_COMMIT;
    int raised = found.producerEpoch() - committable.getEpoch();
    return committed
        && found.producerId() == committable.getProducerId()
        && (raised == 0 || raised == 1);
  }

  private Admin admin() {
    if (admin == null) {
      admin = Admin.create(clientProperties);
    }
    return admin;
  }

  @Override
  public void close() {
    if (admin != null) {
      admin.close();
    }
  }
}
