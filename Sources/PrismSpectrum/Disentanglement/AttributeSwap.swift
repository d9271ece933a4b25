import Foundation
import PrismCore
import PrismMetrics
import PrismTensor

/// Whether one attribute of a thing can be changed through some units and its others stay: RAVEL's form (Huang et al. 2024;
/// SAEBench), with linear probes on the activation in the place of the model's answers.
///
/// A binary mask m over units is learned for attribute A: base and source are two examples that differ in A,
///
///     x′ = x_base + Σᵢ mᵢ (zᵢ,source − zᵢ,base) dᵢ          mᵢ = σ(θᵢ/T), T falling to nothing; then mᵢ = [θᵢ > 0]
///
/// so that the probes of A say the source's value (cause) and those of the other attributes the base's (isolation).
public struct AttributeSwap: Codable, Sendable {
    public struct AttributeResult: Codable, Sendable {
        public let attribute: String
        /// Share of the test examples whose value the probes tell.
        public let readable: Double
        /// Units in the mask.
        public let maskSize: Int
        public let cause, isolation: Double
        /// Of swapping all units, what is swapped without a choice.
        public let isolationOfAll: Double
        public var score: Double { (cause + isolation) / 2 }
    }

    /// Attributes with their values: of each attribute every example has one value.
    public struct Attribute: Sendable {
        public let name: String
        /// Places in the examples' classes.
        public let values: [Int]

        public init(name: String, values: [Int]) { (self.name, self.values) = (name, values) }
    }

    public let units: String
    public let isControl: Bool
    public let attributes: [AttributeResult]
    /// Means over the attributes.
    public let cause, isolation, score: Estimate

    private static let (trainPairs, testPairs, epochs, batch, rate) = (2000, 500, 10, 50, 0.05)
    private static let (hottest, coldest) = (1.0, 1e-2)

    /// One for each set of units; none for fewer than two attributes, or too few examples.
    public static func all(
        _ examples: LabelledExamples, _ attributes: [Attribute], seed: UInt64, workers: Workers
    ) -> [AttributeSwap] {
        guard attributes.count > 1, let readout = Readout(examples, attributes, workers) else { return [] }
        return examples.units.map { units in
            let projections = readout.probes.map { probes in probes.map { units.effects(on: $0.weights) } }
            let results = workers.map(attributes.count, by: 1) { _, range -> AttributeResult? in
                let place = range.lowerBound
                var generator = SeededGenerator(seed: seed, stream: "swaps of \(attributes[place].name)")
                let train = readout.pairs(trainPairs, isTest: false, attribute: place, units, &generator)
                let test = readout.pairs(testPairs, isTest: true, attribute: place, units, &generator)
                guard !train.isEmpty, !test.isEmpty else { return nil }
                var mask = Mask(units.count)
                mask.train(train, projections, attribute: place, &generator)
                let quality = readout.quality(test, projections, attribute: place) { mask.isOn[$0] }
                return AttributeResult(
                    attribute: attributes[place].name, readable: readout.accuracies[place],
                    maskSize: mask.isOn.count { $0 }, cause: quality.cause, isolation: quality.isolation,
                    isolationOfAll: readout.quality(test, projections, attribute: place) { _ in true }.isolation)
            }.compactMap(\.self)
            return AttributeSwap(
                units: units.name, isControl: units.isControl, attributes: results,
                cause: Estimate(meanOf: results.map(\.cause)), isolation: Estimate(meanOf: results.map(\.isolation)),
                score: Estimate(meanOf: results.map(\.score)))
        }
    }

    /// A base, a source, and how far the units differ between them.
    fileprivate struct Pair {
        /// What the probes say of the base, [attributes][values].
        let logits: [[Double]]
        /// The values of base and source, [attributes].
        let base, source: [Int]
        let differences: [(unit: Int, value: Double)]

        /// What the probes say of x′. - mask: mᵢ.
        func logits(_ projections: [[[Double]]], _ mask: (Int) -> Double) -> [[Double]] {
            var result = logits
            for (unit, value) in differences {
                let weight = value * mask(unit)
                guard weight != 0 else { continue }
                for a in result.indices {
                    for v in result[a].indices { result[a][v] += weight * projections[a][v][unit] }
                }
            }
            return result
        }

        /// The value that each attribute is to have.
        func goal(_ swapped: Int) -> [Int] { base.indices.map { $0 == swapped ? source[$0] : base[$0] } }
    }

    /// Probes of all values of all attributes, and the examples that they read aright.
    private struct Readout {
        let examples: LabelledExamples
        /// [attributes][values].
        let probes: [[ActivationProbe]]
        /// On test examples.
        let accuracies: [Double]
        /// Values of each example, [examples][attributes]; nil where a probe errs, or an attribute has none.
        private let values: [[Int]?]
        private let scores: [[[Double]]]

        init?(_ examples: LabelledExamples, _ attributes: [Attribute], _ workers: Workers) {
            let train = (0..<examples.count).filter { !examples.isTest[$0] }
            guard train.count >= 2 * BalancedRows.leastTrain, train.count < examples.count else { return nil }
            self.examples = examples
            let places = attributes.flatMap(\.values)
            let all = workers.map(places.count, by: 1) { _, range in
                let inside = examples.isInside[places[range.lowerBound]]
                return ActivationProbe(examples.x, rows: train, labels: train.map { inside[$0] }, isBalanced: true)
            }
            var rest = all[...]
            probes = attributes.map { attribute in
                defer { rest = rest.dropFirst(attribute.values.count) }
                return Array(rest.prefix(attribute.values.count))
            }
            let rows = Array(0..<examples.count)
            let perProbe = probes.map { $0.map { $0.scores(examples.x, rows: rows) } }
            let scores = rows.map { row in perProbe.map { $0.map { $0[row] } } }
            let truth = rows.map { row in
                attributes.map { $0.values.firstIndex { examples.isInside[$0][row] } ?? -1 }
            }
            self.scores = scores
            accuracies = attributes.indices.map { a in
                let test = rows.filter { examples.isTest[$0] }
                return Double(test.count { scores[$0][a].largest == truth[$0][a] }) / Double(max(1, test.count))
            }
            values = rows.map { row in
                attributes.indices.allSatisfy { scores[row][$0].largest == truth[row][$0] } ? truth[row] : nil
            }
        }

        /// Pairs of examples that differ in an attribute.
        func pairs(
            _ count: Int, isTest: Bool, attribute: Int, _ units: ExampleUnits, _ generator: inout SeededGenerator
        ) -> [Pair] {
            let rows = values.indices.filter { values[$0] != nil && examples.isTest[$0] == isTest }
            guard Set(rows.map { values[$0]![attribute] }).count > 1 else { return [] }
            return (0..<count).map { _ in
                while true {
                    let (base, source) = (
                        rows.randomElement(using: &generator)!, rows.randomElement(using: &generator)!
                    )
                    guard values[base]![attribute] != values[source]![attribute] else { continue }
                    return Pair(
                        logits: scores[base], base: values[base]!, source: values[source]!,
                        differences: units.differences(from: base, to: source))
                }
            }
        }

        /// Cause and isolation of a mask.
        func quality(_ pairs: [Pair], _ projections: [[[Double]]], attribute: Int, isOn: (Int) -> Bool) -> (
            cause: Double, isolation: Double
        ) {
            var (hits, kept, others) = (0, 0, 0)
            for pair in pairs {
                let logits = pair.logits(projections) { isOn($0) ? 1 : 0 }
                for a in logits.indices {
                    if a == attribute {
                        hits += logits[a].largest == pair.source[a] ? 1 : 0
                    } else {
                        others += 1
                        kept += logits[a].largest == pair.base[a] ? 1 : 0
                    }
                }
            }
            return (Double(hits) / Double(pairs.count), Double(kept) / Double(max(1, others)))
        }
    }

    /// θ, and Adam's moments of its gradient.
    private struct Mask {
        private var theta, first, second: [Double]
        private var step = 0

        init(_ units: Int) {
            theta = Array(repeating: 0, count: units)
            (first, second) = (theta, theta)
        }

        var isOn: [Bool] { theta.map { $0 > 0 } }

        /// Mean cross-entropy towards the source's value of one attribute and the base's values of the others.
        mutating func train(
            _ pairs: [Pair], _ projections: [[[Double]]], attribute: Int, _ generator: inout SeededGenerator
        ) {
            let batches = (pairs.count + batch - 1) / batch
            let steps = epochs * batches
            for _ in 0..<epochs {
                let order = pairs.indices.shuffled(using: &generator)
                for start in stride(from: 0, to: order.count, by: batch) {
                    let cooling = Double(step) / Double(max(1, steps - 1))
                    let temperature = hottest * pow(coldest / hottest, cooling)
                    let own = order[start..<min(start + batch, order.count)].map { pairs[$0] }
                    descend(own, projections, attribute, temperature)
                }
            }
        }

        private mutating func descend(
            _ pairs: [Pair], _ projections: [[[Double]]], _ attribute: Int, _ temperature: Double
        ) {
            let mask = theta.map { 1 / (1 + exp(-$0 / temperature)) }
            var gradient = [Double](repeating: 0, count: theta.count)
            for pair in pairs {
                let (logits, goal) = (pair.logits(projections) { mask[$0] }, pair.goal(attribute))
                let slopes = logits.indices.map { a -> [Double] in
                    let peak = logits[a].max()!
                    let terms = logits[a].map { exp($0 - peak) }
                    let total = terms.reduce(0, +)
                    let weight = a == attribute ? 1 : 1 / Double(logits.count - 1)
                    return terms.indices.map { weight * (terms[$0] / total - ($0 == goal[a] ? 1 : 0)) }
                }
                for (unit, value) in pair.differences {
                    for a in slopes.indices {
                        for v in slopes[a].indices { gradient[unit] += value * slopes[a][v] * projections[a][v][unit] }
                    }
                }
            }
            step += 1
            let (beta1, beta2) = (0.9, 0.999)
            for i in theta.indices {
                let slope = gradient[i] / Double(pairs.count) * mask[i] * (1 - mask[i]) / temperature
                first[i] = beta1 * first[i] + (1 - beta1) * slope
                second[i] = beta2 * second[i] + (1 - beta2) * slope * slope
                let (m, v) = (first[i] / (1 - pow(beta1, Double(step))), second[i] / (1 - pow(beta2, Double(step))))
                theta[i] -= rate * m / (v.squareRoot() + 1e-8)
            }
        }
    }
}

extension [Double] {
    /// The place of the largest number.
    fileprivate var largest: Int { indices.max { self[$0] < self[$1] }! }
}

extension ExampleUnits {
    /// zᵢ of one example less zᵢ of another, of the units that respond to either.
    fileprivate func differences(from base: Int, to source: Int) -> [(unit: Int, value: Double)] {
        if let dense = responses.dense {
            return (0..<count).map { ($0, Double(dense[$0][source] - dense[$0][base])) }
        }
        var result: [(unit: Int, value: Double)] = []
        responses.codes.forEachActive(row: source) { result.append(($0, Double($1))) }
        // A unit that responds to both stands twice; what is made of the list is a sum.
        responses.codes.forEachActive(row: base) { result.append(($0, -Double($1))) }
        return result
    }
}
