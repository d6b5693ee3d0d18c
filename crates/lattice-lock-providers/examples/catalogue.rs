//! Makes `data/catalogue.json` and `docs/catalogue.md` from the published price lists in `tests/data`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

#[path = "../tests/shipped/generate.rs"]
mod generate;

fn main() -> ExitCode {
    match make() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Only the exit code is read by a script; whoever runs it by hand wants the reason.
            let shown =
                std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{error}\n"));
            drop(shown);
            ExitCode::FAILURE
        }
    }
}

fn make() -> Result<(), Box<dyn std::error::Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(here.join("tests/data").join(name));
    let made = generate::generate(&read("litellm.json")?, &read("genai-prices.json")?)?;
    fs::write(here.join("data/catalogue.json"), made.catalogue.to_json())?;
    fs::write(here.join("../../docs/catalogue.md"), made.page)?;
    Ok(())
}
