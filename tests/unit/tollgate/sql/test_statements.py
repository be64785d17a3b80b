from tollgate.sql.statements import is_complete, split


def test_a_script_is_cut_at_semicolons_outside_texts_names_and_comments() -> None:
    script = "SELECT ';', 'it''s;' AS `a;b`; -- one; two\n/* three;\nfour */ SHOW TABLES;;\n"
    assert split(script) == ["SELECT ';', 'it''s;' AS `a;b`", "SHOW TABLES"]


def test_a_hint_is_no_comment() -> None:
    hinted = "SELECT * FROM topics.billing_records /*+ OPTIONS('scan.startup.mode' = 'latest-offset') */"
    assert split(f"/* of today */ {hinted};") == [hinted]
    assert split("/* + no hint */ SHOW TABLES") == ["SHOW TABLES"]
    assert is_complete(f"{hinted};")
    assert not is_complete("SELECT 1 /*+ ; */")


def test_signs_of_comments_alone_are_none() -> None:
    assert split("SELECT 4 - 2 / 1") == ["SELECT 4 - 2 / 1"]


def test_an_empty_script_has_no_statement() -> None:
    assert split(" -- nothing\n ; ") == []


def test_what_is_typed_is_complete_at_its_semicolon() -> None:
    assert is_complete("SELECT 1;  -- done")
    assert not is_complete("SELECT ';'")
    assert not is_complete("SELECT 1 -- ;")
    assert not is_complete("SELECT 'open;")
