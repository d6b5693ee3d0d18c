//! Prompts that mean harm: stuffed with words, made of one sign, cut in strange places, or very long.

use std::sync::LazyLock;
use std::time::Duration;

use lattice_lock_analyzer::{Analyzer, Input, Mark, Message, Need, TaskAnalysis, TaskType};

static ANALYZER: LazyLock<Analyzer> = LazyLock::new(|| Analyzer::builder().cache_size(0).build());

fn analyze(prompt: &str) -> TaskAnalysis {
    (*ANALYZER.analyze(prompt)).clone()
}

fn holds(analysis: &TaskAnalysis, prompt: &str) {
    let sum: f32 = analysis.scores().iter().map(|(_, score)| score).sum();
    assert!((sum - 1.0).abs() < 1e-4, "{sum}: {prompt:.40}");
    assert!((0.0..=1.0).contains(&analysis.confidence()), "{prompt:.40}");
    assert!(analysis.tokens().expected() <= analysis.tokens().upper());
    assert!(analysis.secondary().len() <= 3);
    assert!(!analysis.secondary().contains(&analysis.primary()));
    assert!(!analysis.explain().to_string().is_empty());
}

#[test]
fn a_prompt_of_any_sort_is_analyzed() {
    let long = "word ".repeat(200_000);
    let odd = [
        "",
        " ",
        "\n\n\n",
        "\u{0}",
        "?",
        "🙂",
        "```",
        "```rust\nfn",
        "[[[[((((",
        "\u{feff}",
        "\u{202e}abc",
        "a\u{300}\u{301}\u{302}",
        "'",
        "’’’’",
        "don'",
        "c++",
        "c#",
        "\r\n\r\n",
        "|",
        "|||\n|||",
        "$$$",
        "\\frac",
        "@@ -1 +1 @@",
        "at ",
        "--- a\n+++ b",
        "#",
        "#!",
        "~~~",
        "…",
        "\u{10ffff}",
        &long,
    ];
    for prompt in odd {
        holds(&analyze(prompt), prompt);
    }
}

#[test]
fn every_cut_of_a_mixed_text_is_analyzed() {
    let text = "Übersetze «naïve» – don’t 写代码 ```py\nx = 1\n``` | a | b |\n@@ 12:30:01 ERROR at x.y(z:1) 🙂? \\sum c++ ";
    for (at, _) in text.char_indices() {
        holds(&analyze(&text[..at]), &text[..at]);
        holds(&analyze(&text[at..]), &text[at..]);
    }
}

#[test]
fn ten_megabytes_are_read_in_part_and_counted_whole() {
    let head = "Translate the following report into French.\n";
    let prompt = format!(
        "{head}{}",
        "The harvest was good this year. ".repeat(330_000)
    );
    assert!(prompt.len() > 10_000_000);
    let analysis = analyze(&prompt);
    assert_eq!(analysis.primary(), TaskType::Translation);
    assert!(
        analysis.tokens().expected() > 1_500_000,
        "{:?}",
        analysis.tokens()
    );
    assert!(analysis.min_context_window() > 1_500_000);
    holds(&analysis, &prompt);
}

#[test]
fn the_request_at_the_end_of_a_long_text_is_heard() {
    let text = "The harvest was good this year and the mill ran day and night. ".repeat(2_000);
    let analysis = analyze(&format!("{text}\n\nTranslate the text above into Spanish."));
    assert_eq!(analysis.primary(), TaskType::Translation);
}

#[test]
fn fences_in_the_middle_of_a_long_text_are_found() {
    let text = "The harvest was good this year and the mill ran day and night.\n".repeat(60);
    let prompt =
        format!("{text}```rust\nfn main() {{}}\n```\n{text}```sql\nSELECT 1;\n```\n{text}");
    assert!(prompt.len() > 11_000);
    let analysis = analyze(&prompt);
    assert_eq!(analysis.features().code_blocks(), 2);
    assert!(analysis.features().has(Mark::CodeBlock) && analysis.features().has(Mark::Sql));
}

/// One task's words, many times over, behind a request for another.
fn stuffed(request: &str, words: &str, task: TaskType) {
    for times in [1, 3, 10] {
        let prompt = format!("{request}\n\n\"{}\"", words.repeat(times));
        let analysis = analyze(&prompt);
        assert_eq!(
            analysis.primary(),
            task,
            "{prompt:.120}\n{}",
            analysis.explain()
        );
    }
}

#[test]
fn stuffing_a_quotation_does_not_change_what_is_asked() {
    stuffed(
        "Translate this notice into Polish:",
        "unit test debug error bug story poem. ",
        TaskType::Translation,
    );
    stuffed(
        "Translate this notice into German:",
        "vulnerability exploit attack malware. ",
        TaskType::Translation,
    );
    stuffed(
        "Write a short story that begins with these words:",
        "sql query dataset average. ",
        TaskType::CreativeWriting,
    );
    stuffed(
        "Write unit tests for the function that returns this text:",
        "picture image photo. ",
        TaskType::Testing,
    );
}

#[test]
fn saying_a_word_over_and_over_counts_at_most_half_as_much_again() {
    let once = analyze("please debug");
    let often = analyze(&format!("please {}", "debug ".repeat(120)));
    let vote = |analysis: &TaskAnalysis| -> f32 {
        let explanation = analysis.explain();
        let of_rules = explanation
            .spoken()
            .iter()
            .filter(|spoken| spoken.signal.starts_with("debug"));
        of_rules
            .flat_map(|spoken| spoken.votes.iter().map(|(_, points)| *points))
            .sum()
    };
    assert!(
        vote(&often) <= vote(&once) * 1.51,
        "{} {}",
        vote(&once),
        vote(&often)
    );
}

#[test]
fn all_words_of_all_signals_at_once_are_analyzed() {
    let set = lattice_lock_analyzer::PatternSet::builtin();
    let words: Vec<&str> = set.patterns().collect();
    let prompt = words.join(" ");
    holds(&analyze(&prompt), &prompt);
    let reversed = words.into_iter().rev().collect::<Vec<_>>().join("\n");
    holds(&analyze(&reversed), &reversed);
}

#[test]
fn instructions_inside_code_are_quiet() {
    let prompt = "Explain step by step why this proof by induction holds.\n\n```text\nwrite a poem, translate into French, \
                  describe the image\n```";
    assert_eq!(analyze(prompt).primary(), TaskType::Reasoning);
}

#[test]
fn a_denied_kind_of_work_is_not_the_answer() {
    for (prompt, denied) in [
        (
            "don't write code, explain how a hash map resolves collisions",
            TaskType::CodeGeneration,
        ),
        (
            "Do not translate it. What is the text about?",
            TaskType::Translation,
        ),
        (
            "no tests please, just the function that parses a date",
            TaskType::Testing,
        ),
        (
            "I don't want a poem, I want facts about owls",
            TaskType::CreativeWriting,
        ),
        (
            "Schreib keinen Code, erkläre mir, warum Quicksort schnell ist",
            TaskType::CodeGeneration,
        ),
        (
            "N'écris pas de code, explique-moi la récursivité",
            TaskType::CodeGeneration,
        ),
        (
            "不要写代码,解释一下为什么快速排序很快",
            TaskType::CodeGeneration,
        ),
        (
            "Не пиши код, объясни, почему быстрая сортировка быстрая",
            TaskType::CodeGeneration,
        ),
    ] {
        let analysis = analyze(prompt);
        assert_ne!(
            analysis.primary(),
            denied,
            "{prompt}\n{}",
            analysis.explain()
        );
    }
}

#[test]
fn only_code_and_only_a_log_are_marked() {
    let code = analyze("fn main() {\n    let x = 1;\n    println!(\"{x}\");\n}\n");
    assert!(code.features().has(Mark::OnlyCode), "{}", code.explain());
    let log = analyze("2024-05-01 12:00:00 up\n2024-05-01 12:00:01 down\n2024-05-01 12:00:02 up\n");
    assert!(log.features().has(Mark::OnlyLog), "{}", log.explain());
}

#[test]
fn a_conversation_of_thousands_of_turns_is_bounded() {
    let text = "Tell me more about the mill. ".repeat(50);
    let mut messages = vec![Message::user(&text); 5_000];
    messages.push(Message::user(
        "Now translate your last answer into Italian.",
    ));
    let analysis = ANALYZER.analyze(Input::messages(&messages));
    assert_eq!(analysis.primary(), TaskType::Translation);
    assert!(analysis.needs().contains(Need::Turns) || analysis.tokens().expected() > 1_000_000);
}

/// The least time of several runs: what other processes take away shows in few of them.
fn least(prompt: &str) -> Duration {
    let run = || {
        let start = std::time::Instant::now();
        for _ in 0..2 {
            drop(std::hint::black_box(
                ANALYZER.analyze(std::hint::black_box(prompt)),
            ));
        }
        start.elapsed()
    };
    (0..9).map(|_| run()).min().unwrap_or_default()
}

#[test]
fn no_input_takes_more_than_linear_time() {
    let worst = [
        "a",
        "\n",
        " ",
        "'",
        "don’t",
        "éa",
        "写",
        "```\n",
        "|x|\n",
        "\"",
        "`",
        "? ",
        ". ",
        "at x.y(",
        "1",
        "🙂",
        "@",
        "#0 0x",
        "+ (",
        "import a as b ",
        "write write ",
        "translate .. from ",
        "not ",
        "in french to german ",
        "2024-01-01 ",
    ];
    for unit in worst {
        let of = |bytes: usize| least(&unit.repeat(bytes / unit.len())).as_secs_f64();
        // Both are read whole. Linear is a factor of 4; an input of quadratic cost would take 16 times as long.
        let (short, long) = (of(180), of(720));
        assert!(long < short * 8.0 + 20e-6, "{unit:?}: {short} {long}");
        // What is beyond the window costs nothing.
        let (bounded, huge) = (of(64 << 10), of(1 << 20));
        assert!(huge < bounded * 4.0 + 40e-6, "{unit:?}: {bounded} {huge}");
    }
}
