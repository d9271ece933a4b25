import Algorithms
import PrismCore
import PrismModels
import PrismTensor

/// A prompt's run and its baseline, and how m is divided among the units of some places.
package struct AttributedRun: Sendable {
    let model: Transformer
    package let question: AttributionQuestion
    package let places: [AttributionPlace]
    /// m.
    package let value: Double
    let logOdds: LogOdds
    let clean: CapturedActivations
    /// By place.
    let differences: [UnitDifferences]
    let workers: Workers

    /// - Throws: `PrismError.usage` for a token or a length that the model does not have.
    package init(
        _ model: Transformer, _ question: AttributionQuestion, _ places: [AttributionPlace], workers: Workers
    ) throws {
        (self.model, self.question, self.places, self.workers) = (model, question, places, workers)
        let hooks = places.flatMap { [$0.reads, $0.writes] }
        func run(_ contexts: [[Int32]], _ hooks: [HookPoint]) throws -> CapturedActivations {
            try model.run(ForwardRequest(contexts: contexts, capture: Array(hooks.uniqued())), workers: workers)
        }
        let starts = places.map { model.start(before: [$0.writes]) }
        let clean = try run([question.prompt], hooks + starts + model.pastHooks(from: .embedding) + [.finalNorm])
        let others: [[Int32]] =
            switch question.baseline {
            case .zero: []
            case .mean(let contexts): contexts.map(\.tokens)
            case .prompt(let other): [other]
            }
        let baseline = try run(others, hooks)
        self.clean = clean
        differences = workers.map(places.count, by: 1) { _, place in
            UnitDifferences(places[place.lowerBound], clean, question.baseline, baseline)
        }
        logOdds = LogOdds([question], model, workers: workers)
        value = logOdds.values(clean)[0]
    }

    /// All that differ from their baseline.
    package var units: [AttributionUnit] {
        places.indices.flatMap { place in
            question.prompt.indices.flatMap { position in
                differences[place].units(at: position).map {
                    AttributionUnit(place: place, index: $0, position: position)
                }
            }
        }
    }
}
