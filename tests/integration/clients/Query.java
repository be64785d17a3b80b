import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;

/** What a program does with Flink's JDBC driver: {@code java -cp DRIVER Query.java URL STATEMENT} prints the rows. */
public class Query {
  public static void main(String[] arguments) throws Exception {
    try (Connection connection = DriverManager.getConnection(arguments[0]);
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(arguments[1])) {
      while (rows.next()) {
        System.out.println(rows.getString("customer_id") + " " + rows.getBigDecimal("amount").toPlainString());
      }
    }
  }
}
