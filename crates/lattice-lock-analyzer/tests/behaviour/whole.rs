//! What an analysis says of prompts of many sorts.

use lattice_lock_analyzer::{
    Analyzer, Attachment, Input, Message, Need, PatternSet, Role, TaskType,
};

fn check(prompt: &str, task: TaskType) {
    let analysis = Analyzer::new().analyze(prompt);
    assert_eq!(analysis.primary(), task, "{prompt}");
}

#[test]
fn each_kind_of_work_is_known_in_plain_words() {
    check(
        "Write a Python function that merges two sorted lists",
        TaskType::CodeGeneration,
    );
    check("Implement an LRU cache in Rust", TaskType::CodeGeneration);
    check(
        "Why does this loop never end? Please fix it.",
        TaskType::Debugging,
    );
    check(
        "I get a NullPointerException in line 12, what is wrong?",
        TaskType::Debugging,
    );
    check(
        "Design the architecture of a scalable event-driven payment system",
        TaskType::ArchitecturalDesign,
    );
    check(
        "Write a README and API documentation for this library",
        TaskType::Documentation,
    );
    check(
        "Write unit tests for the following class",
        TaskType::Testing,
    );
    check(
        "Analyze this CSV of sales figures and find trends",
        TaskType::DataAnalysis,
    );
    check(
        "Prove step by step that the square root of two is irrational",
        TaskType::Reasoning,
    );
    check(
        "Audit this code for SQL injection and other vulnerabilities",
        TaskType::SecurityAudit,
    );
    check(
        "Write a short story about a lighthouse keeper",
        TaskType::CreativeWriting,
    );
    check("Translate to French: good morning", TaskType::Translation);
    check("What is in this picture?", TaskType::Vision);
}

#[test]
fn the_last_message_of_the_user_weighs_most() {
    let messages = [
        Message::new(Role::System, "You are a translator."),
        Message::new(Role::User, "Translate this poem to German"),
        Message::new(Role::Assistant, "Gern."),
        Message::new(Role::User, "Now write unit tests for the parser class"),
    ];
    let analysis = Analyzer::new().analyze(Input::from(&messages));
    assert_eq!(analysis.primary(), TaskType::Testing);
}

#[test]
fn an_image_needs_a_model_that_sees() {
    let message = [Message::new(Role::User, "What is this?").attach(Attachment::Image)];
    let analysis = Analyzer::new().analyze(Input::from(&message));
    assert!(analysis.needs().contains(Need::Vision));
}

#[test]
fn the_same_prompt_has_the_same_analysis() {
    let prompt = "Compare these two approaches and explain which is faster";
    let once = format!("{:?}", Analyzer::new().analyze(prompt));
    assert_eq!(once, format!("{:?}", Analyzer::new().analyze(prompt)));
}

#[cfg(feature = "regex")]
#[test]
fn a_regular_expression_of_a_pattern_file_is_heard() {
    let set = PatternSet::parse(
        "lattice-lock patterns 1\n\n[ticket] debugging+80\nregex: TICKET-[0-9]+\n",
    )
    .unwrap();
    let analyzer = Analyzer::builder()
        .patterns(set)
        .model(lattice_lock_analyzer::Model::none())
        .build();
    assert_eq!(
        analyzer.analyze("see ticket-4711").primary(),
        TaskType::Debugging
    );
    assert_eq!(
        analyzer.analyze("see the ticket").primary(),
        TaskType::General
    );
}

#[test]
fn a_malformed_pattern_file_is_refused_with_its_lines() {
    let error =
        PatternSet::parse("lattice-lock patterns 1\n\n[x] nonsense+10\nword\n").unwrap_err();
    assert!(format!("{error:?}").contains('3'), "{error:?}");
}

#[test]
fn an_analysis_is_short_in_a_log() {
    let analysis = Analyzer::new().analyze("Translate to French: good morning");
    let logged = format!("{analysis:?}");
    assert!(logged.len() < 4_000, "{} bytes", logged.len());
}
