import Foundation
import PrismActivations
import PrismCore
import PrismTensor
import Testing

@Suite struct SyntheticActivationsTests {
    /// Few features, in number no multiple of a group, frequent enough to be counted.
    static func configuration(features: Int = 37, width: Int = 12) -> SyntheticConfiguration {
        var configuration = SyntheticConfiguration()
        (configuration.features, configuration.width, configuration.seed) = (features, width, 3)
        configuration.frequencies = .init(largest: 0.4, smallest: 0.05, exponent: 0.7)
        return configuration
    }

    static func source(
        _ configuration: SyntheticConfiguration, _ side: SyntheticActivations.Side = .training, _ count: Int = 20_000
    ) throws -> SyntheticActivations {
        SyntheticActivations(try SyntheticFeatures(configuration), side, vectorCount: count)
    }

    /// Whether a share of `count` trials is that of a coin with probability p: within five standard deviations, which
    /// one test in a million fails by chance.
    static func isShare(_ hits: Int, of count: Int, _ p: Double) -> Bool {
        let deviation = (Double(count) * p * (1 - p)).squareRoot()
        return abs(Double(hits) - Double(count) * p) <= 5 * deviation + 1
    }

    @Test func rangesAndThreadsChangeNoBit() throws {
        var configuration = Self.configuration()
        (configuration.noise, configuration.correlation) = (0.1, .init(rank: 2, scale: 0.3))
        configuration.hierarchy = .init(roots: 3, branching: 3, depth: 2, exclusiveShare: 0.5, scalesByParent: true)
        let source = try Self.source(configuration)
        func read(_ range: Range<Int>, threads: Int) throws -> [Float] {
            let out = Tensor(range.count, source.width)
            var told = 0
            try source.read(range, into: out, workers: Workers(count: threads)) { told += $0 }
            #expect(told == range.count)
            return out.values
        }
        let whole = try read(7..<4200, threads: 1)
        #expect(try whole == read(7..<4200, threads: 3))
        for range in [7..<8, 8..<107, 1000..<4200, 4199..<4200, 50..<50] {
            let rows = (range.lowerBound - 7) * source.width..<(range.upperBound - 7) * source.width
            #expect(try read(range, threads: 2) == Array(whole[rows]))
        }
    }

    @Test func vectorsAreSumsOfTheirFeatures() throws {
        var configuration = Self.configuration()
        for noise in [0.0, 0.2] {
            configuration.noise = noise
            let source = try Self.source(configuration)
            let (x, codes) = (Tensor(2000, 12), source.codes(100..<2100, workers: Workers()))
            try source.read(100..<2100, into: x, workers: Workers()) { _ in }
            var squares = 0.0
            for t in 0..<2000 {
                var rest = (0..<12).map { Double(x[t][$0] - source.features.bias.data[$0]) }
                for active in codes[t] {
                    #expect(active.value > 0)
                    for c in 0..<12 { rest[c] -= Double(active.value * source.features.directions[active.latent][c]) }
                }
                squares += rest.reduce(0) { $0 + $1 * $1 }
                #expect(zip(codes[t], codes[t].dropFirst()).allSatisfy { $0.latent < $1.latent })
            }
            // Without noise what is left is rounding of fp32; with it, its standard deviation from 24,000 numbers, known
            // to 0.5% (one standard deviation).
            let deviation = (squares / 24_000).squareRoot()
            #expect(abs(deviation - noise) < (noise > 0 ? 0.025 * noise : 1e-5))
        }
    }

    @Test func sidesAreDifferentDraws() throws {
        let (training, heldOut) = (
            try Self.source(Self.configuration()), try Self.source(Self.configuration(), .heldOut)
        )
        let (a, b) = (Tensor(500, 12), Tensor(500, 12))
        try training.read(0..<500, into: a, workers: Workers()) { _ in }
        try heldOut.read(0..<500, into: b, workers: Workers()) { _ in }
        // Vectors without any feature are all the bias and so the same; the others never are.
        let bias = training.features.bias.values
        let rows = Set((0..<500).map { Array(UnsafeBufferPointer(start: a[$0], count: 12)) }).subtracting([bias])
        #expect(rows.count > 480)
        #expect(rows.isDisjoint(with: (0..<500).map { Array(UnsafeBufferPointer(start: b[$0], count: 12)) }))
    }

    @Test func independentFeaturesHaveTheirFrequencies() throws {
        let source = try Self.source(Self.configuration())
        let codes = source.codes(0..<20_000, workers: Workers())
        var (counts, sums, squares) = ([Int](repeating: 0, count: 37), [0.0], [0.0])
        (sums, squares) = ([Double](repeating: 0, count: 37), [Double](repeating: 0, count: 37))
        for t in 0..<20_000 {
            for active in codes[t] {
                counts[active.latent] += 1
                sums[active.latent] += Double(active.value)
                squares[active.latent] += Double(active.value * active.value)
            }
        }
        // Zipf's law between its ends, written out for the first, a middle and the last feature.
        let last = pow(37, -0.7)
        for (i, rank) in [(0, 1.0), (11, 12.0), (36, 37.0)] {
            let expected = 0.05 + 0.35 * (pow(rank, -0.7) - last) / (1 - last)
            #expect(abs(Double(source.features.frequencies[i]) - expected) < 1e-6)
        }
        for i in 0..<37 {
            #expect(Self.isShare(counts[i], of: 20_000, Double(source.features.frequencies[i])), "feature \(i)")
            // Five standard errors of a mean; deviations are far below the means, so that nothing is cut at zero.
            let (n, deviation) = (Double(counts[i]), Double(source.features.deviations[i]))
            let mean = sums[i] / n
            #expect(abs(mean - Double(source.features.means[i])) < 5 * deviation / n.squareRoot() + 1e-4)
            #expect(
                abs((squares[i] / n - mean * mean).squareRoot() - deviation) < 5 * deviation / n.squareRoot() + 1e-2)
        }
        #expect(source.features.means[0] == 5 && source.features.means[36] == 4)
    }

    /// The naive twin of the Poisson process: thresholds on normal numbers, as the copula is defined.
    @Test func pairsOccurAsInTheCopula() throws {
        var configuration = Self.configuration()
        configuration.correlation = .init(rank: 2, scale: 0.6)
        let source = try Self.source(configuration)
        let (features, count) = (source.features, 20_000)
        func pairs(_ active: [[Int]]) -> [Int] {
            var pairs = [Int](repeating: 0, count: 37 * 37)
            for row in active { for i in row { for j in row { pairs[37 * i + j] += 1 } } }
            return pairs
        }
        let codes = source.codes(0..<count, workers: Workers())
        let found = pairs((0..<count).map { codes[$0].map(\.latent) })

        // The threshold of each feature as the quantile of as many normal numbers.
        var generator = SeededGenerator(seed: 5, stream: "copula")
        let normals = (0..<400_000).map { _ in generator.normal() }.sorted()
        let thresholds = features.frequencies.map { normals[Int((1 - $0) * 400_000)] }
        let expected = pairs(
            (0..<count).map { _ in
                let common = (0..<2).map { _ in generator.normal() }
                return (0..<37).filter { i in
                    let (a, b) = (features.factors[i][0], features.factors[i][1])
                    let own = (1 - a * a - b * b).squareRoot()
                    return a * common[0] + b * common[1] + own * generator.normal() > thresholds[i]
                }
            })
        var strongest = 0.0
        for i in 0..<37 {
            for j in 0...i {
                // Two counts of as many trials: five standard deviations of their difference.
                let (a, b) = (Double(found[37 * i + j]), Double(expected[37 * i + j]))
                #expect(abs(a - b) < 5 * (a + b).squareRoot() + 5, "\(i) \(j)")
                guard i != j else { continue }
                strongest = max(strongest, a * Double(count) / Double(found[38 * i] * found[38 * j]))
            }
        }
        // Otherwise the comparison would show nothing.
        #expect(strongest > 2)
    }

    @Test func childrenFollowTheirParents() throws {
        var configuration = Self.configuration(features: 40)
        configuration.frequencies = .init(largest: 0.5, smallest: 0.02, exponent: 0.3)
        configuration.magnitudes = .init(meanOfFirst: 5, meanOfLast: 4, deviation: 0.7, deviationSpread: 0)
        for share in [0.0, 1.0] {
            configuration.hierarchy = .init(
                roots: 3, branching: 3, depth: 2, exclusiveShare: share, scalesByParent: true)
            let source = try Self.source(configuration)
            let features = source.features
            // 3 roots, 9 children, 27 of theirs, and one feature for which there is no place.
            let parents = [-1, -1, -1] + (0..<36).map { $0 / 3 } + [-1]
            #expect(features.parents.map(Int.init) == parents)
            let codes = source.codes(0..<20_000, workers: Workers())
            var counts = [Int](repeating: 0, count: 40)
            // Of the first child's value on its parent's: Σ, Σ, Σ of squares, Σ of products.
            var (n, sx, sy, sxx, sxy) = (0.0, 0.0, 0.0, 0.0, 0.0)
            for t in 0..<20_000 {
                let values = Dictionary(uniqueKeysWithValues: codes[t].map { ($0.latent, Double($0.value)) })
                for i in values.keys {
                    counts[i] += 1
                    if parents[i] >= 0 { #expect(values[parents[i]] != nil) }
                }
                if share == 1 {
                    let withParents = values.keys.map { parents[$0] }.filter { $0 >= 0 }
                    #expect(Set(withParents).count == withParents.count)
                }
                if let x = values[0], let y = values[3] {
                    (n, sx, sy, sxx, sxy) = (n + 1, sx + x, sy + y, sxx + x * x, sxy + x * y)
                }
            }
            for i in 0..<40 where share == 0 {
                #expect(Self.isShare(counts[i], of: 20_000, Double(features.frequencies[i])), "feature \(i)")
            }
            // A child's value is μ/μ' of its parent's on average: a slope known to 0.03 here, and 0 if not scaled.
            let slope = (sxy - sx * sy / n) / (sxx - sx * sx / n)
            #expect(abs(slope - Double(features.means[3] / features.means[0])) < 0.15, "\(slope) from \(n)")
        }
    }

    /// Siblings that exclude each other win with equal chances among those that want to be active.
    @Test func siblingsShareTheirParentsTime() throws {
        var configuration = Self.configuration(features: 4)
        configuration.frequencies = .init(largest: 0.3, smallest: 0.3, exponent: 0)
        configuration.hierarchy = .init(roots: 1, branching: 3, depth: 1, exclusiveShare: 1, scalesByParent: false)
        let source = try Self.source(configuration)
        // Each wants to be active with 0.3 / 0.3 · (1 + 2 · 0.3 / 0.3), so always, and gets a third.
        #expect(source.features.probabilities == [0.3, 1, 1, 1])
        let codes = source.codes(0..<20_000, workers: Workers())
        for i in 1..<4 {
            #expect(Self.isShare((0..<20_000).count { t in codes[t].contains { $0.latent == i } }, of: 20_000, 0.1))
        }
    }

    @Test(arguments: [(40, 16), (64, 64), (10, 32)]) func directionsBecomeOrthogonal(_ features: Int, _ width: Int)
        throws
    {
        var configuration = Self.configuration(features: features, width: width)
        func meanSquareCosine() throws -> Double {
            let directions = try SyntheticFeatures(configuration).directions
            var sum = 0.0
            for i in 0..<features {
                #expect(abs(directions.norm(ofRow: i) - 1) < 1e-5)
                for j in 0..<i {
                    let cosine = (0..<width).reduce(0.0) { $0 + Double(directions[i][$1] * directions[j][$1]) }
                    sum += cosine * cosine
                }
            }
            return sum / Double(features * (features - 1) / 2)
        }
        // Welch's bound: no unit vectors have less.
        let bound = max(0, (Double(features) / Double(width) - 1) / Double(features - 1))
        let random = try meanSquareCosine()
        #expect(random > bound * 1.1 + 0.01)
        configuration.orthogonalisation = 30
        let orthogonal = try meanSquareCosine()
        #expect(orthogonal < bound * 1.001 + 1e-5 && orthogonal > bound * 0.999 - 1e-12)
    }
}
