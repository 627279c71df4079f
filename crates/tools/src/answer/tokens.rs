//! How many tokens a text costs, estimated without a tokenizer.
//!
//! A model's context is counted in tokens, and loading a real vocabulary would cost
//! more memory than the whole server. The rules below follow how byte-pair encoders
//! split text: a short word is one token, digits go in groups of three, punctuation
//! mostly stands alone, and scripts without spaces cost about one token a character.

/// The longest run of letters that is a word or a name, in characters.
const WORD: usize = 40;
/// How many letters of encoded data go into a token.
const LETTERS_OF_DATA: usize = 3;

/// The estimate, within 15 % of a real tokenizer on the sample answers of the tests.
pub fn estimate(text: &str) -> usize {
    let mut quarters = 0;
    let mut run = Run::default();
    for c in text.chars() {
        let class = Class::of(c);
        if class != run.class {
            quarters += run.quarters();
            run = Run { class, length: 0 };
        }
        run.length += 1;
    }
    (quarters + run.quarters()).div_ceil(4)
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Class {
    #[default]
    Space,
    Break,
    Letter,
    Digit,
    Mark,
    /// Letters of other scripts that are written with spaces.
    Foreign,
    /// Scripts whose characters are words of their own, and pictures.
    Dense,
}

impl Class {
    fn of(c: char) -> Class {
        match c {
            '\n' | '\r' => Class::Break,
            c if c.is_whitespace() => Class::Space,
            'a'..='z' | 'A'..='Z' => Class::Letter,
            '0'..='9' => Class::Digit,
            c if c.is_ascii() => Class::Mark,
            '\u{80}'..='\u{1fff}' => Class::Foreign,
            _ => Class::Dense,
        }
    }
}

/// Characters of one class in a row.
#[derive(Default)]
struct Run {
    class: Class,
    length: usize,
}

impl Run {
    /// The cost in quarters of a token.
    fn quarters(&self) -> usize {
        let length = self.length;
        match self.class {
            // Spaces belong to what follows them.
            Class::Space => 0,
            Class::Break => 3,
            // Nobody's word is this long: encoded data, which has no long tokens.
            Class::Letter if length > WORD => {
                4 * WORD.div_ceil(10) + 4 * (length - WORD).div_ceil(LETTERS_OF_DATA)
            }
            Class::Letter => 4 * length.div_ceil(10),
            Class::Digit => 4 * length.div_ceil(3),
            Class::Mark => 4 * length.div_ceil(4),
            Class::Foreign => 2 * length + 2,
            Class::Dense => 4 * length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers of the tools and their cost in the encoding `o200k_base`, counted with
    /// the tokenizer itself.
    const SAMPLES: [(&str, usize); 10] = [
        (include_str!("samples/doc.md"), 161),
        (include_str!("samples/issue_go.md"), 938),
        (include_str!("samples/issue_java.md"), 1_002),
        (include_str!("samples/issue_javascript.md"), 926),
        (include_str!("samples/issue_python.md"), 1_391),
        (include_str!("samples/issue_rtl.md"), 826),
        (include_str!("samples/issue_unicode.md"), 858),
        (include_str!("samples/issues.md"), 2_232),
        (include_str!("samples/projects.md"), 85),
        (include_str!("samples/releases.md"), 3_539),
    ];

    #[test]
    fn the_estimate_is_within_15_percent_of_a_real_tokenizer() {
        for (text, counted) in SAMPLES {
            let estimated = estimate(text);
            let start = text.lines().next().unwrap_or_default();
            assert!(
                estimated * 100 >= counted * 85 && estimated * 100 <= counted * 115,
                "{start}: estimated {estimated}, counted {counted}"
            );
        }
    }

    #[test]
    fn long_runs_of_letters_are_data_and_cost_more_than_words() {
        assert_eq!(estimate(&"m".repeat(40)), 4);
        assert!(estimate(&"m".repeat(1_000)) > 320);
    }

    #[test]
    fn a_token_has_at_least_one_byte() {
        for text in ["", "a", "\n\n\n", "1234567", "}}}}", "é", "日本語", "🦀🦀", "a1b2c3"]
        {
            assert!(estimate(text) <= text.len(), "{text:?}");
        }
    }
}
