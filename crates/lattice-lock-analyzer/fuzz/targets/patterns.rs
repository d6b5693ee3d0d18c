//! Any pattern file: it is refused with the lines that are wrong, or it is used.

#![no_main]

use std::sync::LazyLock;

use lattice_lock_analyzer::{Analyzer, Model, PatternSet, PatternsError};
use libfuzzer_sys::fuzz_target;

static BUILTIN: LazyLock<PatternSet> = LazyLock::new(PatternSet::builtin);

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let text = format!("lattice-lock patterns 1\n{text}");
    match BUILTIN.extended(&text) {
        Ok(patterns) => {
            let analyzer = Analyzer::builder()
                .patterns(patterns)
                .model(Model::none())
                .cache_size(0)
                .build();
            let _ = analyzer.analyze(&text);
        }
        Err(error) => {
            let lines = error
                .find::<PatternsError>()
                .map_or(&[][..], PatternsError::lines);
            assert!(!lines.is_empty(), "{error:?}");
        }
    }
});
