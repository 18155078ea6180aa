//! A text that no tool has an easy time with: real sentences in many scripts, emoji of several code
//! points, combining marks, and characters that JSON or a stream could stumble over.

use crate::chance::Chance;

/// The first article of the Universal Declaration of Human Rights, a language on each line.
const LANGUAGES: &str = include_str!("../../data/languages.txt");

/// What stands between sentences.
const BETWEEN: &[&str] = &[
    " ",
    "\n",
    "\n\n",
    "\t",
    "\r\n",
    " \u{2014} ",
    "\u{200b}",
    "\u{3000}",
    "\u{2028}",
    "\u{85}",
];

/// What is easily broken.
const FRAGILE: &[&str] = &[
    "👩‍👩‍👧‍👦",
    "🏳️‍🌈",
    "👍🏽",
    "🇪🇺🇯🇵🇧🇷",
    "🧑‍💻",
    "1️⃣",
    "🦀🦀🦀",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "𠜎𠜱𠝹",
    "e\u{301}a\u{308}o\u{302}\u{323}",
    "Z̴̡̛͎̣a̸͚͌l̵̲̋g̶̹̓o̸̢͝",
    "क्षि",
    "각",
    "\u{202e}abc\u{202c}",
    "\"quoted\" \\ and \\u0041",
    "data: {\"id\":1}",
    "id: 7\n\nevent: x\n\n",
    "\u{0}\u{1f}\u{7f}",
    "\u{feff}",
    "</script>",
    "\u{fffd}",
    "\u{10ffff}",
    "%00&amp;",
];

/// At least 200 kB of it.
pub(super) fn generate(chance: &mut Chance) -> String {
    let sentences: Vec<&str> = LANGUAGES.lines().collect();
    let mut text = String::new();
    while text.len() < 200_000 {
        for choices in [&sentences[..], BETWEEN, FRAGILE, BETWEEN] {
            text.push_str(chance.one_of(choices));
        }
    }
    text
}
