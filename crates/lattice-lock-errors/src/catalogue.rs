use std::collections::BTreeMap;
use std::fmt::Write;

use crate::Code;

/// The codes as a document for users, one table for each area, in the order of their names.
///
/// ```
/// use lattice_lock_errors::{codes, markdown};
///
/// codes! {
///     /// The charge does not fit the budget.
///     BUDGET_EXCEEDED = "LL-BIL-004", Exhausted, "raise the limit";
/// }
/// assert!(markdown(CODES).contains("| `LL-BIL-004` | exhausted | warning | no |"));
/// ```
#[must_use]
pub fn markdown(codes: &[Code]) -> String {
    let mut areas: BTreeMap<&str, BTreeMap<&str, Code>> = BTreeMap::new();
    for code in codes {
        areas
            .entry(code.area())
            .or_default()
            .insert(code.as_str(), *code);
    }
    let mut text = String::from(
        "# Error codes\n\nGenerated from the code: a code never changes its meaning. *Retry* says whether the same call may\n\
         succeed when it is simply made again.\n",
    );
    for (area, codes) in areas {
        let _ = write!(
            text,
            "\n## {area}\n\n| code | kind | severity | retry | meaning | remedy |\n|---|---|---|---|---|---|\n"
        );
        for code in codes.into_values() {
            let retry = if code.is_retryable() { "yes" } else { "no" };
            let (kind, severity, remedy) = (code.kind(), code.severity(), code.remedy());
            let _ = writeln!(
                text,
                "| `{code}` | {kind} | {severity} | {retry} | {} | {remedy} |",
                code.meaning()
            );
        }
    }
    text
}

/// The codes that stand more than once, by name: there should be none.
///
/// ```
/// use lattice_lock_errors::{Code, Kind, duplicates};
///
/// const CODE: Code = Code::new("LL-BIL-004", Kind::Exhausted, "meaning", "remedy");
/// assert!(duplicates(&[CODE]).is_empty());
/// assert_eq!(duplicates(&[CODE, CODE]), ["LL-BIL-004"]);
/// ```
#[must_use]
pub fn duplicates(codes: &[Code]) -> Vec<&'static str> {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for code in codes {
        *counts.entry(code.as_str()).or_default() += 1;
    }
    counts
        .into_iter()
        .filter_map(|(name, count)| (count > 1).then_some(name))
        .collect()
}
