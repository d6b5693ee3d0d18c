use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use crate::Code;

const HEAD: &str = "# Error codes\n\nGenerated from the code: a code never changes its meaning. *Retry* says whether the same call may\n\
    succeed when it is simply made again.\n";

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
pub fn markdown(codes: impl IntoIterator<Item = impl Borrow<Code>>) -> String {
    let mut areas = BTreeMap::<_, BTreeMap<_, _>>::new();
    for code in codes {
        let code = *code.borrow();
        areas
            .entry(code.area())
            .or_default()
            .insert(code.as_str(), row(code));
    }
    let mut text = HEAD.to_string();
    for (area, rows) in areas {
        text.extend(["\n## ", area, "\n\n"]);
        text.push_str(
            "| code | kind | severity | retry | meaning | remedy |\n|---|---|---|---|---|---|\n",
        );
        text.extend(rows.into_values());
    }
    text
}

fn row(code: Code) -> String {
    let retry = if code.is_retryable() { "yes" } else { "no" };
    let (kind, severity) = (code.kind(), code.severity());
    let (meaning, remedy) = (cell(code.meaning()), cell(code.remedy()));
    format!("| `{code}` | {kind} | {severity} | {retry} | {meaning} | {remedy} |\n")
}

/// A bar would begin another cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The codes that stand more than once, by name: there should be none.
///
/// ```
/// use lattice_lock_errors::{Code, Kind, duplicates};
///
/// const CODE: Code = Code::new("LL-BIL-004", Kind::Exhausted, "meaning", "remedy");
/// assert!(duplicates([CODE]).is_empty());
/// assert_eq!(duplicates([CODE, CODE]), ["LL-BIL-004"]);
/// ```
#[must_use]
pub fn duplicates(codes: impl IntoIterator<Item = impl Borrow<Code>>) -> Vec<&'static str> {
    let mut seen = BTreeSet::new();
    let names = codes.into_iter().map(|code| code.borrow().as_str());
    let repeated: BTreeSet<_> = names.filter(|name| !seen.insert(*name)).collect();
    repeated.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn areas_and_codes_are_sorted_and_bars_escaped() {
        let page = markdown([
            Code::new("LL-BIL-002", Kind::Busy, "two", "wait"),
            Code::new("LL-ANA-001", Kind::Invalid, "a | b", "retry"),
            Code::new("LL-BIL-001", Kind::Busy, "one", "wait"),
        ]);
        let head =
            "| code | kind | severity | retry | meaning | remedy |\n|---|---|---|---|---|---|\n";
        let expected = format!(
            "{HEAD}\n## ANA\n\n{head}| `LL-ANA-001` | invalid | warning | no | a \\| b | retry |\n\
             \n## BIL\n\n{head}| `LL-BIL-001` | busy | warning | yes | one | wait |\n\
             | `LL-BIL-002` | busy | warning | yes | two | wait |\n"
        );
        assert_eq!(page, expected);
    }

    #[test]
    fn a_name_that_stands_three_times_is_one_duplicate() {
        let [one, two] = ["LL-BIL-001", "LL-BIL-002"].map(|id| Code::new(id, Kind::Busy, "m", "r"));
        assert_eq!(duplicates([one, two, one, one]), ["LL-BIL-001"]);
        assert_eq!(duplicates([one, two]), Vec::<&str>::new());
    }
}
