//! What providers add to a model's name.

/// The name without a date at its end.
pub(super) fn undated(name: &str) -> Option<&str> {
    let end = ["-dddd-dd-dd", "-dddddddd", "@dddddddd"]
        .into_iter()
        .find_map(|shape| ends_with_shape(name, shape))?;
    (end > 0).then(|| &name[..end])
}

/// The name without what says where or through whom it is served: `models/`, a publisher, a region, an ARN.
pub(super) fn bare(name: &str) -> Option<&str> {
    const REGIONS: [&str; 12] = [
        "us.", "eu.", "apac.", "global.", "au.", "jp.", "us-gov.", "in.", "ca.", "sa.", "me.",
        "af.",
    ];
    // Only paths that providers are known to write: `nobody/gpt-5` names somebody else's model.
    let is_path =
        name.starts_with("models/") || name.starts_with("arn:") || name.contains("/models/");
    let from_path = name
        .rsplit_once('/')
        .filter(|_| is_path)
        .map(|(_, last)| last);
    let from_region = || REGIONS.iter().find_map(|region| name.strip_prefix(region));
    from_path
        .or_else(from_region)
        .filter(|bare| !bare.is_empty())
}

/// Where the part of `name` begins that has this shape (`d` stands for a digit), if it ends so.
fn ends_with_shape(name: &str, shape: &str) -> Option<usize> {
    let start = name.len().checked_sub(shape.len())?;
    let fits = |(byte, sign): (u8, u8)| match sign {
        b'd' => byte.is_ascii_digit(),
        sign => byte == sign,
    };
    name.as_bytes()[start..]
        .iter()
        .copied()
        .zip(shape.bytes())
        .all(fits)
        .then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_at_the_end_are_left_off() {
        let check =
            |name: &str, expected: Option<&str>| assert_eq!(undated(name), expected, "{name}");
        check("m-2025-08-07", Some("m"));
        check("m-20250807", Some("m"));
        check("m@20250807", Some("m"));
        check("m-2025-08", None);
        check("-20250807", None);
        check("é-20250807", Some("é"));
        check("é20250807", None);
    }

    #[test]
    fn places_and_publishers_are_left_off() {
        let check = |name: &str, expected: Option<&str>| assert_eq!(bare(name), expected, "{name}");
        check("models/gemini-2.5-pro", Some("gemini-2.5-pro"));
        check(
            "us.anthropic.claude-opus-5",
            Some("anthropic.claude-opus-5"),
        );
        check(
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.x",
            Some("us.anthropic.x"),
        );
        check(
            "publishers/google/models/gemini-2.5-pro",
            Some("gemini-2.5-pro"),
        );
        check("gpt-5", None);
        check("nobody/gpt-5", None);
        check("models/", None);
        check("us.", None);
    }
}
