//! The natural language of a text: by its letters, and by its most frequent words.

use super::counts::Counts;
use super::lexer::Kind;
use super::script::Script;
use crate::PromptLanguage;
use crate::patterns::{LANGUAGE_SETS, Table};

/// How many words of a language must be met, at least, in a text of more than a few words.
const FEWEST: u32 = 2;
/// A text of at most so many words needs only one.
const SHORT: u32 = 6;

pub(crate) fn detect(counts: &Counts, table: &Table, met: &[u16; LANGUAGE_SETS]) -> PromptLanguage {
    let of = |script: Script| counts.of(Kind::wide(script));
    let ascii: u32 = counts.words[..usize::from(Kind::NUMBER.0)].iter().sum();
    let latin = ascii + of(Script::Latin);
    // Signs without spaces between words: about two make a word.
    let east = (of(Script::Han) + of(Script::Kana) + of(Script::Hangul)) / 2;
    if east > 0 && east * 2 >= latin {
        return eastern(of(Script::Kana), of(Script::Hangul), of(Script::Han));
    }
    let scripts = [
        (
            Script::Cyrillic,
            PromptLanguage::Russian,
            Some(PromptLanguage::Ukrainian),
        ),
        (Script::Greek, PromptLanguage::Greek, None),
        (Script::Hebrew, PromptLanguage::Hebrew, None),
        (
            Script::Arabic,
            PromptLanguage::Arabic,
            Some(PromptLanguage::Persian),
        ),
        (Script::Devanagari, PromptLanguage::Hindi, None),
    ];
    let words = words(table, met);
    for (script, first, second) in scripts {
        if of(script) > 0 && of(script) * 2 >= latin {
            return second
                .filter(|second| words[*second as usize] > words[first as usize])
                .unwrap_or(first);
        }
    }
    if of(Script::Thai) / 4 * 2 >= latin.max(2) {
        return PromptLanguage::Thai;
    }
    western(&words, latin)
}

fn eastern(kana: u32, hangul: u32, han: u32) -> PromptLanguage {
    if hangul > kana && hangul * 2 > han {
        PromptLanguage::Korean
    } else if kana * 8 >= han {
        PromptLanguage::Japanese
    } else {
        PromptLanguage::Chinese
    }
}

/// How many frequent words of each language were met.
fn words(table: &Table, met: &[u16; LANGUAGE_SETS]) -> [u32; 32] {
    let mut words = [0; 32];
    for (set, count) in table
        .language_sets()
        .iter()
        .zip(met)
        .filter(|(_, count)| **count > 0)
    {
        let mut languages = *set;
        while languages != 0 {
            words[languages.trailing_zeros() as usize] += u32::from(*count);
            languages &= languages - 1;
        }
    }
    words
}

fn western(words: &[u32; 32], latin: u32) -> PromptLanguage {
    let best =
        PromptLanguage::ALL
            .iter()
            .skip(1)
            .fold(PromptLanguage::Unknown, |best, language| {
                if words[*language as usize] > words[best as usize] {
                    *language
                } else {
                    best
                }
            });
    let fewest = if latin <= SHORT { 1 } else { FEWEST };
    if words[best as usize] >= fewest {
        best
    } else {
        PromptLanguage::Unknown
    }
}

#[cfg(test)]
mod tests {
    use crate::{Analyzer, PromptLanguage};

    fn check(text: &str, expected: PromptLanguage) {
        assert_eq!(
            Analyzer::new().analyze(text).features().language(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn languages_are_told_by_their_frequent_words() {
        check(
            "How can I get the list of all users in this table?",
            PromptLanguage::English,
        );
        check(
            "Warum funktioniert diese Funktion nicht mit einer leeren Liste?",
            PromptLanguage::German,
        );
        check(
            "Peux-tu écrire une fonction qui trie les noms dans la liste ?",
            PromptLanguage::French,
        );
        check(
            "¿Cómo puedo ordenar los nombres de la lista con una función?",
            PromptLanguage::Spanish,
        );
        check(
            "Você pode escrever uma função para ordenar os nomes do arquivo?",
            PromptLanguage::Portuguese,
        );
        check(
            "Perché il programma non funziona con gli elenchi vuoti?",
            PromptLanguage::Italian,
        );
        check(
            "Hoe kan ik deze lijst met namen sorteren?",
            PromptLanguage::Dutch,
        );
        check(
            "Jak mogę posortować listę, która nie jest pusta?",
            PromptLanguage::Polish,
        );
    }

    #[test]
    fn languages_are_told_by_their_letters() {
        check(
            "Напиши функцию, которая сортирует список",
            PromptLanguage::Russian,
        );
        check(
            "Напиши функцію, що сортує список і як це працює",
            PromptLanguage::Ukrainian,
        );
        check("写一个函数来排序列表", PromptLanguage::Chinese);
        check(
            "リストを並べ替える関数を書いてください",
            PromptLanguage::Japanese,
        );
        check("목록을 정렬하는 함수를 작성해 줘", PromptLanguage::Korean);
        check("اكتب دالة لترتيب القائمة", PromptLanguage::Arabic);
        check("एक फ़ंक्शन लिखो जो सूची को क्रम में लगाए", PromptLanguage::Hindi);
        check("เขียนฟังก์ชันเรียงลำดับรายการ", PromptLanguage::Thai);
        check("Γράψε μια συνάρτηση", PromptLanguage::Greek);
        check("כתוב פונקציה", PromptLanguage::Hebrew);
    }

    #[test]
    fn what_is_no_language_is_unknown() {
        check("", PromptLanguage::Unknown);
        check("12 + 34 = ?", PromptLanguage::Unknown);
        check("xkcd qwfp zxcv", PromptLanguage::Unknown);
    }
}
