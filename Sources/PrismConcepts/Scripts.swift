import Foundation

/// Scripts, by Unicode's blocks, with a log-likelihood ratio as in Bricken et al. 2023 (Towards Monosemanticity).
///
/// A character without a script of its own (a space, a digit, a full stop) takes that of the letter before it, or of the
/// first one. A token belongs to the scripts of its characters. The share of each token's occurrences in a script is
/// counted in the text, and shrunk towards the script's share of all tokens, as one more occurrence:
///
///     P(script | t) = (n(t, script) + P(script)) / (n(t) + 1)
///     s ← max(0, s + log P(t | script) − log P(t)) = max(0, s + log P(script | t) − log P(script)), at most `EvidenceSums.ceiling`
///
/// and 0 after a token without the script. Only tokens that hold a letter of the script, or bytes of one, have this for a
/// score; it is at least `floor`, so that a script which is the whole text is not empty.
struct Scripts: ConceptFamily {
    /// Ranges of Unicode's blocks (Unicode 15, Blocks.txt); digits and punctuation within them belong to the script.
    static let all: [(name: String, ranges: [ClosedRange<UInt32>])] = [
        (
            "Latin",
            [
                0x41...0x5a, 0x61...0x7a, 0xc0...0xd6, 0xd8...0xf6, 0xf8...0x24f, 0x1e00...0x1eff, 0xff21...0xff3a,
                0xff41...0xff5a,
            ]
        ),
        ("Greek", [0x370...0x3ff, 0x1f00...0x1fff]),
        ("Cyrillic", [0x400...0x52f, 0x1c80...0x1c8f, 0x2de0...0x2dff, 0xa640...0xa69f]),
        ("Hebrew", [0x590...0x5ff, 0xfb1d...0xfb4f]),
        ("Arabic", [0x600...0x6ff, 0x750...0x77f, 0x870...0x8ff, 0xfb50...0xfdff, 0xfe70...0xfefe]),
        ("Devanagari", [0x900...0x97f, 0xa8e0...0xa8ff]),
        ("Thai", [0xe00...0xe7f]),
        ("Hangul", [0x1100...0x11ff, 0x3130...0x318f, 0xa960...0xa97f, 0xac00...0xd7ff]),
        ("Hiragana", [0x3041...0x309f]),
        ("Katakana", [0x30a0...0x30ff, 0x31f0...0x31ff, 0xff66...0xff9f]),
        (
            "Han",
            [0x2e80...0x2fdf, 0x3005...0x3007, 0x3400...0x4dbf, 0x4e00...0x9fff, 0xf900...0xfaff, 0x20000...0x3ffff]
        ),
    ]
    static let floor: Float = 0.1

    let concepts = all.map {
        Concept("script", $0.name, "Holds a character of the \($0.name) script, or a part of one; score in nats.")
    }

    func detector(for text: ObservedText) -> any Detector { ScriptDetector(concepts, text) }

    /// Place in `all`; nil for characters of no script of its own, or of a script that is not listed.
    static func script(of scalar: Unicode.Scalar) -> Int? {
        let value = scalar.value
        if value < 0x80 { return ascii[Int(value)] }
        // CJK is most of what remains, so that it comes first.
        if (0x4e00...0x9fff).contains(value) { return all.count - 1 }
        return all.firstIndex { $0.ranges.contains { $0.contains(value) } }
    }

    private static let ascii: [Int?] = (UInt32(0)..<0x80).map {
        all[0].ranges[0].contains($0) || all[0].ranges[1].contains($0) ? 0 : nil
    }
}

private struct ScriptDetector: Detector {
    let concepts: [Concept]
    /// log P(script | t) − log P(script) by token; what is not listed has 0.
    private let ratios: [Int32: [Float]]

    init(_ concepts: [Concept], _ text: ObservedText) {
        self.concepts = concepts
        var counts: [Int32: [Int32]] = [:]
        var total = [Double](repeating: 0, count: concepts.count)
        for context in text.contexts {
            let own = ContextText(context, tokenizer: text.tokenizer)
            for (token, scripts) in Self.scripts(own).enumerated() where scripts.around != 0 {
                for script in concepts.indices where scripts.around & 1 << script != 0 {
                    counts[context.tokens[token], default: [Int32](repeating: 0, count: concepts.count)][script] += 1
                    total[script] += 1
                }
            }
        }
        let shares = total.map { ($0 + 0.5) / (Double(text.total) + 1) }
        ratios = Dictionary(
            uniqueKeysWithValues: counts.map { id, counts in
                let occurrences = Double(text.counts[id]!)
                return (
                    id, zip(counts, shares).map { Float(log((Double($0) + $1) / (occurrences + 1) / $1)) }
                )
            })
    }

    /// Of each token: the scripts of its letters, and with them those that its other characters take from before them; as
    /// sets of bits.
    private static func scripts(_ text: ContextText) -> [(own: UInt32, around: UInt32)] {
        let ofCharacters = text.characters.map { $0.scalar.flatMap(Scripts.script) }
        var last = ofCharacters.lazy.compactMap { $0 }.first
        var around: [UInt32] = []
        around.reserveCapacity(ofCharacters.count)
        for (script, character) in zip(ofCharacters, text.characters) {
            last = script ?? last
            // A character that the context's edge cuts, or one of another script, takes none.
            let isCommon = character.scalar.map { script != nil || !$0.properties.isAlphabetic } ?? false
            around.append(isCommon ? last.map { 1 << $0 } ?? 0 : 0)
        }
        return text.tokens.indices.map { token in
            text.characters(ofToken: token).reduce(into: (own: 0, around: 0)) { result, character in
                result.own |= ofCharacters[character].map { 1 << $0 } ?? 0
                result.around |= around[character]
            }
        }
    }

    func score(_ text: ContextText, _ scores: Scores) {
        var sums = [Float](repeating: 0, count: concepts.count)
        for (token, scripts) in Self.scripts(text).enumerated() {
            let ratios = ratios[text.context.tokens[token]]
            for script in concepts.indices {
                guard scripts.around & 1 << script != 0 else {
                    sums[script] = 0
                    continue
                }
                sums[script] = min(max(0, sums[script] + (ratios?[script] ?? 0)), EvidenceSums.ceiling)
                if scripts.own & 1 << script != 0 { scores[token, script] = max(Scripts.floor, sums[script]) }
            }
        }
    }
}
