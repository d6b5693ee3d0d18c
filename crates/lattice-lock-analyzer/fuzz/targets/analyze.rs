//! Any text and any conversation: no panic, and what an analysis promises of itself holds.

#![no_main]

use std::sync::LazyLock;

use lattice_lock_analyzer::{Analyzer, Attachment, Input, Message, Role, TaskAnalysis};
use libfuzzer_sys::fuzz_target;

static ANALYZER: LazyLock<Analyzer> = LazyLock::new(|| Analyzer::builder().cache_size(64).build());

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    holds(&ANALYZER.analyze(text.as_ref()));
    holds(&ANALYZER.analyze(Input::prompt(&text).attach(Attachment::Image)));
    let messages: Vec<Message<'_>> = text
        .split('\u{1}')
        .zip(
            [Role::System, Role::User, Role::Assistant, Role::Tool]
                .into_iter()
                .cycle(),
        )
        .map(|(text, role)| Message::new(role, text))
        .collect();
    holds(&ANALYZER.analyze(&messages));
});

fn holds(analysis: &TaskAnalysis) {
    let sum: f32 = analysis.scores().iter().map(|(_, score)| score).sum();
    assert!((sum - 1.0).abs() < 1e-3, "{sum}");
    assert!((0.0..=1.0).contains(&analysis.confidence()));
    assert!(analysis.secondary().len() <= 3);
    assert!(!analysis.secondary().contains(&analysis.primary()));
    assert!(analysis.tokens().expected() <= analysis.tokens().upper());
    assert!(analysis.min_context_window() >= analysis.tokens().upper());
    assert!(!analysis.explain().to_string().is_empty());
}
