use std::fmt;

/// The suite's own flags, and what is left for libtest's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flags {
    /// How often every test runs; once by default.
    pub repeat: usize,
    /// The seed of the order; without one, tests run as they are listed.
    pub shuffle: Option<u64>,
    /// Every other argument, the program's name first.
    pub rest: Vec<String>,
}

/// A flag without its number.
#[derive(Clone, PartialEq, Eq)]
pub struct BadFlag(&'static str);

impl fmt::Display for BadFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} takes a whole number, {} at least",
            self.0,
            u8::from(self.0 == "--repeat")
        )
    }
}

/// As `Display`: it is what a `main` that fails prints.
impl fmt::Debug for BadFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for BadFlag {}

impl Flags {
    /// Takes `--repeat N` and `--shuffle SEED`, also written with `=`, out of a program's arguments. By default the
    /// suite runs twice, shuffled with the seed 1, so that a plain `cargo test` finds leaked state too.
    ///
    /// # Errors
    ///
    /// [`BadFlag`] when either comes without its number.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, BadFlag> {
        let mut flags = Self {
            repeat: 2,
            shuffle: Some(1),
            rest: Vec::new(),
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let mut value = || value.clone().or_else(|| arguments.next());
            match name {
                "--repeat" => flags.repeat = number("--repeat", value())?,
                "--shuffle" => flags.shuffle = Some(number("--shuffle", value())?),
                _ => flags.rest.push(argument),
            }
        }
        if flags.repeat == 0 {
            Err(BadFlag("--repeat"))
        } else {
            Ok(flags)
        }
    }
}

fn number<T: std::str::FromStr>(flag: &'static str, value: Option<String>) -> Result<T, BadFlag> {
    value
        .and_then(|value| value.parse().ok())
        .ok_or(BadFlag(flag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Flags, BadFlag> {
        Flags::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn own_flags_are_taken_out_and_the_rest_is_kept() {
        let flags = parse("it --repeat 3 --exact name --shuffle=7 --test-threads=1").unwrap();
        assert_eq!((flags.repeat, flags.shuffle), (3, Some(7)));
        assert_eq!(flags.rest, ["it", "--exact", "name", "--test-threads=1"]);
    }

    #[test]
    fn a_flag_without_its_number_is_refused() {
        for line in [
            "it --repeat",
            "it --repeat x",
            "it --repeat 0",
            "it --repeat=-1",
        ] {
            assert_eq!(parse(line), Err(BadFlag("--repeat")), "{line}");
        }
        assert_eq!(parse("it --shuffle"), Err(BadFlag("--shuffle")));
    }
}
