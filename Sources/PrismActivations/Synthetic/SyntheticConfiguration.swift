import Foundation
import PrismCore

/// What activations with known features are made of, after SynthSAEBench (Chanin and Garriga-Alonso 2026,
/// arXiv:2602.14687): a vector is
///
///     x = b + Σᵢ aᵢ dᵢ + ε
///
/// with unit directions dᵢ, more of them than dimensions, few of them active (aᵢ > 0) at a time. Features are ordered from
/// the most to the least frequent.
public struct SyntheticConfiguration: Codable, Hashable, Sendable {
    /// True features, n.
    public var features = 256
    /// Numbers in a vector, d.
    public var width = 64
    /// Decides the features and every vector.
    public var seed: UInt64 = 0
    public var frequencies = Frequencies()
    public var magnitudes = Magnitudes()
    /// Which features depend on others; nil: none.
    public var hierarchy: Hierarchy?
    /// Which features tend to be active together; nil: all are independent.
    public var correlation: Correlation?
    /// Steps that make random directions more orthogonal, see `SyntheticFeatures.orthogonalise`; 0 leaves them random.
    public var orthogonalisation = 0
    /// ‖b‖; its direction is random.
    public var bias = 0.5
    /// Standard deviation of each number of ε, which is normal.
    public var noise = 0.0

    /// How often features are active: Zipf's law r^(−exponent) of the rank r, stretched linearly to reach from `largest` to
    /// `smallest`. With exponent 0 all have the largest.
    public struct Frequencies: Codable, Hashable, Sendable {
        public var largest: Double
        public var smallest: Double
        public var exponent: Double

        public init(largest: Double = 0.1, smallest: Double = 0.008, exponent: Double = 0.5) {
            (self.largest, self.smallest, self.exponent) = (largest, smallest, exponent)
        }
    }

    /// An active feature has aᵢ = max(0, N(μᵢ, σᵢ²)): μᵢ goes linearly from the first feature's to the last's, and
    /// σᵢ = |N(deviation, deviationSpread²)|. With a value of zero it is not active.
    public struct Magnitudes: Codable, Hashable, Sendable {
        public var meanOfFirst: Double
        public var meanOfLast: Double
        public var deviation: Double
        public var deviationSpread: Double

        public init(
            meanOfFirst: Double = 5, meanOfLast: Double = 4, deviation: Double = 0.5, deviationSpread: Double = 0.5
        ) {
            (self.meanOfFirst, self.meanOfLast) = (meanOfFirst, meanOfLast)
            (self.deviation, self.deviationSpread) = (deviation, deviationSpread)
        }
    }

    /// A forest, filled with features in their order, level by level; what does not fit in stands alone. A child is active
    /// only if its parent is, and for that more often, so that its frequency is what `frequencies` says; where siblings exclude each other it stays
    /// below, as in the original (34 instead of 59 active features in `synthSAEBench16k`).
    public struct Hierarchy: Codable, Hashable, Sendable {
        public var roots: Int
        public var branching: Int
        /// Levels below the roots.
        public var depth: Int
        /// Share of the parents of whose children at most one is active at a time.
        public var exclusiveShare: Double
        /// Whether a child's value is multiplied by its parent's over the parent's mean.
        public var scalesByParent: Bool

        public init(roots: Int, branching: Int, depth: Int, exclusiveShare: Double = 0, scalesByParent: Bool = true) {
            (self.roots, self.branching, self.depth) = (roots, branching, depth)
            (self.exclusiveShare, self.scalesByParent) = (exclusiveShare, scalesByParent)
        }
    }

    /// Gaussian copula of low rank: feature i wants to be active where fᵢ·g + √(1 − ‖fᵢ‖²) hᵢ exceeds a threshold, with g
    /// common to all features and hᵢ its own, all standard normal, fᵢ drawn from N(0, scale² I) in `rank` dimensions.
    public struct Correlation: Codable, Hashable, Sendable {
        public var rank: Int
        public var scale: Double

        public init(rank: Int, scale: Double) { (self.rank, self.scale) = (rank, scale) }
    }

    public init() {}

    /// Trains to nearly all features within a minute: independent ones, four times as many as dimensions.
    public static let small = SyntheticConfiguration()

    /// The world of SynthSAEBench-16k as its authors' script makes it: n = 16,384, d = 768, some 34 active features. The
    /// drawn numbers are ours, and the directions are made as orthogonal as they can be, where theirs go part of the way.
    public static let synthSAEBench16k = {
        var configuration = SyntheticConfiguration()
        (configuration.features, configuration.width) = (16_384, 768)
        configuration.frequencies = Frequencies(largest: 0.4, smallest: 5e-4, exponent: 0.5)
        configuration.hierarchy = Hierarchy(
            roots: 128, branching: 4, depth: 3, exclusiveShare: 1, scalesByParent: true)
        configuration.correlation = Correlation(rank: 25, scale: 0.1)
        configuration.orthogonalisation = 4
        return configuration
    }()

    /// By the names that the command line takes.
    public static let presets = ["small": small, "synthsaebench-16k": synthSAEBench16k]

    /// The frequencies that features shall have, [n], descending.
    var targetFrequencies: [Double] {
        guard frequencies.exponent > 0, features > 1 else {
            return [Double](repeating: frequencies.largest, count: features)
        }
        let last = pow(Double(features), -frequencies.exponent)
        return (1...features).map {
            let share = (pow(Double($0), -frequencies.exponent) - last) / (1 - last)
            return frequencies.smallest + (frequencies.largest - frequencies.smallest) * share
        }
    }

    /// - Throws: `PrismError.usage` that names the member.
    public func validate() throws {
        func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
            if !condition { throw PrismError.usage("synthetic activations: " + message()) }
        }
        try require((1...1 << 20).contains(features), "features must lie between 1 and 2^20, not be \(features)")
        try require((1...1 << 16).contains(width), "width must lie between 1 and 65536, not be \(width)")
        let (low, high) = (frequencies.smallest, frequencies.largest)
        try require(
            low > 0 && low <= high && high < 1,
            "frequencies need 0 < smallest ≤ largest < 1, not smallest \(low) and largest \(high)")
        try require(
            (0...10).contains(frequencies.exponent),
            "the frequencies' exponent must lie between 0 and 10, not be \(frequencies.exponent)")
        let numbers = [
            ("meanOfFirst", magnitudes.meanOfFirst), ("meanOfLast", magnitudes.meanOfLast),
            ("deviation", magnitudes.deviation), ("deviationSpread", magnitudes.deviationSpread), ("bias", bias),
            ("noise", noise),
        ]
        for (index, (name, value)) in numbers.enumerated() {
            try require(
                value >= 0 && value <= 1e6 && (index > 1 || value > 0),
                "\(name) must be \(index > 1 ? "at least 0" : "above 0") and at most 1e6, not \(value)")
        }
        try require((0...1000).contains(orthogonalisation), "orthogonalisation takes 0 to 1000 steps")
        if let hierarchy {
            try require(
                hierarchy.roots > 0 && (1...features).contains(hierarchy.branching) && hierarchy.depth > 0,
                "a hierarchy needs roots, branching and depth of at least 1 and not more branching than features")
            try require(
                (0...1).contains(hierarchy.exclusiveShare),
                "exclusiveShare must lie between 0 and 1, not be \(hierarchy.exclusiveShare)")
        }
        if let correlation {
            try require(
                (1...1024).contains(correlation.rank) && correlation.scale >= 0 && correlation.scale <= 1e3,
                "a correlation needs a rank between 1 and 1024 and a scale of at least 0")
        }
    }
}

extension SyntheticConfiguration {
    /// Reads a specification, every member of which must be there and none that means nothing.
    /// - Throws: `PrismError.badData` that names the member.
    public init(loading url: URL) throws {
        let data = try Files.read(url)
        do {
            self = try JSONDecoder().decode(Self.self, from: data)
        } catch DecodingError.keyNotFound(let key, _) {
            throw PrismError.badData("\(url.path) lacks the member ‘\(key.stringValue)’; start from a preset's file")
        } catch {
            throw PrismError.badData(
                "\(url.path) is no specification of synthetic activations; start from a preset's file")
        }
        let understood = Self.members(try JSONEncoder.prism.encode(self))
        if let surplus = Self.members(data).subtracting(understood).min() {
            throw PrismError.badData("\(url.path) has a member ‘\(surplus)’ that means nothing; remove it")
        }
        do {
            try validate()
        } catch let error as PrismError {
            throw PrismError.badData("\(url.path): \(error.message)")
        }
    }

    /// Names of the members that are not null, those inside others as "outer.inner".
    private static func members(_ data: Data) -> Set<String> {
        func names(_ value: Any, _ prefix: String) -> [String] {
            guard let object = value as? [String: Any] else { return [] }
            return object.flatMap { $1 is NSNull ? [] : [prefix + $0] + names($1, prefix + $0 + ".") }
        }
        return Set(names((try? JSONSerialization.jsonObject(with: data)) ?? [:], ""))
    }
}
