import PrismCore
import PrismMetrics
import PrismModels
import PrismTensor

/// How far each way of attribution agrees with exact ablation, over prompts of a task.
public struct AttributionAgreement: Codable, Sendable {
    public struct OfMethod: Codable, Sendable {
        public let method: AttributionMethod
        /// Means over prompts of the correlation over a prompt's units, with 95% intervals.
        public let pearson, spearman: Estimate
        /// Correlations over the units of one place in all prompts together, in the order of the pass.
        public let places: [OfPlace]
        /// Mean, for one prompt.
        public let seconds: Double
        /// Of integrated gradients: the share of places, over all prompts, at which completeness was reached.
        public let complete: Double?
    }

    public struct OfPlace: Codable, Sendable {
        public let place: String
        public let pearson, spearman: Double?
    }

    public let prompts: Int
    /// Mean number that were ablated in a prompt, and mean seconds that it took.
    public let units, ablationSeconds: Double
    public let methods: [OfMethod]

    /// - most: units of a prompt to compare, drawn at random if there are more.
    package init(
        _ model: Transformer, _ questions: [AttributionQuestion], _ places: [AttributionPlace], most: Int, seed: UInt64,
        progress: Progress, workers: Workers
    ) throws {
        var samples: [Sample] = []
        var (seconds, methodSeconds) = (0.0, [Double](repeating: 0, count: AttributionMethod.allCases.count))
        var completeness: [Completeness] = []
        for (number, question) in questions.enumerated() {
            let run = try AttributedRun(model, question, places, workers: workers)
            var generator = SeededGenerator(seed: seed, stream: "attributed units \(number)")
            let all = run.units
            let units = all.count > most ? Array(all.shuffled(using: &generator).prefix(most)) : all
            var exact: [Double] = []
            seconds += try ContinuousClock().measure { exact = try run.effects(of: units) } / .seconds(1)
            let scores = try AttributionMethod.allCases.map { try run.scores($0, of: units) }
            for (i, scores) in scores.enumerated() {
                methodSeconds[i] += scores.seconds
                completeness += scores.completeness
            }
            samples.append(Sample(places: units.map(\.place), exact: exact, attributed: scores.map(\.values)))
            progress.advance()
        }
        let count = Double(questions.count)
        (prompts, ablationSeconds) = (questions.count, seconds / count)
        units = Double(samples.reduce(0) { $0 + $1.exact.count }) / count
        methods = AttributionMethod.allCases.enumerated().map { i, method in
            func estimate(_ correlation: ([Double], [Double]) -> Double?) -> Estimate {
                let found = samples.compactMap { correlation($0.attributed[i], $0.exact) }
                return Bootstrap(contexts: found.count).estimate { counts in
                    zip(counts, found).reduce(0) { $0 + Double($1.0) * $1.1 } / Double(counts.reduce(0, +))
                }
            }
            let byPlace = places.indices.map { place in
                let pairs = samples.flatMap { sample in
                    sample.places.indices.filter { sample.places[$0] == place }.map {
                        (sample.attributed[i][$0], sample.exact[$0])
                    }
                }
                let (attributed, exact) = (pairs.map(\.0), pairs.map(\.1))
                return OfPlace(
                    place: places[place].name, pearson: Correlation.pearson(attributed, exact),
                    spearman: Correlation.spearman(attributed, exact))
            }
            let reached = Double(completeness.count(where: \.isReached)) / Double(completeness.count)
            return OfMethod(
                method: method, pearson: estimate(Correlation.pearson), spearman: estimate(Correlation.spearman),
                places: byPlace, seconds: methodSeconds[i] / count, complete: method == .integrated ? reached : nil)
        }
    }

    /// One prompt's units.
    private struct Sample {
        let places: [Int]
        let exact: [Double]
        /// By method.
        let attributed: [[Double]]
    }
}
