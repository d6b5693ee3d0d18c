use std::collections::HashMap;

use lattice_lock_errors::{Error, Result};
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::codes::CATALOGUE_MALFORMED;

/// By which other names a provider may call a model.
///
/// ```
/// use lattice_lock_providers::MatchRule;
///
/// let rule: MatchRule = serde_json::from_str(r#"{"prefix": "claude-3-opus"}"#).expect("a rule");
/// assert_eq!(rule, MatchRule::Prefix("claude-3-opus".to_string()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MatchRule {
    /// This very name.
    Exact(String),
    /// A name that begins so.
    Prefix(String),
    /// A name that ends so.
    Suffix(String),
    /// A name with this in it.
    Contains(String),
    /// A name that this regular expression finds something in.
    Regex(String),
    /// A name that all of these fit.
    All(Vec<MatchRule>),
}

/// The rules of one provider's models, found by the first bytes of what they look for.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    all: Vec<(usize, Compiled)>,
    by_start: HashMap<[u8; START], Vec<usize>>,
    /// Those that have no start to be found by.
    others: Vec<usize>,
}

const START: usize = 4;

#[derive(Clone, Debug)]
enum Compiled {
    Prefix(Box<str>),
    Suffix(Box<str>),
    Contains(Box<str>),
    Exact(Box<str>),
    Regex(Regex),
    All(Vec<Compiled>),
}

impl Compiled {
    fn of(rule: &MatchRule) -> Result<Self> {
        Ok(match rule {
            MatchRule::Exact(text) => Self::Exact(text.as_str().into()),
            MatchRule::Prefix(text) => Self::Prefix(text.as_str().into()),
            MatchRule::Suffix(text) => Self::Suffix(text.as_str().into()),
            MatchRule::Contains(text) => Self::Contains(text.as_str().into()),
            MatchRule::Regex(text) => Self::Regex(compiled(text)?),
            MatchRule::All(rules) => Self::All(rules.iter().map(Self::of).collect::<Result<_>>()?),
        })
    }

    fn fits(&self, name: &str) -> bool {
        match self {
            Self::Exact(text) => **text == *name,
            Self::Prefix(text) => name.starts_with(&**text),
            Self::Suffix(text) => name.ends_with(&**text),
            Self::Contains(text) => name.contains(&**text),
            Self::Regex(regex) => regex.is_match(name),
            Self::All(rules) => rules.iter().all(|rule| rule.fits(name)),
        }
    }

    /// Whether it fits, given that its first bytes stand at `at`.
    fn fits_at(&self, name: &str, at: usize) -> bool {
        match self {
            Self::Prefix(_) => at == 0 && self.fits(name),
            Self::Contains(text) => name.as_bytes()[at..].starts_with(text.as_bytes()),
            _ => self.fits(name),
        }
    }

    fn start(&self) -> Option<[u8; START]> {
        match self {
            Self::Prefix(text) | Self::Suffix(text) | Self::Contains(text) | Self::Exact(text) => {
                text.as_bytes().first_chunk().copied()
            }
            Self::Regex(_) | Self::All(_) => None,
        }
    }
}

fn compiled(text: &str) -> Result<Regex> {
    // A catalogue is read by whoever runs the program, and its expressions are small: so is what they may cost.
    let built = regex::RegexBuilder::new(text).size_limit(1 << 20).build();
    built.map_err(|_| {
        Error::new(CATALOGUE_MALFORMED, "not a regular expression").with("regex", text)
    })
}

impl Rules {
    pub(super) fn add(&mut self, model: usize, rule: &MatchRule) -> Result<()> {
        let rule = Compiled::of(rule)?;
        let place = self.all.len();
        match rule.start() {
            Some(start) => self.by_start.entry(start).or_default().push(place),
            None => self.others.push(place),
        }
        self.all.push((model, rule));
        Ok(())
    }

    /// The first model, in the order in which they were added, of which a rule fits.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let started = name
            .as_bytes()
            .windows(START)
            .enumerate()
            .flat_map(|(at, start)| {
                let places = <[u8; START]>::try_from(start)
                    .ok()
                    .and_then(|start| self.by_start.get(&start));
                places.into_iter().flatten().filter_map(move |place| {
                    let (model, rule) = &self.all[*place];
                    rule.fits_at(name, at).then_some(*model)
                })
            });
        let others = self.others.iter().filter_map(|place| {
            let (model, rule) = &self.all[*place];
            rule.fits(name).then_some(*model)
        });
        started.chain(others).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: &MatchRule, name: &str, fits: bool) {
        let mut rules = Rules::default();
        rules.add(0, rule).unwrap();
        assert_eq!(rules.find(name).is_some(), fits, "{rule:?} {name}");
    }

    #[test]
    fn each_rule_fits_what_it_says() {
        check(&MatchRule::Exact("gpt-5".into()), "gpt-5", true);
        check(&MatchRule::Exact("gpt-5".into()), "gpt-5x", false);
        check(&MatchRule::Prefix("gpt-5".into()), "gpt-5x", true);
        check(&MatchRule::Prefix("gpt-5".into()), "xgpt-5", false);
        check(&MatchRule::Suffix("-chat".into()), "gpt-chat", true);
        check(&MatchRule::Suffix("-chat".into()), "-chat-chat", true);
        check(&MatchRule::Suffix("-chat".into()), "gpt-chats", false);
        check(&MatchRule::Contains("claude".into()), "us.claude-3", true);
        check(&MatchRule::Contains("o1".into()), "o1", true);
        check(&MatchRule::Contains("o1".into()), "o", false);
        check(&MatchRule::Regex(r"^o\d$".into()), "o3", true);
        check(&MatchRule::Regex(r"^o\d$".into()), "o3x", false);
        let all = || {
            vec![
                MatchRule::Prefix("gpt".into()),
                MatchRule::Contains("é".into()),
            ]
        };
        check(&MatchRule::All(all()), "gpt-é", true);
        check(&MatchRule::All(all()), "gpt-e", false);
        check(&MatchRule::Prefix(String::new()), "", true);
    }

    #[test]
    fn the_first_model_wins() {
        let mut rules = Rules::default();
        for (model, text) in ["gpt-5-mini", "gpt-5", "gpt"].into_iter().enumerate() {
            rules.add(model, &MatchRule::Prefix(text.into())).unwrap();
        }
        assert_eq!(rules.find("gpt-5-mini-x"), Some(0));
        assert_eq!(rules.find("gpt-5-x"), Some(1));
        assert_eq!(rules.find("gpt-4"), Some(2));
        assert_eq!(rules.find("o3"), None);
    }

    #[test]
    fn a_broken_or_huge_expression_is_refused() {
        for text in ["(", r"\w{1000}{1000}"] {
            let mut rules = Rules::default();
            assert!(
                rules.add(0, &MatchRule::Regex(text.into())).is_err(),
                "{text}"
            );
        }
    }
}
