import Foundation
import PrismCore

/// A figure with its 95% interval.
public struct Estimate: Codable, Hashable, Sendable {
    public let value, low, high: Double

    public init(value: Double, low: Double, high: Double) {
        self.value = value
        self.low = low
        self.high = high
    }

    private enum CodingKeys: CodingKey { case value, low, high }

    /// JSON has no NaN: a figure that is not defined (a ratio to nothing) is written as null.
    public func encode(to encoder: Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        for (key, number) in [(CodingKeys.value, value), (.low, low), (.high, high)] {
            try container.encode(number.isFinite ? number : nil, forKey: key)
        }
    }

    public init(from decoder: Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func number(_ key: CodingKeys) throws -> Double { try container.decode(Double?.self, forKey: key) ?? .nan }
        self.init(value: try number(.value), low: try number(.low), high: try number(.high))
    }

    /// For people, “0.81 ± 0.08”: half the interval behind the value; the value alone if that is zero or not defined.
    /// - format: of one number, as printf has it. scale: of what is shown, 100 for percent.
    public func text(_ format: String, scale: Double = 1) -> String {
        guard value.isFinite else { return "–" }
        // + 0: no minus before a zero.
        let (shown, half) = (scale * value + 0, scale * (high - low) / 2)
        return String(format: format, shown) + (half.isFinite && half > 0 ? String(format: " ± " + format, half) : "")
    }
}

/// Bootstrap over contexts (Efron 1979): tokens of one context are not independent, contexts nearly are.
public struct Bootstrap: Sendable {
    /// How often each context occurs in each resample.
    private let multiplicities: [[Int]]

    public init(contexts: Int, resamples: Int = 400, seed: UInt64 = 0) {
        var generator = SeededGenerator(seed: seed, stream: "bootstrap")
        multiplicities = (0..<resamples).map { _ in
            var counts = [Int](repeating: 0, count: contexts)
            for _ in 0..<contexts { counts[Int.random(in: 0..<contexts, using: &generator)] += 1 }
            return counts
        }
    }

    /// The statistic on all contexts, ± 1.96 standard deviations over the resamples. (Not their percentiles: a resample
    /// can only lose latents, so the percentiles of a dead share would leave out the estimate itself.)
    /// Of a single context there is no interval.
    /// - statistic: maps each context's multiplicity to the figure.
    public func estimate(_ statistic: ([Int]) -> Double) -> Estimate {
        guard let contexts = multiplicities.first?.count else { return Estimate(value: .nan, low: .nan, high: .nan) }
        let value = statistic([Int](repeating: 1, count: contexts))
        guard contexts > 1 else { return Estimate(value: value, low: .nan, high: .nan) }
        let samples = multiplicities.map(statistic)
        let mean = samples.reduce(0, +) / Double(samples.count)
        let variance = samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, samples.count - 1))
        let half = 1.96 * variance.squareRoot()
        return Estimate(value: value, low: value - half, high: value + half)
    }

    /// The mean of values of which each has a context of its own; NaN of none.
    package func mean(of values: [Double]) -> Estimate {
        estimate { counts in zip(counts, values).reduce(0) { $0 + Double($1.0) * $1.1 } / Double(values.count) }
    }
}
