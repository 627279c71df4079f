//! Seeds for fuzzing, and changes to them. It checks nothing.

/// A small generator of pseudo-random numbers (xorshift64*), so that a run can be repeated.
pub(crate) struct Random(u64);

impl Random {
    /// The same seed gives the same numbers.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `limit`; zero where the limit is.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).unwrap_or(0) % limit.max(1)
    }
}

/// The queries of all tables, and some that are only nasty.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let tables = [
        include_str!("../queries/everywhere.txt"),
        include_str!("../queries/issues.txt"),
        include_str!("../queries/events.txt"),
        include_str!("../queries/spans.txt"),
        include_str!("../queries/errors.txt"),
        include_str!("../queries/logs.txt"),
        include_str!("../queries/replays.txt"),
        include_str!("../queries/foreign.txt"),
    ];
    let mut seeds: Vec<Vec<u8>> = tables
        .iter()
        .flat_map(|table| table.lines())
        .filter_map(|line| line.split_once('|'))
        .map(|(_, query)| query.replace(['«', '»'], "").replace('␤', "\n").replace('␉', "\t"))
        .map(String::into_bytes)
        .collect();
    let nasty: [&[u8]; 21] = [
        b"a\\\"(\"b:c\" )d",
        b"\0",
        b"\t\n>==",
        b"\xff\xfe",
        b"\"\\\"\\\"\\",
        b"!!!:::((([[[",
        b"a:[a,b]],c] x",
        b"f(\"a\",\"b\\\"\",tags[x,number]):>5%x",
        "\u{f00d}Contains\u{f00d}x:\u{f00d}Contains\u{f00d}[a, b]".as_bytes(),
        "ä:ö \"ü\":x tags[ß]:y (é) !ñ".as_bytes(),
        b"((((((((((((((((((((((((((((((((((((((((",
        b"a(b(c(d(e:f)g)h)i)j k(l(m)n)o",
        b"k:[a, k:[a, k:[a, k:[a, k:[a, ]x",
        b"x:1,2] y:-1.5k,z:2.]",
        b"SELECT a FROM b WHERE c IN (1,'2',\"3\") AND NOT d LIKE '%e%' OR f BETWEEN 1 AND 2",
        "t:>2026-01-31T\u{fffd}\u{fffd}:00 u:\u{fffd}:00".as_bytes(),
        "r:[\"a\"\u{fffd} b]".as_bytes(),
        b"a(count_unique(user.id):>10d(e:f)g)",
        b"x. ( a) r:[a:b]() t( f.id ):>1",
        b"((((\"",
        b"last 99999999999999999999 hours of my unresolved errors",
    ];
    seeds.extend(nasty.iter().map(|seed| seed.to_vec()));
    seeds
}

/// Pieces that mean something to the parser.
const PIECES: [&str; 40] = [
    " ",
    ":",
    "\"",
    "\\\"",
    "\\",
    "(",
    ")",
    "()",
    "[",
    "]",
    ",",
    ", ",
    "!",
    "-",
    ">",
    ">=",
    "=",
    "*",
    " OR ",
    " and ",
    "\n",
    "\t",
    "is:",
    "has:",
    "tags[",
    ",number]",
    "flags[",
    "count():>",
    "p95(",
    "1",
    "5k",
    "-24h",
    "500ms",
    "2026-01-31",
    "%",
    "level:error",
    "é",
    "\u{f00d}",
    "=='",
    "NOT ",
];

/// One to eight random changes.
pub(crate) fn mutate(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut data = seed.to_vec();
    for _ in 0..=random.below(8) {
        let at = random.below(data.len() + 1);
        match random.below(6) {
            0 => {
                data.truncate(at);
            }
            1 if at < data.len() => {
                data.remove(at);
            }
            2 if at < data.len() => data[at] = u8::try_from(random.below(256)).unwrap_or(0),
            3 => {
                let from = random.below(other.len() + 1);
                data.splice(at..at, other[from..].iter().copied());
            }
            4 => {
                let to = (at + random.below(12)).min(data.len());
                let copy = data[at..to].to_vec();
                data.splice(at..at, copy);
            }
            _ => {
                let piece = PIECES[random.below(PIECES.len())];
                data.splice(at..at, piece.bytes());
            }
        }
        data.truncate(4_096);
    }
    data
}
