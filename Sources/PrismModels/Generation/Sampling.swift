import Foundation
import PrismCore
import PrismTensor

/// How the next token is chosen from its logits.
public struct Sampling: Codable, Hashable, Sendable {
    /// Divides the logits; 0 always takes the largest.
    public var temperature: Float
    /// Draws from the k likeliest tokens only; nil from all.
    public var topK: Int?
    /// Draws from the fewest likeliest tokens whose probabilities sum to at least this (Holtzman et al. 2020), in (0, 1].
    public var topP: Float

    public init(temperature: Float = 1, topK: Int? = nil, topP: Float = 1) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
    }

    /// The likeliest token, always.
    public static let greedy = Sampling(temperature: 0)

    /// - Throws: `PrismError.usage` for a value out of range.
    func validate() throws {
        guard temperature >= 0, temperature.isFinite else {
            throw PrismError.usage("the temperature must be 0 or more, found \(temperature)")
        }
        guard topP > 0, topP <= 1 else { throw PrismError.usage("top-p must lie in (0, 1], found \(topP)") }
        if let topK, topK < 1 { throw PrismError.usage("top-k must be at least 1, found \(topK)") }
    }

    /// Draws a token: p(v) ∝ exp(logit(v) / temperature) over the tokens that top-k and top-p leave.
    /// - logits: [vocabulary]
    /// - Returns: nil if no logit is a number.
    package func token(_ logits: UnsafeBufferPointer<Float>, using generator: inout SeededGenerator) -> Int32? {
        guard let likeliest = topTokens(logits, 1).first else { return nil }
        if temperature == 0 { return likeliest.token }
        func mass(_ logit: Float) -> Double { logit.isNaN ? 0 : exp(Double((logit - likeliest.logit) / temperature)) }
        func mass(_ tokens: [(token: Int32, logit: Float)]) -> Double { tokens.reduce(0) { $0 + mass($1.logit) } }

        var kept: [(token: Int32, logit: Float)]
        if let topK {
            kept = topTokens(logits, topK)
        } else if topP == 1 {
            kept = logits.enumerated().map { (Int32($0), $1) }
        } else {
            // The tokens that matter are few: widen the selection until it holds the probability asked for.
            let wanted = Double(topP) * logits.reduce(0) { $0 + mass($1) }
            var size = 256
            kept = topTokens(logits, size)
            while kept.count == size, mass(kept) < wanted {
                size *= 4
                kept = topTokens(logits, size)
            }
            kept = nucleus(kept, wanted, mass)
        }
        if topK != nil, topP < 1 { kept = nucleus(kept, Double(topP) * mass(kept), mass) }

        var left = Double(generator.uniform()) * mass(kept)
        for choice in kept {
            left -= mass(choice.logit)
            if left < 0 { return choice.token }
        }
        return likeliest.token
    }

    /// The first of some tokens that together have the mass wanted.
    private func nucleus(
        _ tokens: [(token: Int32, logit: Float)], _ wanted: Double, _ mass: (Float) -> Double
    ) -> [(token: Int32, logit: Float)] {
        var sum = 0.0
        let last = tokens.firstIndex { token in
            sum += mass(token.logit)
            return sum >= wanted
        }
        return Array(tokens.prefix(through: last ?? tokens.count - 1))
    }
}

/// The n largest logits, largest first; of equal ones the smaller token id first. NaNs are passed over.
/// - logits: [vocabulary]
public func topTokens(_ logits: Tensor, _ n: Int) -> [(token: Int32, logit: Float)] {
    topTokens(UnsafeBufferPointer(start: logits.data, count: logits.count), n)
}

package func topTokens(_ logits: UnsafeBufferPointer<Float>, _ n: Int) -> [(token: Int32, logit: Float)] {
    func precedes(_ a: (token: Int32, logit: Float), _ b: (token: Int32, logit: Float)) -> Bool {
        a.logit != b.logit ? a.logit > b.logit : a.token < b.token
    }
    guard n > 0 else { return [] }
    // Candidates gather in a pool that is cut back to the best n whenever it has doubled; then only what beats the worst
    // of these is a candidate.
    var pool: [(token: Int32, logit: Float)] = []
    var bar = -Float.infinity
    for (token, logit) in logits.enumerated() where logit > bar || pool.count < n && logit >= bar {
        pool.append((Int32(token), logit))
        if pool.count >= 2 * n + 64 {
            pool.sort(by: precedes)
            pool.removeSubrange(n...)
            bar = pool[n - 1].logit
        }
    }
    pool.sort(by: precedes)
    return Array(pool.prefix(n))
}
