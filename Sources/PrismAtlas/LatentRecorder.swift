import PrismCore
import PrismTensor

/// One token's activation of one latent.
public struct TokenActivation: Hashable, Sendable, BitwiseCopyable {
    /// Position in the context, from 0.
    public var position: Int32
    public var value: Float
}

/// What is known of every latent after one pass over the activations, in memory that does not grow with their number.
///
/// Per latent: firings, sum, maximum, a histogram, the strongest examples, and examples drawn uniformly from each interval
/// of activation strength.
///
/// **Histogram without a known maximum.** 16 bins of equal width cover [0, M), where M is the smallest power of two above
/// the largest value so far. When a value ≥ M comes, M doubles: bins 2b and 2b + 1 become bin b, exactly, because all edges
/// are powers of two apart; their samples merge with probabilities in proportion to their counts (`Reservoir.merged`), so
/// that every firing of the merged bin is again equally likely to be in the sample. At the end the maximum lies in
/// [M/2, M): between 9 and 16 bins, and half as many intervals, cover 0 … maximum.
package struct LatentRecorder {
    package static let binCount = 16
    /// Intervals examples are drawn from: pairs of bins.
    package static let intervalCount = 8

    /// A firing that is worth showing.
    package struct Example {
        package var context: Int
        package var position: Int32
        package var token: Int32
        package var value: Float
        /// All firings of this latent in this context, ascending by position.
        package var trace: [TokenActivation]
    }

    package let latentCount: Int
    package let exampleCount: Int
    package let intervalExamples: Int
    package private(set) var firings: [Int]
    package private(set) var sums: [Double]
    package private(set) var maxima: [Float]
    /// The strongest firings, at most one per context, strongest first; of equal ones the earlier.
    package private(set) var top: [[Example]]
    /// What a value must exceed to be among them.
    private var topFloors: [Float]
    /// Firings per source and latent, [source][latent].
    package private(set) var firingsBySource: [[Int]] = []
    /// Samples per bin, [latents × 16]; what they have `seen` is the histogram.
    private var bins: [Reservoir<Example>]
    /// M = 2^exponent, and 16 / M.
    private var exponents: [Int]
    private var binsPerUnit: [Double]
    private var generator: SeededGenerator
    // One context's firings grouped by latent, kept to be allocated once.
    private var occurrences: [Int32]
    private var cursors: [Int32]
    private var touched: [Int32] = []
    private var grouped: [TokenActivation] = []

    package init(latentCount: Int, exampleCount: Int, intervalExamples: Int, seed: UInt64) {
        precondition(latentCount >= 0 && exampleCount > 0 && intervalExamples > 0)
        self.latentCount = latentCount
        self.exampleCount = exampleCount
        self.intervalExamples = intervalExamples
        firings = Array(repeating: 0, count: latentCount)
        sums = Array(repeating: 0, count: latentCount)
        maxima = Array(repeating: 0, count: latentCount)
        exponents = Array(repeating: 0, count: latentCount)
        binsPerUnit = Array(repeating: 0, count: latentCount)
        top = Array(repeating: [], count: latentCount)
        topFloors = Array(repeating: 0, count: latentCount)
        bins = Array(repeating: Reservoir(), count: latentCount * Self.binCount)
        occurrences = Array(repeating: 0, count: latentCount)
        cursors = Array(repeating: 0, count: latentCount)
        generator = SeededGenerator(seed: seed, stream: "atlas examples")
    }

    /// Records one context.
    /// - tokens: of the whole context.
    /// - positions: of the rows of `codes`, ascending.
    /// - Returns: whether some latent kept it as an example.
    /// - Throws: `PrismError.badData` for an activation that is not a number.
    package mutating func add(
        context: Int, tokens: [Int32], source: Int, positions: [Int], codes: SparseCodes
    ) throws -> Bool {
        while firingsBySource.count <= source { firingsBySource.append(Array(repeating: 0, count: latentCount)) }
        try group(positions: positions, codes: codes)
        var isKept = false
        for latent in touched.map(Int.init) {
            let end = Int(cursors[latent])
            let start = end - Int(occurrences[latent])
            firingsBySource[source][latent] += end - start
            occurrences[latent] = 0
            if record(latent, start..<end, context: context, tokens: tokens) { isKept = true }
        }
        return isKept
    }

    /// Counting sort of a context's firings by latent: into `grouped`, where latent l ends at `cursors[l]`.
    private mutating func group(positions: [Int], codes: SparseCodes) throws {
        touched.removeAll(keepingCapacity: true)
        var total: Int32 = 0
        for row in positions.indices {
            for slot in row * codes.slots..<row * codes.slots + Int(codes.counts[row]) where codes.values[slot] > 0 {
                let latent = Int(codes.indices[slot])
                if occurrences[latent] == 0 { touched.append(Int32(latent)) }
                occurrences[latent] += 1
                total += 1
            }
        }
        if grouped.count < total {
            grouped = Array(repeating: TokenActivation(position: 0, value: 0), count: Int(total) * 2)
        }
        var offset: Int32 = 0
        for latent in touched {
            cursors[Int(latent)] = offset
            offset += occurrences[Int(latent)]
        }
        for (row, position) in positions.enumerated() {
            for slot in row * codes.slots..<row * codes.slots + Int(codes.counts[row]) {
                let value = codes.values[slot]
                let latent = Int(codes.indices[slot])
                guard value.isFinite else {
                    for latent in touched { occurrences[Int(latent)] = 0 }
                    throw PrismError.badData(
                        "latent \(latent) has the activation \(value) at position \(position): the dictionary or the model diverged"
                    )
                }
                guard value > 0 else { continue }
                grouped[Int(cursors[latent])] = TokenActivation(position: Int32(position), value: value)
                cursors[latent] += 1
            }
        }
    }

    private mutating func record(_ latent: Int, _ range: Range<Int>, context: Int, tokens: [Int32]) -> Bool {
        var trace: [TokenActivation]?
        func example(_ firing: TokenActivation) -> Example {
            if trace == nil { trace = Array(grouped[range]) }
            return Example(
                context: context, position: firing.position, token: tokens[Int(firing.position)], value: firing.value,
                trace: trace!)
        }
        var peak = grouped[range.lowerBound]
        for index in range {
            let firing = grouped[index]
            if firing.value > peak.value { peak = firing }
            if Double(firing.value) * binsPerUnit[latent] >= Double(Self.binCount) || firings[latent] == 0 {
                widen(latent, toHold: firing.value)
            }
            firings[latent] += 1
            sums[latent] += Double(firing.value)
            // Exact, as M is a power of two.
            let bin = latent * Self.binCount + Int(Double(firing.value) * binsPerUnit[latent])
            if let slot = bins[bin].offer(capacity: intervalExamples, using: &generator) {
                bins[bin].place(example(firing), at: slot)
            }
        }
        maxima[latent] = max(maxima[latent], peak.value)
        if peak.value > topFloors[latent] {
            let place = top[latent].firstIndex { $0.value < peak.value } ?? top[latent].count
            top[latent].insert(example(peak), at: place)
            if top[latent].count > exampleCount { top[latent].removeLast() }
            if top[latent].count == exampleCount { topFloors[latent] = top[latent].last!.value }
        }
        return trace != nil
    }

    /// Doubles M until `value` < M.
    private mutating func widen(_ latent: Int, toHold value: Float) {
        let needed = Int(value.exponent) + 1
        let start = latent * Self.binCount
        // After four doublings all lies in bin 0, and further ones change nothing.
        for _ in 0..<(firings[latent] == 0 ? 0 : min(needed - exponents[latent], 4)) {
            for bin in 0..<Self.binCount {
                bins[start + bin] = bin < Self.binCount / 2 ? mergedPair(latent, bin) : Reservoir()
            }
        }
        exponents[latent] = needed
        binsPerUnit[latent] = Double(sign: .plus, exponent: 4 - needed, significand: 1)
    }

    private mutating func mergedPair(_ latent: Int, _ pair: Int) -> Reservoir<Example> {
        let first = latent * Self.binCount + 2 * pair
        return .merged(bins[first], bins[first + 1], capacity: intervalExamples, using: &generator)
    }
}

extension LatentRecorder {
    /// Firings per bin; bin b covers [b · width, (b + 1) · width).
    package func histogram(_ latent: Int) -> (counts: [Int], width: Double) {
        let start = latent * Self.binCount
        return (
            (start..<start + Self.binCount).map { bins[$0].seen },
            Double(sign: .plus, exponent: exponents[latent] - 4, significand: 1)
        )
    }

    /// The samples of each of the 8 intervals, pairs of bins, strongest first.
    package mutating func intervals(_ latent: Int) -> [[Example]] {
        (0..<Self.intervalCount).map { pair in
            mergedPair(latent, pair).elements.sorted {
                $0.value != $1.value ? $0.value > $1.value : ($0.context, $0.position) < ($1.context, $1.position)
            }
        }
    }
}
