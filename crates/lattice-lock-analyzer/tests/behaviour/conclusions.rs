//! What follows from a prompt beside its task type: needs, priority, complexity, features, tokens.

use std::sync::{Arc, LazyLock};

use lattice_lock_analyzer::{
    Analyzer, Attachment, CodeLanguage, Complexity, Input, Mark, Message, Need, Priority,
    PromptLanguage, TaskAnalysis, TaskType,
};

static ANALYZER: LazyLock<Analyzer> = LazyLock::new(Analyzer::new);

fn analyze(prompt: &str) -> Arc<TaskAnalysis> {
    ANALYZER.analyze(prompt)
}

fn needs(prompt: &str, need: Need) {
    assert!(analyze(prompt).needs().contains(need), "{need:?}: {prompt}");
}

fn needs_no(prompt: &str, need: Need) {
    assert!(
        !analyze(prompt).needs().contains(need),
        "{need:?}: {prompt}"
    );
}

#[test]
fn json_is_needed_where_the_answer_must_be_json() {
    needs("List three rivers and their lengths as JSON.", Need::Json);
    needs("Extract the names and respond with JSON only", Need::Json);
    needs("Gib mir die Antwort als JSON", Need::Json);
    needs_no("What does the abbreviation JSON stand for?", Need::Json);
}

#[test]
fn a_long_answer_is_needed_where_one_is_asked_for() {
    needs(
        "Write a long essay on the tides, at least 2000 words.",
        Need::LongOutput,
    );
    needs(
        "Write the complete implementation of the parser",
        Need::LongOutput,
    );
    needs_no("What time is it in Oslo?", Need::LongOutput);
}

#[test]
fn tools_are_needed_for_what_a_model_cannot_know() {
    needs(
        "Search the web for the latest news on the election",
        Need::Tools,
    );
    needs("set a timer for ten minutes", Need::Tools);
    needs("Send an email to Jo that I am late", Need::Tools);
    needs_no("Why is the sea salty?", Need::Tools);
}

#[test]
fn several_turns_are_needed_where_the_prompt_refers_to_others() {
    needs(
        "Interview me for a job as a baker, one question at a time.",
        Need::Turns,
    );
    needs("as I said, use your previous answer", Need::Turns);
    needs_no("Write a haiku about rain.", Need::Turns);
}

#[test]
fn what_the_caller_knows_is_added() {
    let input = Input::prompt("Hello")
        .need(Need::Tools)
        .attach(Attachment::Video);
    let analysis = ANALYZER.analyze(input);
    assert!(analysis.needs().contains(Need::Tools));
    assert!(analysis.needs().contains(Need::Vision));
    assert!(
        analysis
            .features()
            .attachments()
            .contains(Attachment::Video)
    );
}

#[test]
fn the_priority_is_what_the_caller_or_the_prompt_says() {
    let of = |prompt: &str| analyze(prompt).priority();
    assert_eq!(
        of("Quick question, I'm in a hurry: 5 + 7?"),
        Priority::Speed
    );
    assert_eq!(of("Summarise this, keep it cheap please"), Priority::Cost);
    assert_eq!(
        of("Be very careful and thorough with this contract"),
        Priority::Quality
    );
    assert_eq!(of("Name a tree"), Priority::Balanced);
    let input = Input::prompt("Quick question: 5 + 7?").priority(Priority::Cost);
    assert_eq!(ANALYZER.analyze(input).priority(), Priority::Cost);
}

#[test]
fn more_to_do_is_never_simpler() {
    let order = [
        Complexity::Simple,
        Complexity::Moderate,
        Complexity::Complex,
    ];
    let rank = |prompt: &str| {
        let level = analyze(prompt).complexity();
        order.iter().position(|known| *known == level)
    };
    let short = "Write a function that adds two numbers";
    let hard = "Design a distributed, fault-tolerant ledger with exactly-once semantics and prove that it is optimal";
    assert_eq!(rank(short), Some(0));
    assert_eq!(rank(hard), Some(2));
    assert!(rank(&format!("{short}. {hard}.")) >= rank(hard));
}

#[test]
fn features_say_what_the_prompt_is_made_of() {
    let has = |prompt: &str, mark: Mark| {
        let analysis = analyze(prompt);
        assert!(
            analysis.features().has(mark),
            "{mark:?}: {prompt}\n{}",
            analysis.explain()
        );
    };
    has("```py\nprint(1)\n```", Mark::CodeBlock);
    has("\ndef f(x):\n    \"\"\"Doubles x.\"\"\"\n", Mark::CodeFirst);
    has("--- ???", Mark::Wordless);
    has("what does `ls -a` do", Mark::InlineCode);
    has(
        "Traceback (most recent call last):\n  File \"a.py\", line 1",
        Mark::StackTrace,
    );
    has("error: cannot find value `x`", Mark::ErrorMessage);
    has(
        "--- a/x.rs\n+++ b/x.rs\n@@ -1,2 +1,2 @@\n-let a = 1;\n+let a = 2;",
        Mark::Diff,
    );
    has("SELECT name FROM users WHERE id = 3", Mark::Sql);
    has("Solve \\frac{1}{2} + \\sqrt{x} = 3", Mark::Math);
    has("| a | b |\n|---|---|\n| 1 | 2 |", Mark::Table);
    has("see https://example.com/page", Mark::Url);
    has("- one\n- two\n- three", Mark::List);
    has("is it raining?", Mark::Question);
    has("他在哪里？", Mark::Question);
}

#[test]
fn languages_of_code_and_traces_are_named() {
    let analysis = analyze("```rust\nfn f() {}\n```\nand\n```sql\nSELECT 1\n```");
    assert_eq!(analysis.features().code_blocks(), 2);
    assert!(
        analysis
            .features()
            .code_languages()
            .contains(CodeLanguage::Rust)
    );
    assert!(
        analysis
            .features()
            .code_languages()
            .contains(CodeLanguage::Sql)
    );
    let trace = |prompt: &str| analyze(prompt).features().trace_language();
    assert_eq!(
        trace("Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>"),
        Some(CodeLanguage::Python)
    );
    assert_eq!(
        trace(
            "Exception in thread \"main\" java.lang.Error\n\tat a.b.C.d(C.java:1)\n\tat a.b.C.e(C.java:2)"
        ),
        Some(CodeLanguage::Java)
    );
    assert_eq!(trace("a plain sentence"), None);
}

#[test]
fn the_language_of_the_words_is_known_beside_code() {
    let language = |prompt: &str| analyze(prompt).features().language();
    assert_eq!(
        language(
            "Warum ist die Ausgabe von diesem Code leer?\n\n```py\nfor i in range(3): pass\n```"
        ),
        PromptLanguage::German
    );
    assert_eq!(
        language("为什么这个函数返回 None？"),
        PromptLanguage::Chinese
    );
}

#[test]
fn the_window_holds_the_whole_history() {
    let page = "The harvest was good this year. ".repeat(3_000);
    let messages = [
        Message::user(&page),
        Message::assistant("Yes."),
        Message::user("And now?"),
    ];
    let analysis = ANALYZER.analyze(&messages);
    assert!(
        analysis.tokens().expected() > 15_000,
        "{:?}",
        analysis.tokens()
    );
    assert!(analysis.min_context_window() >= analysis.tokens().upper());
}

#[test]
fn the_json_form_has_the_promised_fields() {
    let json = serde_json::to_value(&*analyze("Translate \"yes\" into Greek.")).unwrap();
    let fields: Vec<&str> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    for field in [
        "primary",
        "secondary",
        "scores",
        "confidence",
        "features",
        "needs",
        "priority",
        "complexity",
        "tokens",
        "min_context_window",
    ] {
        assert!(fields.contains(&field), "{field}: {json}");
    }
    assert_eq!(json["primary"], TaskType::Translation.as_str());
    assert_eq!(
        json["scores"].as_object().unwrap().len(),
        TaskType::ALL.len()
    );
    assert!(json["tokens"]["upper"].as_u64() >= json["tokens"]["expected"].as_u64());
}

#[test]
fn every_signal_that_spoke_is_explained_with_its_weight() {
    let analysis = analyze("Please translate this sentence into Greek, and don't write code.");
    let explanation = analysis.explain();
    let spoke = |name: &str| {
        explanation
            .spoken()
            .iter()
            .find(|spoken| spoken.signal == name)
    };
    let translate = spoke("translate.ask").unwrap();
    assert!(
        translate
            .votes
            .iter()
            .any(|(task, points)| *task == TaskType::Translation && *points > 0.0)
    );
    assert!(explanation.to_string().contains("translate.ask"));
    assert!(
        explanation.spoken().iter().any(|spoken| spoken.denied),
        "{explanation}"
    );
}
