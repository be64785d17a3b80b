from tollgate.sql.errors import cause_of, sql_error

UNKNOWN_TABLE = """An error occurred while calling o4.executeSql.
: org.apache.flink.table.api.ValidationException: SQL validation failed. From line 1, column 15 to line 1, column 21: Object 'nothing' not found
\tat org.apache.flink.table.planner.calcite.FlinkPlannerImpl.validate(FlinkPlannerImpl.scala:183)
Caused by: org.apache.calcite.runtime.CalciteContextException: From line 1, column 15 to line 1, column 21: Object 'nothing' not found
\tat java.base/jdk.internal.reflect.NativeConstructorAccessorImpl.newInstance0(Native Method)
Caused by: org.apache.calcite.sql.validate.SqlValidatorException: Object 'nothing' not found
\tat java.base/jdk.internal.reflect.NativeConstructorAccessorImpl.newInstance0(Native Method)
\t... 17 more
"""  # noqa: E501 - as Flink writes it
NO_SQL = """: org.apache.flink.table.api.SqlParserException: SQL parse failed. Encountered "FROM" at line 1
\tat org.apache.flink.table.planner.parse.CalciteParser.parseSqlList(CalciteParser.java:80)
Caused by: org.apache.calcite.sql.parser.SqlParseException: Encountered "FROM" at line 1, column 8.
Was expecting one of:
    "ALL" ...
    "WITH" ...
\tat org.apache.flink.sql.parser.impl.FlinkSqlParserImpl.convertException(FlinkSqlParserImpl.java:491)
"""


def test_the_innermost_cause_is_told_with_its_place() -> None:
    assert cause_of(UNKNOWN_TABLE) == "line 1, column 15: Object 'nothing' not found"


def test_what_the_parser_would_have_expected_is_left_out() -> None:
    assert cause_of(NO_SQL) == 'Encountered "FROM" at line 1, column 8'


def test_the_remedy_fits_the_cause() -> None:
    assert "SHOW TABLES" in sql_error(ValueError(UNKNOWN_TABLE), "sql.log").remedy
    assert "backticks" in sql_error(ValueError(NO_SQL), "sql.log").remedy
    assert sql_error(ValueError("no trace"), "sql.log").remedy == "see sql.log"
