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
        /// Of integrated gradients: the share of places, over all prompts, at which completeness was reached, and the gradients
        /// taken at one in the mean.
        public let complete, steps: Double?
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
        _ model: Transformer, _ questions: [AttributionQuestion], _ places: [AttributionPlace],
        _ methods: [AttributionMethod], most: Int, seed: UInt64, progress: Progress, workers: Workers
    ) throws {
        var samples: [Sample] = []
        for (number, question) in questions.enumerated() {
            let run = try AttributedRun(model, question, places, workers: workers)
            var generator = SeededGenerator(seed: seed, stream: "attributed units \(number)")
            let all = run.units
            let units = all.count > most ? Array(all.shuffled(using: &generator).prefix(most)) : all
            var exact: [Double] = []
            let time = try ContinuousClock().measure { exact = try run.effects(of: units) }
            samples.append(
                Sample(
                    places: units.map(\.place), exact: exact, seconds: time / .seconds(1),
                    scores: try methods.map { try run.scores($0, of: units) }))
            progress.advance()
        }
        prompts = questions.count
        ablationSeconds = samples.map(\.seconds).mean
        units = samples.map { Double($0.exact.count) }.mean
        self.methods = methods.enumerated().map { i, method in
            func estimate(_ correlation: ([Double], [Double]) -> Double?) -> Estimate {
                let found = samples.compactMap { correlation($0.scores[i].values, $0.exact) }
                return Bootstrap(contexts: found.count).mean(of: found)
            }
            let byPlace = places.indices.map { place in
                let pairs = samples.flatMap { sample in
                    sample.places.indices.filter { sample.places[$0] == place }.map {
                        (sample.scores[i].values[$0], sample.exact[$0])
                    }
                }
                let (attributed, exact) = (pairs.map(\.0), pairs.map(\.1))
                return OfPlace(
                    place: places[place].name, pearson: Correlation.pearson(attributed, exact),
                    spearman: Correlation.spearman(attributed, exact))
            }
            let ways = samples.flatMap(\.scores[i].completeness)
            return OfMethod(
                method: method, pearson: estimate(Correlation.pearson), spearman: estimate(Correlation.spearman),
                places: byPlace, seconds: samples.map(\.scores[i].seconds).mean,
                complete: ways.isEmpty ? nil : ways.map { $0.isReached ? 1 : 0 }.mean,
                steps: ways.isEmpty ? nil : ways.map { Double($0.steps) }.mean)
        }
    }

    /// One prompt's units.
    private struct Sample {
        let places: [Int]
        let exact: [Double]
        /// What ablation took.
        let seconds: Double
        /// By method.
        let scores: [AttributionScores]
    }
}
