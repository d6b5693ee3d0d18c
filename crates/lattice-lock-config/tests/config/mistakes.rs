use std::ffi::OsString;

use lattice_lock_config::{AppConfig, ConfigurationError, Problem, Value, WarningKind, codes};
use lattice_lock_errors::Kind;

use crate::support::{everything_said_by, file, kinds, over, problems, with, with_file};

#[test]
fn a_file_with_three_mistakes_yields_one_error_naming_all_three() {
    let text = "[database]\npool_size = 0\nurll = 'sqlite:x.db'\n\n[runtime]\nbackground_task_timeout = '5s'\n";
    let error = with_file(text, &[]).unwrap_err();
    assert_eq!(error.code(), codes::SETTINGS_INVALID);
    let found: Vec<_> = problems(&error)
        .iter()
        .map(|one| (one.setting(), one.line()))
        .collect();
    assert_eq!(
        found,
        [
            ("database.pool_size", Some(2)),
            ("runtime.background_task_timeout", Some(6)),
            ("database.urll", Some(3)),
        ]
    );
    for text in [
        error.to_string(),
        error.report().to_string(),
        format!("{error:?}"),
    ] {
        assert!(text.contains("database.pool_size"), "{text}");
        assert!(
            text.contains("whole number from 1 to 1000, such as 5"),
            "{text}"
        );
        assert!(text.contains(":2"), "{text}");
        assert!(text.contains("background_task_timeout"), "{text}");
        assert!(text.contains("without a unit, such as 5.0"), "{text}");
        assert!(text.contains("urll"), "{text}");
        assert!(text.contains("did you mean database.url?"), "{text}");
    }
    assert_eq!(error.record().context.len(), 3);
}

#[test]
fn the_report_in_the_documentation_is_what_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lattice.toml");
    let text =
        "[database]\npool_size = 0\nurll = 'x'\n\n[runtime]\nbackground_task_timeout = '5s'\n";
    std::fs::write(&path, text).unwrap();
    let report = AppConfig::from_file(&path)
        .unwrap_err()
        .report()
        .to_string();
    let place = format!("{}/", folder.path().display());
    for line in report.replace(&place, "").lines() {
        let documented = include_str!("../../src/lib.rs").contains(&format!("//! {line}\n"));
        assert!(documented, "{line}");
    }
}

#[test]
fn mistakes_of_every_layer_are_told_together() {
    let file = file("[database]\npool_size = 'many'\n");
    let error = over(&file)
        .variables([("DATABASE_MAX_OVERFLOW", "-1"), ("LATTICE_ENV", "prod")])
        .set("analyzer.cache_size", -5)
        .set("analyser.cache_size", 5)
        .build()
        .unwrap_err();
    let said = error.report().to_string();
    for part in [
        "LATTICE_ENV must be",
        "did you mean production?",
        "database.pool_size",
        "DATABASE_MAX_OVERFLOW must be a whole number from 0 to 1000, such as 10",
        "analyzer.cache_size (override) must be",
        "analyser.cache_size (override) is not a known key; did you mean analyzer.cache_size?",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert_eq!(problems(&error).len(), 5);
}

#[test]
fn one_problem_alone_gives_its_own_code() {
    let code = |text: &str| with_file(text, &[]).unwrap_err().code();
    assert_eq!(code("[database]\necho = 'maybe'\n"), codes::VALUE_INVALID);
    assert_eq!(code("[databse]\n"), codes::KEY_UNKNOWN);
    assert_eq!(code("[database\n"), codes::FILE_MALFORMED);
    assert_eq!(
        code("[database]\necho = true\necho = false\n"),
        codes::FILE_MALFORMED
    );
}

#[test]
fn the_kind_says_that_an_operator_must_act() {
    let error = with(&[("LATTICE_ENV", "live")]).unwrap_err();
    assert_eq!(error.kind(), Kind::Misconfigured);
    assert!(!error.is_retryable());
}

#[track_caller]
fn suggests(text: &str, suggestion: Option<&str>) {
    let error = with_file(text, &[]).expect_err("an unknown key");
    assert_eq!(problems(&error)[0].suggestion(), suggestion, "{error}");
}

#[test]
fn an_unknown_key_comes_with_the_nearest_known_one() {
    suggests("[database]\npoolsize = 1\n", Some("database.pool_size"));
    suggests("[databse]\npool_size = 1\n", Some("database"));
    suggests("pool_size = 1\n", Some("database.pool_size"));
    suggests(
        "[providers.opnai]\napi_key = 'x'\n",
        Some("providers.openai"),
    );
    suggests(
        "[providers.openai]\nkey = 'x'\n",
        Some("providers.openai.api_key"),
    );
    suggests("[openai]\napi_key = 'x'\n", Some("providers.openai"));
    suggests("environment = 'dev'\n", Some("env"));
    suggests("\"database.pool_size\" = 1\n", Some("database.pool_size"));
    suggests("zzzzzz = 1\n", None);
}

#[test]
fn a_section_must_be_a_table_and_a_key_a_value() {
    for text in ["database = 5\n", "[[database]]\npool_size = 1\n"] {
        let error = with_file(text, &[]).unwrap_err();
        assert!(error.to_string().contains("database"), "{error}");
        assert!(error.to_string().contains("must be a section"), "{error}");
    }
    for text in [
        "[database.pool_size]\nx = 1\n",
        "[database]\npool_size = [1]\n",
        "[database]\npool_size = 2024-01-01\n",
    ] {
        let error = with_file(text, &[]).unwrap_err();
        assert!(error.to_string().contains("database.pool_size"), "{error}");
        assert_eq!(error.code(), codes::VALUE_INVALID);
    }
}

#[test]
fn broken_toml_gives_line_and_column_and_no_text_of_the_file() {
    let planted = "hunter2-planted";
    for line in [
        format!("secret_key = \"{planted}"),
        format!("secret_key = {planted}"),
        format!("secret_key \"{planted}\""),
        planted.to_owned(),
        format!("[{planted}"),
        format!("secret_key = \"ok\" {planted}"),
        format!("secret_key = '{planted}'\nsecret_key = '{planted}'"),
        format!("secret_key = \"\\q{planted}\""),
        format!("secret_key.{planted} = 1\nsecret_key = 2"),
    ] {
        let text = format!("[auth]\n# {planted}\n{line}\n");
        let error = with_file(&text, &[]).unwrap_err();
        let said = everything_said_by(&error);
        assert!(!said.contains(planted), "{line}: {said}");
        assert!(!said.contains("hunter2"), "{line}: {said}");
        let problem = &problems(&error)[0];
        assert_eq!(problem.code(), codes::FILE_MALFORMED, "{line}");
        assert!(
            problem.line().is_some_and(|line| line >= 3),
            "{line}: {said}"
        );
        assert!(problem.column().is_some(), "{line}");
    }
}

#[test]
fn what_can_be_read_of_a_broken_file_is_still_checked() {
    let error = with_file("[database]\npool_size = 0\necho = = true\n", &[]).unwrap_err();
    let lines: Vec<_> = problems(&error).iter().map(Problem::line).collect();
    assert_eq!(lines, [Some(3), Some(2)]);
}

#[test]
fn an_unknown_key_of_a_broken_file_may_be_a_part_of_something_else() {
    let error = with_file("stray = 1\nauth = 1\n[database]\necho = = true\n", &[]).unwrap_err();
    let lines: Vec<_> = problems(&error).iter().map(Problem::line).collect();
    assert_eq!(lines, [Some(4)]);
}

#[test]
fn a_file_that_is_not_there_is_a_problem_beside_others() {
    let error = AppConfig::builder()
        .file("/nonexistent/lattice.toml")
        .variables([("DATABASE_POOL_SIZE", "x")])
        .build()
        .unwrap_err();
    let found: Vec<_> = problems(&error).iter().map(Problem::code).collect();
    assert_eq!(found, [codes::FILE_UNREADABLE, codes::VALUE_INVALID]);
    assert!(
        error
            .to_string()
            .contains("/nonexistent/lattice.toml must exist"),
        "{error}"
    );
}

#[test]
fn a_file_must_be_text_of_a_sensible_size() {
    let folder = tempfile::tempdir().unwrap();
    let error = AppConfig::from_file(folder.path()).unwrap_err();
    assert_eq!(error.code(), codes::FILE_UNREADABLE);

    let path = folder.path().join("latin1.toml");
    std::fs::write(&path, b"env = 'd\xe9v'\n").unwrap();
    let error = AppConfig::from_file(&path).unwrap_err();
    assert_eq!(error.code(), codes::FILE_UNREADABLE);
    assert!(error.to_string().contains("UTF-8"), "{error}");

    std::fs::write(&path, "#".repeat(2 << 20)).unwrap();
    let error = AppConfig::from_file(&path).unwrap_err();
    assert!(error.to_string().contains("256 KiB"), "{error}");
}

#[test]
fn an_endless_file_is_refused_and_not_read_to_its_end() {
    let endless = std::path::Path::new("/dev/zero");
    if endless.exists() {
        let error = AppConfig::from_file(endless).unwrap_err();
        assert_eq!(error.code(), codes::FILE_UNREADABLE);
    }
}

#[test]
fn a_byte_order_mark_and_windows_lines_are_taken() {
    let config = with_file("\u{feff}[analyzer]\r\ncache_size = 3\r\n", &[]).unwrap();
    assert_eq!(config.analyzer().cache_size, 3);
    let error = with_file("[analyzer]\r\ncache_size = 3.5\r\n", &[]).unwrap_err();
    assert_eq!(problems(&error)[0].line(), Some(2));
}

#[test]
fn twenty_thousand_mistakes_are_listed_and_the_message_stays_readable() {
    let text = (0..20_000)
        .map(|at| format!("k{at} = 1\n"))
        .collect::<Vec<_>>()
        .concat();
    let error = with_file(&text, &[("DATABASE_POOL_SIZE", "x")]).unwrap_err();
    assert_eq!(problems(&error).len(), 20_001);
    assert!(error.to_string().len() < 64 << 10);
    assert!(error.to_string().contains("DATABASE_POOL_SIZE"));
    assert!(error.to_string().contains("19937 more"), "{error}");
    let broken: String = "= = =\n".repeat(40_000);
    assert!(with_file(&broken, &[]).is_err());
    assert!(with_file(&"[".repeat(250_000), &[]).is_err());
    assert!(with_file(&format!("a = {}", "[".repeat(250_000)), &[]).is_err());
}

#[test]
fn a_name_that_may_be_a_secret_is_not_repeated() {
    for text in [
        "\"sk-proj-a1b2c3d4e5f6\" = 1\n",
        "hunter2_A91xk30 = 1\n",
        "[database]\n\"postgres://u:hunter2@h/d\" = 1\n",
        "\"zwölf\" = 1\n",
    ] {
        let error = with_file(text, &[]).unwrap_err();
        let said = everything_said_by(&error);
        assert!(said.contains("a key "), "{said}");
        assert!(
            !said.contains("a1b2") && !said.contains("hunter2") && !said.contains("zw"),
            "{said}"
        );
    }
}

#[test]
fn an_unknown_variable_of_ours_is_a_warning_with_the_nearest_name() {
    let config = with(&[
        ("LATTICE_SECRET_KEY", "x"),
        ("LATTICE_QQQ", "y"),
        ("OTHER", "z"),
    ])
    .unwrap();
    let unknown: Vec<String> = config
        .warnings()
        .iter()
        .filter(|one| one.kind() == WarningKind::UnknownVariable)
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        unknown,
        [
            "LATTICE_QQQ is no variable of ours and has no effect",
            "LATTICE_SECRET_KEY is no variable of ours and has no effect; did you mean LATTICE_LOCK_SECRET_KEY?",
        ]
    );
}

#[test]
fn a_mistake_that_a_later_layer_hides_is_a_warning() {
    let config = with_file(
        "[database]\npool_size = 0\n",
        &[("DATABASE_POOL_SIZE", "3")],
    )
    .unwrap();
    assert_eq!(config.database().pool_size, 3);
    assert!(kinds(&config).contains(&WarningKind::HiddenMistake));
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_unicode_is_a_problem_only_if_it_is_ours() {
    use std::os::unix::ffi::OsStringExt;
    let broken = || OsString::from_vec(vec![0xff, 0xfe]);
    let of = |name: OsString| AppConfig::builder().variables([(name, broken())]).build();
    assert!(of("OTHER".into()).is_ok());
    assert!(of(broken()).is_ok());
    let error = of("DATABASE_POOL_SIZE".into()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("DATABASE_POOL_SIZE must be UTF-8 text"),
        "{error}"
    );
    let error = of("LATTICE_LOCK_SECRET_KEY".into()).unwrap_err();
    assert!(error.to_string().contains("must be UTF-8 text"), "{error}");
}

#[test]
fn the_typed_detail_is_found_and_lists_what_a_program_needs() {
    let error = with(&[("DATABASE_POOL_SIZE", "5s")]).unwrap_err();
    let detail = error.find::<ConfigurationError>().unwrap();
    let problem = &detail.problems()[0];
    assert_eq!(problem.setting(), "DATABASE_POOL_SIZE");
    assert_eq!(problem.key(), Some("database.pool_size"));
    assert_eq!(problem.variables(), ["DATABASE_POOL_SIZE"]);
    assert_eq!(problem.line(), None);
    assert_eq!(problem.rule(), "must be a whole number from 1 to 1000");
    assert_eq!(problem.example(), Some("5"));
    assert!(detail.to_string().contains("DATABASE_POOL_SIZE"));
    let json = serde_json::to_value(problem).unwrap();
    assert_eq!(json["code"], "LL-CFG-005");
    assert_eq!(json["setting"], "DATABASE_POOL_SIZE");
}

#[test]
fn overrides_take_numbers_switches_and_text() {
    let config = AppConfig::builder()
        .set("database.pool_size", 3_u8)
        .set("database.echo", "on")
        .set("runtime.background_task_timeout", 0.5)
        .set("analyzer.cache_size", Value::from(7_u64))
        .set("telemetry.filter", String::from("off"))
        .set("env", "test")
        .build()
        .unwrap();
    assert_eq!(config.database().pool_size, 3);
    assert!(config.database().echo);
    assert_eq!(config.runtime().background_task_timeout.as_millis(), 500);
    assert_eq!(config.analyzer().cache_size, 7);
}
