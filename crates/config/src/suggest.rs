//! "Did you mean": the known word nearest to an unknown one.

/// The nearest of `known`, when it is near enough to be a likely slip.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let allowed = (word.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The same as a sentence for a hint.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    // A long word is nobody's slip, and the distance costs its square.
    if word.len() > 64 {
        return None;
    }
    nearest(word, known).map(|found| format!("did you mean `{found}`?"))
}

/// `a`, `a or b`, `a, b, or c`.
pub(crate) fn one_of(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first, second] => format!("{first} or {second}"),
        [rest @ .., last] => format!("{}, or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["port", "host", "logLevel", "auth"];
        for (word, expected) in [
            ("prot", Some("port")),
            ("loglevel", Some("logLevel")),
            ("log_level", Some("logLevel")),
            ("Auth", Some("auth")),
            ("auht", Some("auth")),
            ("completely", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }

    #[test]
    fn lists_read_like_a_sentence() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(one_of(&words("a")), "a");
        assert_eq!(one_of(&words("a b")), "a or b");
        assert_eq!(one_of(&words("a b c")), "a, b, or c");
    }
}
