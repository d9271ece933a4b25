import Foundation

/// What words, letters and signs say about the class of the text that they stand in, one of several at most.
///
/// Half of all text is taken to belong to no class, the other half to each of the K classes equally often. A class that lists
/// a word w uses it with probability p, others with q; so if k classes list it,
///
///     P(w) = ½ q + ½ (k p + (K − k) q) / K
///     s_c ← max(0, s_c + log P(w | c) − log P(w))
///
/// in which s_c is the largest log-likelihood ratio of all stretches that end here (Bricken et al. 2023, with words for
/// tokens). When the largest sum passes `ceiling`, all are lowered by as much, so that another class can overtake soon.
struct Evidence<Key: Hashable & Sendable>: Sendable {
    /// log P(w | c) − log P(w), by word and class.
    private let ratios: [Key: [Float]]

    /// - listed: what each class lists. probability, elsewhere: p and q.
    init(_ listed: [[Key]], probability p: Float, elsewhere q: Float) {
        var ratios: [Key: [Float]] = [:]
        let classes = Float(listed.count)
        for (index, keys) in listed.enumerated() {
            for key in keys { ratios[key, default: [Float](repeating: q, count: listed.count)][index] = p }
        }
        self.ratios = ratios.mapValues { probabilities in
            let frequency = (q + probabilities.reduce(0, +) / classes) / 2
            return probabilities.map { log($0 / frequency) }
        }
    }

    /// By class; nil for what no class lists.
    subscript(key: Key) -> [Float]? { ratios[key] }
}

/// The sums s_c of all classes at one place of a text.
struct EvidenceSums {
    /// In nats. All log-likelihood ratios end here, so that they can come down again within some tokens of other text.
    static let ceiling: Float = 20
    /// What the likeliest class needs: more than the log of 60 classes that are as likely before, and a lead.
    static let (threshold, lead): (Float, Float) = (5, 1.5)

    private(set) var values: [Float]

    init(classes: Int) { values = [Float](repeating: 0, count: classes) }

    mutating func add(_ ratios: [Float]) {
        for c in values.indices { values[c] = max(0, values[c] + ratios[c]) }
        lower()
    }

    mutating func add(_ ratio: Float) {
        for c in values.indices { values[c] = max(0, values[c] + ratio) }
        lower()
    }

    private mutating func lower() {
        let excess = values.max()! - Self.ceiling
        if excess > 0 { for c in values.indices { values[c] = max(0, values[c] - excess) } }
    }

    /// The class of the text here; nil if none is likely enough.
    var winner: Int? {
        let best = values.indices.max { values[$0] < values[$1] }!
        let next = values.indices.lazy.filter { $0 != best }.map { values[$0] }.max() ?? 0
        return values[best] >= Self.threshold && values[best] - next >= Self.lead ? best : nil
    }
}

/// Writes one class at most to each token: that of the last word or sign in it, or else before it.
struct ClassLabels {
    private let text: ContextText
    private let scores: Scores
    private let classes: Int
    /// What the last word or sign said, and where it ended.
    private var last: (winner: Int, score: Float)?
    private var end = 0

    init(_ text: ContextText, _ scores: Scores, classes: Int) {
        (self.text, self.scores, self.classes) = (text, scores, classes)
    }

    /// - range: bytes of a word or sign, after those of the last.
    mutating func append(_ range: Range<Int>, _ winner: Int?, _ sums: EvidenceSums) {
        write(end..<range.lowerBound)
        last = winner.map { ($0, sums.values[$0]) }
        write(range)
        end = range.upperBound
    }

    /// The bytes that follow the last word or sign.
    func finish() { write(end..<text.bytes.count) }

    private func write(_ range: Range<Int>) {
        for token in text.tokens(ofBytes: range) {
            for column in 0..<classes { scores[token, column] = 0 }
            if let last { scores[token, last.winner] = last.score }
        }
    }
}
