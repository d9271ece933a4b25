/// The tokens that a report shows, numbered by how often it shows them, so that frequent ones have short numbers.
struct ReportVocabulary {
    let tokens: [Int32]
    let texts: [String]
    let numbers: [Int32: Int]

    init(
        atlas: Atlas, segments: ReportSegments, effects: [LogitEffects], examples: [[Atlas.ExampleRow]]
    ) throws {
        var counts: [Int32: Int] = [:]
        for segment in segments.all { for token in segment.tokens { counts[token, default: 0] += 1 } }
        for effect in effects {
            for entry in effect.promoted + effect.suppressed { counts[entry.token, default: 0] += 1 }
        }
        for example in examples.joined() { counts[example.token, default: 0] += 1 }
        let known = try atlas.texts(of: counts.keys)
        tokens = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
        texts = tokens.map { known[$0] ?? "⟨\($0)⟩" }
        numbers = Dictionary(uniqueKeysWithValues: tokens.enumerated().map { ($1, $0) })
    }
}
