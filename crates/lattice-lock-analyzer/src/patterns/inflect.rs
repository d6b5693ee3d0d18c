//! The forms of an English word that a pattern stands for.

/// The forms of one word of a pattern: `test~` is also `tests`, `write^` is also `writes`, `writing` and `writed`.
///
/// A form that is no English word does no harm: nobody writes it.
pub(crate) fn forms(word: &str) -> Vec<String> {
    if let Some(noun) = word.strip_suffix('~') {
        vec![noun.to_owned(), third(noun)]
    } else if let Some(verb) = word.strip_suffix('^') {
        verb_forms(verb)
    } else {
        vec![word.to_owned()]
    }
}

fn verb_forms(verb: &str) -> Vec<String> {
    let mut forms = vec![verb.to_owned(), third(verb)];
    let (past, present) = stems(verb);
    forms.push(format!("{past}ed"));
    forms.push(format!("{present}ing"));
    if doubles(verb) {
        let last = &verb[verb.len() - 1..];
        forms.push(format!("{verb}{last}ed"));
        forms.push(format!("{verb}{last}ing"));
    }
    forms
}

/// What `-ed` and `-ing` are added to.
fn stems(verb: &str) -> (String, String) {
    if let Some(short) = verb.strip_suffix('e') {
        (short.to_owned(), short.to_owned())
    } else if ends_in_consonant_y(verb) {
        (format!("{}i", &verb[..verb.len() - 1]), verb.to_owned())
    } else {
        (verb.to_owned(), verb.to_owned())
    }
}

/// The plural of a noun, which is the third person of a verb.
fn third(word: &str) -> String {
    if ends_in_consonant_y(word) {
        format!("{}ies", &word[..word.len() - 1])
    } else if ["s", "x", "z", "ch", "sh"]
        .iter()
        .any(|end| word.ends_with(end))
    {
        format!("{word}es")
    } else {
        format!("{word}s")
    }
}

fn ends_in_consonant_y(word: &str) -> bool {
    let bytes = word.as_bytes();
    word.is_ascii() && bytes.len() > 1 && bytes.ends_with(b"y") && !is_vowel(bytes[bytes.len() - 2])
}

/// A short word that ends in consonant, vowel, consonant doubles the last: "plan", "planning".
fn doubles(verb: &str) -> bool {
    match verb.as_bytes() {
        [.., a, b, c] if verb.is_ascii() => {
            !is_vowel(*a) && is_vowel(*b) && !is_vowel(*c) && !matches!(c, b'w' | b'x' | b'y')
        }
        _ => false,
    }
}

fn is_vowel(byte: u8) -> bool {
    matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expected: &[&str]) {
        assert_eq!(forms(word), expected);
    }

    #[test]
    fn nouns_have_a_plural() {
        check("test~", &["test", "tests"]);
        check("query~", &["query", "queries"]);
        check("class~", &["class", "classes"]);
        check("key~", &["key", "keys"]);
    }

    #[test]
    fn verbs_have_four_forms_and_perhaps_a_doubled_consonant() {
        check(
            "explain^",
            &["explain", "explains", "explained", "explaining"],
        );
        check(
            "analyze^",
            &["analyze", "analyzes", "analyzed", "analyzing"],
        );
        check(
            "plan^",
            &["plan", "plans", "planed", "planing", "planned", "planning"],
        );
        check("verify^", &["verify", "verifies", "verified", "verifying"]);
    }

    #[test]
    fn other_words_stay_as_they_are() {
        check("jest", &["jest"]);
        check("übersetze", &["übersetze"]);
    }
}
